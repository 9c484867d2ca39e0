"""Which cells a spreadsheet may take for formulas."""

import pytest

from aftersales.files.spreadsheet import is_formula


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "=1", "+1", "-1", "@x", " =1", "\t=1", "\r=1", "　=1"]
)
def test_a_sign_of_a_formula_is_seen_in_either_width_and_after_spaces(text: str) -> None:
    assert is_formula(text)


@pytest.mark.parametrize("text", ["", "S1", "1=1", "a@b", "'=1", '="001"'[1:]])
def test_what_only_contains_one_is_none(text: str) -> None:
    assert not is_formula(text)
