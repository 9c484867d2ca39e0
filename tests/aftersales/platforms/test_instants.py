"""Reading instants as Alibaba's platforms write them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from aftersales.platforms.instants import platform_instant

AT = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["2026-01-05 12:00:00", " 2026-01-05 12:00:00 ", 1767585600000, "1767585600000", "20260105120000000+0800"]
)
def test_each_form_is_read_as_the_same_instant(value: Any) -> None:
    assert platform_instant(value) == AT


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "?",
        "2026-01-05",
        "0001-01-01 00:00:00",
        True,
        1.5,
        1767585600,
        -1,
        10**30,
        "9" * 30,
        "١٢٣",
        [],
        {},
    ],
)
def test_what_is_no_instant_of_this_century_is_none_and_the_next_value_counts(value: Any) -> None:
    assert platform_instant(value) is None
    assert platform_instant(value, "2026-01-05 12:00:00") == AT
