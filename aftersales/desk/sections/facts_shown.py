"""Facts as a clerk reads them: Chinese names, Shanghai time, amounts in yuan."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from cases.durations import format_duration
from cases.labels import Labelled
from cases.shanghai import SHANGHAI

UNKNOWN_FACT: Final = "未知"


@dataclass(frozen=True)
class ShownFact:
    """A fact with its Chinese name; ``items`` are the facts of each item, where it is a list of such."""

    title: str
    value: str
    items: Sequence[Sequence["ShownFact"]] = ()


def shown_facts(facts: Labelled) -> list[ShownFact]:
    """Return what a model holds, in the order of its fields; texts that are empty are left out."""
    named = ((name, getattr(facts, name)) for name in type(facts).model_fields)
    return [_shown(facts.title_of(name), value) for name, value in named if value not in ("", ())]


def _shown(title: str, value: Any) -> ShownFact:
    if isinstance(value, Labelled):
        return ShownFact(title, "", [shown_facts(value)])
    if isinstance(value, tuple | list):
        models = [item for item in value if isinstance(item, Labelled)]
        if models:
            return ShownFact(title, "", [shown_facts(item) for item in models])
        return ShownFact(title, _joined(value))
    return ShownFact(title, _text(value))


def _joined(values: Iterable[Any]) -> str:
    return "、".join(_text(value) for value in values)


def _text(value: Any) -> str:
    if value is None:
        return UNKNOWN_FACT
    if isinstance(value, Enum):
        return str(getattr(value, "label", value.value))
    shown = next((show for kind, show in _SHOWN_AS.items() if isinstance(value, kind)), str)
    return shown(value)


_SHOWN_AS: Final[Mapping[type, Callable[[Any], str]]] = {
    bool: lambda value: "是" if value else "否",
    datetime: lambda value: value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
    timedelta: format_duration,
    Decimal: lambda value: f"{value:.2f} 元",
}
