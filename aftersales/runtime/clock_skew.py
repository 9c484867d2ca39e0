"""Calls that are refused because this machine's clock is wrong: they are retried, and say by how much it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from aftersales.runtime.http.http_client import Transport
from cases.errors import ClockWrong


@contextmanager
def clock_measured(transport: Transport) -> Iterator[None]:
    """Add to a ClockWrong by how much the clock differs from the platform's, if its last answer told, and log it."""
    try:
        yield
    except ClockWrong as wrong:
        ahead = transport.ahead
        structlog.get_logger("clock").error(
            "this machine's clock is wrong", seconds_ahead=None if ahead is None else ahead.total_seconds()
        )
        raise ClockWrong(f"{wrong}; {_in_words(ahead)}") from None


def _in_words(ahead: timedelta | None) -> str:
    if ahead is None:
        return "请核对本机时间 / check this machine's time"
    seconds = round(abs(ahead.total_seconds()))
    chinese, english = ("快", "fast") if ahead > timedelta(0) else ("慢", "slow")
    return f"本机时钟{chinese} {seconds} 秒 / this machine's clock is {seconds} s {english}"
