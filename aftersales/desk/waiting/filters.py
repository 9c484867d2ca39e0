"""What is looked for among the cases that wait: the groups that are counted, the filters, the place in the list."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Self

from pydantic import Field
from temporalio.client import WorkflowExecution

from aftersales.runtime.client.nearest_cases import deadline_of
from cases.labels import LabelledEnum
from cases.models import Instant, Strict

CASES_ON_A_PAGE: Final = 25
"""Cases on a page."""
LARGEST_AMOUNT: Final = 10**9
LAST_PAGE: Final = 1000
MOST_SKIPPED: Final = 20_000


class WaitingGroup(LabelledEnum):
    """The groups of cases that are counted, and that a click leaves alone."""

    OVERDUE = "overdue", "已超时"
    IN_2_HOURS = "2h", "<2h"
    IN_12_HOURS = "12h", "<12h"
    IN_24_HOURS = "24h", "<24h"
    FAILED = "failed", "平台未办成"
    TASKS = "tasks", "控制台任务"
    BUYER = "buyer", "等买家"
    PLATFORM = "platform", "等平台"
    ENDED_EARLY = "ended_early", "异常终止"


DEADLINE_HOURS: Final[Mapping[WaitingGroup, tuple[int | None, int | None]]] = {
    WaitingGroup.OVERDUE: (None, 0),
    WaitingGroup.IN_2_HOURS: (0, 2),
    WaitingGroup.IN_12_HOURS: (0, 12),
    WaitingGroup.IN_24_HOURS: (0, 24),
}
"""The deadlines of a group, in hours from now."""


PLACE: Final = ("page", "after", "skipped")
NO_PLACE: Final[Mapping[str, Any]] = {"after": None, "skipped": 0}
LISTED_WHOLE: Final = (WaitingGroup.FAILED, WaitingGroup.TASKS, WaitingGroup.ENDED_EARLY)
"""The groups of which all cases are read, at most some hundreds."""


class Filters(Strict):
    """What is looked for; everything may be left out.

    ``search`` is the number of an order, an after-sale or a parcel; ``least`` an amount in CNY; ``clerk`` whoever has
    claimed the cases.  A later page begins ``after`` the deadline with which the one before it ended: so many cases of
    that second were ``skipped``, since they were shown.  Without it, the page is found by its number.
    """

    shop: str = ""
    platform: str = ""
    process: str = ""
    state: str = ""
    least: Decimal | None = Field(default=None, ge=0, le=LARGEST_AMOUNT, decimal_places=2)
    clerk: str = ""
    search: str = Field(default="", max_length=64)
    group: WaitingGroup | None = None
    page: int = Field(default=1, ge=1, le=LAST_PAGE)
    after: Instant | None = None
    skipped: int = Field(default=0, ge=0, le=MOST_SKIPPED)

    @property
    def narrowed(self) -> int:
        """How many filters are set besides search, group and page, which the page shows by themselves."""
        return len(self.model_dump(exclude_defaults=True, exclude={"search", "group", *PLACE}))

    def with_group(self, group: WaitingGroup | None) -> Self:
        """Return the filters for the first page of a group, or of all."""
        return self.model_copy(update={"group": group, "page": 1, **NO_PLACE})

    def page_before(self) -> Self:
        """Return the filters for the page before, which is found by its number."""
        return self.model_copy(update={"page": self.page - 1, **NO_PLACE})

    def page_after(self, shown: Sequence[WorkflowExecution]) -> Self:
        """Return the filters for the page after cases that were shown, and those of the same second before them."""
        last = deadline_of(shown[-1])
        if last is None or self.group in LISTED_WHOLE:
            return self.model_copy(update={"page": self.page + 1, **NO_PLACE})
        skipped = sum(deadline_of(case) == last for case in shown)
        return self.model_copy(update={"page": self.page + 1, "after": last, "skipped": skipped})
