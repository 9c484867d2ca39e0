"""Amounts as people write them."""

import pytest

from cases.amounts import read_amount


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("12", "12"),
        ("1299.00", "1299.00"),
        ("¥1,299.5", "1299.5"),
        ("\uffe5-3元", "-3"),
        ("1\uff0c299 元", "1299"),
        ("\uff11\uff12.5", "12.5"),
    ],
)
def test_an_amount_is_read_as_people_write_it(written: str, amount: str) -> None:
    assert read_amount(written) == amount


@pytest.mark.parametrize("written", ["", "ten", "1,2", "1.2.3", "1e5", "12 USD"])
def test_anything_else_is_no_amount(written: str) -> None:
    with pytest.raises(ValueError, match="须为金额"):
        read_amount(written)
