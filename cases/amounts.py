"""Amounts as people and spreadsheets write them: 1299.00, ¥1,299, 12 元."""

import re

from cases.typed_text import narrowed

_WIDE_COMMA = "\uff0c"
_AMOUNT = re.compile(r"[¥\uffe5]?\s*(-?)[¥\uffe5]?\s*([0-9]{1,3}(?:[,\uff0c][0-9]{3})+|[0-9]+)(\.[0-9]+)?\s*元?")


def read_amount(text: str) -> str:
    """Return an amount as digits with a decimal point; raises ValueError for anything else."""
    amount = _AMOUNT.fullmatch(narrowed(text))
    if amount is None:
        raise ValueError("须为金额 / expected an amount such as 1299.00")
    sign, whole, cents = amount.groups("")
    return f"{sign}{whole.replace(',', '').replace(_WIDE_COMMA, '')}{cents}"
