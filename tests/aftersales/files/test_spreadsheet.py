"""Which cells a spreadsheet may take for formulas."""

import pytest

from aftersales.files.spreadsheet import is_formula


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("before", ["", " ", "\t", "\r", "\u3000"])
def test_a_sign_of_a_formula_is_seen_in_either_width_and_after_spaces(before: str, sign: str) -> None:
    assert is_formula(f"{before}{sign}1")


@pytest.mark.parametrize("text", ["", "S1", "1=1", "a@b", "'=1"])
def test_what_only_contains_one_is_none(text: str) -> None:
    assert not is_formula(text)
