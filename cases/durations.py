"""Lengths of time as people write them: 90s, 47h59m, 3d, -16d."""

import re
from datetime import timedelta

from cases.errors import BadForm

_PARTS = re.compile(r"([+-]?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


LONGEST_DURATION = timedelta(days=3650)
"""The longest time in a rule book."""
DAYS_FROM_HOURS = 72
"""Whole days are written as days from this length on: rule books say 48 h, but 10 days."""


def parse_duration(text: str) -> timedelta:
    """Read a length of time such as ``47h59m`` or ``-3d``; raises BadForm for anything else."""
    parts = _PARTS.fullmatch(text.strip()) if text.strip() else None
    if parts is None or not any(parts.groups()[1:]):
        raise BadForm(f"{text!r} 不是时长 / is not a length of time: write for instance 90s, 47h59m, 3d")
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups()[1:])
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        length = timedelta.max
    if length > LONGEST_DURATION:
        raise BadForm(f"{text!r} 太长 / is too long: at most {LONGEST_DURATION.days}d")
    return -length if parts[1] == "-" else length


def format_duration(length: timedelta) -> str:
    """Write a length of time, to the second, so that ``parse_duration`` reads it back."""
    sign, rest = ("-", -length) if length < timedelta(0) else ("", length)
    minutes, seconds = divmod(int(rest.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24) if hours % 24 == 0 and hours >= DAYS_FROM_HOURS else (0, hours)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return sign + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0s")
