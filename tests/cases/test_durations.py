"""Reading and writing lengths of time."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.durations import LONGEST_DURATION, format_duration, parse_duration
from cases.errors import BadForm


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("47h59m", 172740),
        ("3d", 259200),
        ("-16d", -1382400),
        ("+0s", 0),
        ("1d2h3m4s", 93784),
        (" 48h ", 172800),
        ("100m", 6000),
    ],
)
def test_lengths_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", " ", "-", "h", "48", "48 h", "1.5h", "3m2h", "1w", "2h2h", "--1h", "PT48H", "1h-1m"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadForm, match="47h59m"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3650d1s", "-3650d1s", "9999999999999d"])
def test_a_length_too_long_to_count_is_refused(text: str) -> None:
    with pytest.raises(BadForm, match="too long"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("48h", "48h"),
        ("2d", "48h"),
        ("72h", "3d"),
        ("10d", "10d"),
        ("73h", "73h"),
        ("-3d", "-3d"),
        ("90s", "1m30s"),
        ("0s", "0s"),
    ],
)
def test_lengths_are_written_as_rule_books_write_them(text: str, written: str) -> None:
    assert format_duration(parse_duration(text)) == written


@settings(derandomize=True, database=None, deadline=None, max_examples=200)
@given(st.timedeltas(min_value=-LONGEST_DURATION, max_value=LONGEST_DURATION))
def test_what_is_written_is_read_back_to_the_second(length: timedelta) -> None:
    whole = timedelta(seconds=int(length.total_seconds()))

    assert parse_duration(format_duration(whole)) == whole
