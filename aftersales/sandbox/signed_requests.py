"""Signed forms and Shanghai timestamps, for the stand-ins of the platforms."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.requests import Request

from cases.shanghai import SHANGHAI

TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M:%S"
_TOLERANCE = timedelta(minutes=10)


class AppSecrets(Protocol):
    """The secrets of our applications."""

    def secret_of(self, platform: str, app_key: str) -> str | None:
        """Return an application's secret, None if it is unknown."""


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a request: those of the query, overridden by those of the body."""
    body = (await request.body()).decode()
    return dict(request.query_params) | dict(parse_qsl(body, keep_blank_values=True))


def instant(text: str) -> datetime:
    """Read a timestamp in Shanghai time; raises ValueError."""
    return datetime.strptime(text, TIMESTAMP_FORMAT).replace(tzinfo=SHANGHAI)


def long_instant(text: str) -> datetime:
    """Read a timestamp that may have milliseconds and an offset, as some clients of JD write it; raises ValueError."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f%z")
    except ValueError:
        return instant(text)


def is_timely(text: str, instant_of: Callable[[str], datetime] = instant) -> bool:
    """Return whether a request's timestamp is close enough to the present."""
    try:
        stamped = instant_of(text)
    except ValueError:
        return False
    return abs(datetime.now(SHANGHAI) - stamped) <= _TOLERANCE
