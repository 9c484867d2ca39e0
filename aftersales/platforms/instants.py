"""Instants as messages write them: texts in Shanghai's time, or milliseconds."""

from datetime import UTC, datetime
from typing import Any, Final

from cases.models import EARLIEST, LATEST
from cases.shanghai import SHANGHAI

_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S%f%z")


def platform_instant(*values: Any) -> datetime | None:
    """Return the first of the values that is an instant of this century; None if none is."""
    instants = (_instant(value) for value in values)
    return next((at for at in instants if at is not None and EARLIEST <= at < LATEST), None)


def _instant(value: Any) -> datetime | None:
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        return _from_text(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _from_text(text: str) -> datetime | None:
    for form in _FORMATS:
        try:
            read = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - Shanghai's time where it says nothing else
            return (read if read.tzinfo else read.replace(tzinfo=SHANGHAI)).astimezone(UTC)
        except (ValueError, OverflowError):  # the year 1 in Shanghai does not exist in UTC
            continue
    return None
