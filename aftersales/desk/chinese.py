"""Our own texts for clerks: they are written Chinese / English, and the desk shows the Chinese half."""

import re
from collections.abc import Container, Mapping
from typing import Final

from cases.errors import CaseError, LedgerUnreachable
from workflows.engine.decisions import INSTANT_FIELD

LEDGER_AWAY: Final = "账本数据库现在连不上,请稍后再试"
_ENGLISH: Final = re.compile(r"(?<=[^\x00-\x7f]) / [\x20-\x7e]*[\x21-\x7e]")
"""The English half of a sentence, as far as the next Chinese character."""
_NAME: Final = re.compile(r" \(([a-z][a-z0-9_]*)(?:: ([^()]*))?\)")
"""The name of a rule, a state or a guard after its Chinese name; orders may follow it."""
_WORD: Final = re.compile(r"(?<![\x21-\x7e]) ?([a-z][a-z0-9_]+)(?![\x21-\x7e]) ?", re.ASCII)
"""A word that stands alone, as the name of a rule does in a Chinese sentence."""
_ERROR: Final = re.compile(r"^[A-Z][A-Za-z]+: ")
"""The type of an error before its words."""
_SOURCE: Final = re.compile(r" \(\d{3}(?:, \d{3})*\)$")
"""The number of the source of a piece of advice."""
_PLACE: Final = re.compile(r"^(?:[a-z][a-z0-9_.]*: )+(?=[^\x00-\x7f])", re.ASCII)
"""The names of a rule and a field before what is wrong with them."""
WHEN_IT_HAPPENED: Final = "发生时间"
_TITLES: Final[Mapping[str, str]] = {INSTANT_FIELD: WHEN_IT_HAPPENED}
"""The Chinese names of fields that every decision has; those of its own form are checked before it is sent."""
_KEPT: Final = re.compile(r"[:;,)]+$")


def chinese_of(text: str) -> str:
    """Return the Chinese half of a text of ours, without names of rules, states and fields.

    A text without one is returned as it is.
    """
    halved = _ENGLISH.sub(lambda half: _closing(half.group()), _ERROR.sub("", _SOURCE.sub("", text)))
    placed = _PLACE.sub(lambda place: _titled(place.group()), halved)
    return _NAME.sub(lambda name: f"({name[2]})" if name[2] else "", placed).strip()


def words_of(fault: CaseError) -> str:
    """Return what a clerk is told of an error of ours."""
    return LEDGER_AWAY if isinstance(fault, LedgerUnreachable) else chinese_of(str(fault))


def labelled(text: str, labels: Mapping[str, str]) -> str:
    """Return a text in which the names of rules are their Chinese names, as on the buttons."""
    return _WORD.sub(lambda word: f"「{labels[word[1]]}」" if word[1] in labels else word.group(), text)


def named_in(text: str, names: Container[str]) -> list[str]:
    """Return the names of rules that stand in a text, in its order, each once."""
    return list(dict.fromkeys(word for word in _WORD.findall(text) if word in names))


def _titled(place: str) -> str:
    """Return the Chinese name of the field in a place before a text, if it has one."""
    field = place.removesuffix(": ").rpartition(": ")[2]
    return f"{_TITLES[field]}:" if field in _TITLES else ""


def _closing(half: str) -> str:
    """Return the punctuation that ends an English half, as it also ends the Chinese one.

    A bracket that was opened in the English half ends nothing else.
    """
    found = _KEPT.search(half)
    return found.group().replace(")", "", half.count("(")) if found else ""
