"""A month's report: the figures of its shops beside those of the month before, and what is at stake in open cases."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from aftersales.ledger.month_clocks import ClockNames
from aftersales.ledger.month_figures import (
    LOOK_AHEAD,
    LOOK_BACK,
    Books,
    Month,
    PoliciesOf,
    ShopMonth,
    missed_clocks,
    month_with,
    shop_months,
)
from cases.models import Strict
from cases.shanghai import SHANGHAI
from workflows.engine.process import Process
from workflows.registry import PROCESSES, REGISTERED

if TYPE_CHECKING:
    from aftersales.ledger.store import SqlLedger


class OpenStake(Strict):
    """The open cases of a shop, process and state: their number, the sum (CNY) at stake, of how many it is unknown.

    ``state`` is the Chinese name, empty if it is not known.
    """

    shop: str
    process: str
    state: str = ""
    cases: int
    amount: Decimal = Decimal("0.00")
    unknown: int = 0


@dataclass(frozen=True)
class OpenNow:
    """What is at stake in open cases, as far as anybody tells; ``complete`` if no open case is left out."""

    stakes: Sequence[OpenStake] = ()
    complete: bool = False


NOBODY_TELLS = OpenNow()
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


def processes_in(books: Books) -> list[Process]:
    """Return the processes of which books tell, without loading any other."""
    told = (books.outcomes, books.entries, books.missed)
    names = {one.process for kind in told for one in kind}
    return [PROCESSES[name] for name in REGISTERED if name in names and name in PROCESSES]


def read_books(ledger: "SqlLedger", month: Month, shop: str | None = None) -> Books:
    """Read what the figures of a month are computed from, of all shops or one."""
    books = Books(
        ledger.entries(month.first - LOOK_BACK, month.last + LOOK_AHEAD, shop),
        ledger.decisions(month.first - LOOK_BACK, month.last, shop),
        ledger.outcomes(month.first, month.last, shop),
        ledger.missed(month.first - LOOK_BACK, month.last, shop),
    )
    books = replace(books, clocks=ClockNames(processes_in(books)))
    claims = ledger.claims(list(missed_clocks(month, books)))
    return replace(books, clerks={case_id: claim.clerk for case_id, claim in claims.items()})


def read_figures(
    ledger: "SqlLedger", month: Month, shop: str | None = None, *, policies: PoliciesIn | None = None
) -> list[ShopMonth]:
    """Read the figures of a month, of all shops or one."""
    books = read_books(ledger, month, shop)
    appeals = {one.name: one.case.appeals for one in processes_in(books) if one.case.appeals}
    return shop_months(month, books, appeals, policies(month.last) if policies else None)


def read_report(
    ledger: "SqlLedger",
    month: Month,
    shop: str | None = None,
    open_now: OpenNow = NOBODY_TELLS,
    *,
    policies: PoliciesIn | None = None,
    sees: Callable[[str], bool] = lambda _: True,
) -> MonthReport:
    """Read the report of all shops or one, as far as its reader sees them.

    ``open_now``: what is at stake in open cases; of those that it leaves out, the number is read from the ledger.
    """
    shops = read_figures(ledger, month, shop, policies=policies)
    earlier = read_figures(ledger, month_before(month), shop, policies=policies)
    stakes = [*open_now.stakes, *([] if open_now.complete else _left_out(open_now, ledger.open_cases(shop)))]
    seen = [stake for stake in stakes if sees(stake.shop) and shop in (None, stake.shop)]
    return MonthReport(
        month,
        [figures for figures in shops if sees(figures.shop)],
        {figures.shop: figures for figures in earlier if sees(figures.shop)},
        {name: [stake for stake in seen if stake.shop == name] for name in dict.fromkeys(s.shop for s in seen)},
    )


def _left_out(told: OpenNow, open_cases: Mapping[tuple[str, str], int]) -> Iterator[OpenStake]:
    """Yield the open cases of which nobody tells more than that they are open."""
    counted: Counter[tuple[str, str]] = Counter()
    for stake in told.stakes:
        counted[stake.shop, stake.process] += stake.cases
    for (shop, process), many in open_cases.items():
        rest = many - counted[shop, process]
        if rest > 0:
            yield OpenStake(shop=shop, process=process, cases=rest, unknown=rest)
