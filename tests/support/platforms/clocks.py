"""A machine whose clock is wrong, as the platform's answers show."""

from datetime import datetime, timedelta
from typing import Any

import pytest


def set_clock_wrong(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """Set the clock by which answers are compared with the platform's."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr("aftersales.runtime.http.http_client.datetime", Wrong)


def told(minutes: int) -> str:
    """Return a pattern of what an error says of such a clock, give or take two seconds."""
    seconds = "|".join(str(abs(minutes) * 60 + off) for off in (-2, -1, 0, 1, 2))
    return rf"本机时钟{'快' if minutes > 0 else '慢'} ({seconds}) 秒"
