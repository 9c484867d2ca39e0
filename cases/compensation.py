"""What a claim on 1688 costs: CL-2 for a sub-order, CL-3 for the main order."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cases.models import cents

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Terms:
    """The figures it is computed by: a rate, and amounts in CNY."""

    rate: Decimal
    paid_whole_below: Decimal
    floor: Decimal
    ceiling: Decimal


def sub_order_compensation(goods_amount: Decimal, terms: Terms) -> Decimal:
    """CL-2: a share of the goods amount actually paid; a small sub-order is paid whole."""
    return cents(goods_amount if goods_amount < terms.paid_whole_below else goods_amount * terms.rate)


def main_order_compensation(sub_orders: Sequence[tuple[Decimal, bool]], terms: Terms) -> Decimal:
    """CL-3: the sum over violating sub-orders, between the floor and the cap, the floor winning.

    ``sub_orders``: goods amount (CNY) and whether it violates.  A small main order is paid whole; without a violation
    nothing is due.
    """
    if not any(violating for _, violating in sub_orders):
        return NOTHING
    whole = sum((amount for amount, _ in sub_orders), NOTHING)
    if whole < terms.paid_whole_below:
        return cents(whole)
    total = sum((sub_order_compensation(amount, terms) for amount, violating in sub_orders if violating), NOTHING)
    return max(terms.floor, min(total, terms.ceiling, cents(whole * terms.rate)))
