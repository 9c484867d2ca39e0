"""The time of Asia/Shanghai, by which marketplaces count days and operators read instants."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shanghai(instant: datetime) -> str:
    """Format an instant for operators: Shanghai time, to the minute."""
    return instant.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def shanghai_day(at: datetime) -> date:
    """Return the day in Shanghai: marketplaces count by it."""
    return at.astimezone(SHANGHAI).date()


def end_of_day(day: date) -> datetime:
    """Return the instant at which a day in Shanghai ends."""
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
