"""The time of Asia/Shanghai: the marketplaces count days by it, and operators read it."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shanghai(instant: datetime) -> str:
    """An instant as an operator reads it: Shanghai time, to the minute."""
    return instant.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def shanghai_day(at: datetime) -> date:
    """The day in Shanghai: the one that the marketplaces count by."""
    return at.astimezone(SHANGHAI).date()
