"""Ids as files have them: cleaned of what spreadsheets, chats and programs put into them, or refused."""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from aftersales.files.documents import Place
from aftersales.importing.table_rows import is_control
from cases.errors import BadForm
from cases.models import IdMark
from cases.typed_text import narrowed

ERROR_VALUES: Final = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!")
ROUNDED: Final = re.compile(r"-?\d(?:\.\d+)?E\+\d{2,}|-?\d\.\d+E\+?\d{1,2}", re.ASCII | re.IGNORECASE)
"""A number as spreadsheets and Java write one that has too many digits for them: 7.3E+18, 2.8E11."""
_POWER: Final = re.compile(r"-?\d+(?:\.\d+)?E[+-]?\d+", re.ASCII | re.IGNORECASE)
_WHOLE: Final = re.compile(r"(\d+)\.0+", re.ASCII)
_EXACT_DIGITS: Final = 15
_QUOTES: Final = " `'\"\u00b4\u2018\u2019\u201c\u201d"
LOST_DIGITS: Final = "这个数已丢位,请把列设为文本 / the number has lost digits: format the column as text"
FORMULA_ERROR: Final = "公式出错 / an error value of a formula"


def id_mark(field: FieldInfo) -> IdMark | None:
    """Return how the ids of a field look, None for a field that is no id."""
    marks = [*_marks(field.metadata), *_marks(get_args(field.annotation))]
    return max(marks, key=lambda mark: mark.digits, default=None)


def _marks(parts: Any) -> Iterator[IdMark]:
    for part in parts:
        if isinstance(part, IdMark):
            yield part
        else:
            yield from _marks(get_args(part))


def read_id(text: str, *, digits: bool) -> str:
    """Return an id as the platform has it; raise ValueError for one that cannot be known, or not of ``digits``."""
    bare = narrowed(text).strip(_QUOTES)
    if bare in ERROR_VALUES:
        raise ValueError(FORMULA_ERROR)
    whole = _WHOLE.fullmatch(bare)
    if (_POWER if digits else ROUNDED).fullmatch(bare) or (whole and len(whole[1]) > _EXACT_DIGITS):
        raise ValueError(LOST_DIGITS)
    bare = whole[1] if whole else bare
    if any(map(is_control, bare)):
        raise ValueError("有控制字符 / has control characters")
    if digits and not (bare.isascii() and bare.isdecimal()):
        raise ValueError("须全为数字 / expected digits only; ids with letters need digits: false in the mapping")
    return bare


def check_texts(model: BaseModel, place: Place = ()) -> None:
    """Check the texts of a model for control characters, its ids also for marks that nobody sees; raise BadForm."""
    for name, field in type(model).model_fields.items():
        _check(getattr(model, name), id_mark(field) is not None, (*place, name))


def _check(value: Any, is_id: bool, place: Place) -> None:  # noqa: FBT001
    if isinstance(value, BaseModel):
        check_texts(value, place)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            _check(item, is_id, (*place, number))
    elif isinstance(value, str) and (why := unclean(value, is_id=is_id)):
        raise BadForm(f"{'.'.join(map(str, place))}: {why}", place)


def unclean(text: str, *, is_id: bool) -> str | None:
    """Return why a text that somebody wrote by hand cannot stay as it is; None if it can."""
    if any(map(is_control, text)):
        return f"有控制字符 / has control characters: {text!a}"
    if is_id:
        try:
            bare = read_id(text, digits=False)
        except ValueError as bad:
            return f"{text!a} {bad}"
        if bare != text:
            return f"有不可见或全角字符 / has invisible marks or full-width characters: {text!a}, expected {bare!a}"
    return None
