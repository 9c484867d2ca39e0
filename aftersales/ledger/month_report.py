"""A month's report: the figures of its shops beside those of the month before, and what is at stake in open cases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from aftersales.ledger.month_figures import (
    LOOK_AHEAD,
    LOOK_BACK,
    Books,
    Month,
    PoliciesOf,
    ShopMonth,
    month_with,
    shop_months,
)
from cases.case import Appeals
from cases.models import Strict
from cases.shanghai import SHANGHAI
from workflows.registry import PROCESSES

if TYPE_CHECKING:
    from aftersales.ledger.store import SqlLedger


class OpenStake(Strict):
    """The open cases of a shop and process: their number, the sum (CNY) at stake, of how many that is unknown."""

    shop: str
    process: str
    cases: int
    amount: Decimal = Decimal("0.00")
    unknown: int = 0


PoliciesIn = Callable[[date], PoliciesOf | None]
"""The policies of shops that are in force on a day."""


@dataclass(frozen=True)
class MonthReport:
    """A month's figures; ``before`` are those of the month before by shop, ``open_now`` the open cases by shop."""

    month: Month
    shops: Sequence[ShopMonth] = ()
    before: Mapping[str, ShopMonth] = field(default_factory=dict)
    open_now: Mapping[str, Sequence[OpenStake]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The shops that have figures or open cases."""
        return sorted({shop.shop for shop in self.shops} | set(self.open_now))

    def of(self, shop: str) -> ShopMonth | None:
        """Return the figures of a shop, None if nothing of it falls into the month."""
        return next((figures for figures in self.shops if figures.shop == shop), None)


def this_month() -> str:
    """Return the current month by Shanghai's calendar, as 2026-11."""
    return f"{datetime.now(UTC).astimezone(SHANGHAI):%Y-%m}"


def month_before(month: Month) -> Month:
    """Return the month before."""
    return month_with(month.first - timedelta(days=1))


def month_after(month: Month) -> Month:
    """Return the month after."""
    return month_with(month.last + timedelta(days=1))


def appeals_of_processes() -> dict[str, Appeals]:
    """Return how an appeal and its end are recognized, by process."""
    return {name: process.case.appeals for name, process in PROCESSES.items() if process.case.appeals}


def read_books(ledger: "SqlLedger", month: Month, shop: str | None = None) -> Books:
    """Read what the figures of a month are computed from, of all shops or one."""
    outcomes = ledger.outcomes(month.first, month.last, shop)
    missed = [outcome.case_id for outcome in outcomes if outcome.decided_before_deadline is False]
    return Books(
        ledger.entries(month.first - LOOK_BACK, month.last + LOOK_AHEAD, shop),
        ledger.decisions(month.first - LOOK_BACK, month.last, shop),
        outcomes,
        {case_id: claim.clerk for case_id, claim in ledger.claims(missed).items()},
    )


def read_report(
    ledger: "SqlLedger",
    month: Month,
    shop: str | None = None,
    open_now: Sequence[OpenStake] | None = None,
    *,
    policies: PoliciesIn | None = None,
    sees: Callable[[str], bool] = lambda _: True,
) -> MonthReport:
    """Read the report of all shops or one, as far as its reader sees them.

    ``open_now``: what is at stake in open cases; None if nobody can tell, so that only their number is known.
    """
    appeals = appeals_of_processes()
    capped_by = policies or (lambda _: None)
    shops = shop_months(month, read_books(ledger, month, shop), appeals, capped_by(month.last))
    before = month_before(month)
    earlier = shop_months(before, read_books(ledger, before, shop), appeals, capped_by(before.last))
    if open_now is None:
        open_now = [
            OpenStake(shop=of_shop, process=process, cases=many, unknown=many)
            for (of_shop, process), many in ledger.open_cases(shop).items()
        ]
    seen = [stake for stake in open_now if sees(stake.shop) and shop in (None, stake.shop)]
    return MonthReport(
        month,
        [figures for figures in shops if sees(figures.shop)],
        {figures.shop: figures for figures in earlier if sees(figures.shop)},
        {name: [stake for stake in seen if stake.shop == name] for name in dict.fromkeys(s.shop for s in seen)},
    )
