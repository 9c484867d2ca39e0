"""Facts as people read them."""

from typing import Any

import pytest

from aftersales.cli.in_words import in_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (True, "是 / yes"),
        (False, "否 / no"),
        ("2026-01-05T01:00:00Z", "2026-01-05 09:00"),
        ("2026-01-05T17:00:05+00:00", "2026-01-06 01:00:05"),
        ("2026-01-05", "2026-01-05"),
        ("129.00", "129.00"),
        ([], ""),
        (["a", "b"], "a;b"),
        ({"order_id": "O7", "seen": None, "parts": [{"n": 1}, {"n": 2}]}, "order_id O7,parts n 1;n 2"),
    ],
)
def test_a_value_is_read_without_the_syntax_of_a_language_and_in_shanghais_time(value: Any, words: str) -> None:
    assert in_words(value) == words
