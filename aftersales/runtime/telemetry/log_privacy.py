"""What a log may say: nothing of a buyer, whatever went wrong and wherever it is told.

Our own errors are written for operators and quote nobody.  A message of any other exception may quote what was being
worked on, so only its type and the places in the code are logged.
"""

import re
import sqlite3
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from types import TracebackType
from typing import Any, Final

from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from cases.errors import CaseError, PlatformError
from cases.plain_text import plain, plain_lines

QUOTING_NOBODY: Final = (CaseError, OSError, RPCError, sqlite3.Error)
"""Exceptions whose messages are logged."""
PHONE: Final = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
"""A mobile number in mainland China; order numbers are longer or shorter."""
TRACEBACK: Final = "exception"
"""The field of a line that has lines of its own."""
HIDDEN_PHONE: Final = "<phone>"
HIDDEN_WORDS: Final = "<on the case>"
"""In place of a platform's words, where data is encrypted: `aftersales show` tells them."""
_OBJECTS_BEGIN: Final = {"asyncio": "\n", "temporalio": "Failure {"}
_CAUSED: Final = "The above exception was the direct cause of the following exception:"
_DURING: Final = "During handling of the above exception, another exception occurred:"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class PlatformWords:
    """Whether a log may repeat what platforms say: not where data is encrypted, as they may quote a buyer."""

    hidden = False


def in_words(error: BaseException) -> str:
    """Return the message of an exception, or only its type if the message may quote data."""
    if PlatformWords.hidden and isinstance(error, PlatformError):
        return type(error).__name__
    if isinstance(error, QUOTING_NOBODY):
        return str(error) or type(error).__name__
    if isinstance(error, ApplicationError) and error.type:
        hidden = PlatformWords.hidden and error.type in _names(PlatformError)
        return error.message if error.type in _names(CaseError) and not hidden else error.type
    return type(error).__name__


def _names(family: type[BaseException]) -> set[str]:
    return {family.__name__}.union(*(_names(member) for member in family.__subclasses__()))


def outline(exc_info: ExcInfo) -> str:
    """Return an exception with its causes as a traceback, without local variables and messages that may quote."""
    return "\n".join(_outlined(exc_info[1], set()))


def _outlined(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _outlined(before, seen)
        yield f"\n{_CAUSED if error.__cause__ else _DURING}\n"
    if error.__traceback__:
        yield "Traceback (most recent call last):"
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    kind, words = type(error).__qualname__, plain(in_words(error))
    yield kind if words == type(error).__name__ else f"{kind}: {words}"
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _outlined(part, seen)


def hide_phones(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide phone numbers in a line: a platform's own words may contain one."""
    return {name: _without_phones(value) for name, value in line.items()}


def hide_platform_words(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide why a call of a platform failed, and why a step waits for a person, where data is encrypted."""
    if PlatformWords.hidden and "why" in line and ("step" in line or line.get("error") in _names(PlatformError)):
        line["why"] = HIDDEN_WORDS
    return line


def plain_values(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write what others said as plain text on one line; only a traceback keeps its lines."""
    return {
        name: plain_lines(value) if name == TRACEBACK and isinstance(value, str) else _plain(value)
        for name, value in line.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _without_phones(value: Any) -> Any:
    if isinstance(value, str):
        return PHONE.sub(HIDDEN_PHONE, value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, BaseException):
        return _without_phones(in_words(value))
    if isinstance(value, Mapping):
        return {name: _without_phones(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_without_phones(item) for item in value]
    return value


def without_objects(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut off the objects that libraries write out in their messages, and with them messages of exceptions."""
    library = str(line.get("logger")).partition(".")[0]
    if library in _OBJECTS_BEGIN:
        line["event"] = str(line["event"]).partition(_OBJECTS_BEGIN[library])[0]
    return line
