"""The timestamps that JD and Taobao want in a request: their form, and how old they may be."""

from datetime import datetime, timedelta

from cases.shanghai import SHANGHAI

FORM = "%Y-%m-%d %H:%M:%S"
TOLERANCE = timedelta(minutes=10)


def instant(text: str) -> datetime:
    """Read a timestamp, which is in Shanghai time; raises ValueError."""
    return datetime.strptime(text, FORM).replace(tzinfo=SHANGHAI)


def is_timely(text: str) -> bool:
    """Whether a request was stamped just now."""
    try:
        stamped = instant(text)
    except ValueError:
        return False
    return abs(datetime.now(SHANGHAI) - stamped) <= TOLERANCE
