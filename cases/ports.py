"""The ports of activities, as protocols: the platforms, the shop's ledger, the operators.

The composition root chooses the adapters; an activity knows only the port.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from cases.ledger import CaseOutcome, CaseRecord, Ending, KnownCase, NumberUse, OpenedCase, ToldFact
from cases.messages import (
    ActionRequired,
    CatchUpCall,
    EffectCall,
    EffectOutcome,
    EndedCase,
    ExpiryOutcome,
    ExpiryQuery,
    NoticeDeliveries,
    NoticeDelivery,
    NoticeSent,
    Reminder,
    Report,
)


class Platform(Protocol):
    """A marketplace as activities see it.

    Both methods raise PlatformRefused where the platform refuses for a business reason, and PlatformUnreachable where
    it does not answer.
    """

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Perform an effect on the platform; one that the platform has done ``already`` is not sent again."""

    async def resolve_expiry(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Return what happened when a clock of the platform ran out; raises NotResolvedYet while it is undecided."""


class Ledger(Protocol):
    """The store of cases, entries, decisions and outcomes, called from several threads."""

    def opened(self, cases: Sequence[OpenedCase]) -> None:
        """Store that cases were opened; one known before does not change."""

    def known(self, case_ids: Sequence[str]) -> dict[str, KnownCase]:
        """Return what is known of those of the cases that were ever opened (G-14)."""

    def record(self, record: CaseRecord) -> None:
        """Store all about a case in one transaction; a record older than the stored one changes nothing."""

    def ended(self, case_id: str, ending: Ending, at: datetime) -> bool:
        """Store that a case's workflow ended, at ``at``, without its case; return whether that is news.

        It is none if the case has an outcome, if it was recorded after ``at``, or if this end is already stored.
        """

    def revived(self, case_id: str) -> None:
        """Store that a case's workflow runs again."""

    def cases_of_order(self, shop_id: str, order: str) -> list[KnownCase]:
        """Return the cases about an order, of all processes, in the order in which they were opened."""

    def tell(self, fact: ToldFact) -> list[str]:
        """Store a fact that a case tells others, and return the cases that it concerns, except the one that tells.

        None is missed, as each side writes before it reads (G-15): the fact is stored before the cases are listed, and
        a case stores that it was ``opened`` before it asks what was ``told``.  So either it is in the list, or it finds
        the fact, or both: whoever reports the fact must do so under its key.  A fact told again replaces the former.
        """

    def untell(self, key: str) -> None:
        """Withdraw a fact whose rule was taken back: no case that is opened later is told."""

    def told(self, case: OpenedCase) -> list[ToldFact]:
        """Return what concerns a case of all that cases of its process were told; oldest first.

        Facts about the whole shop are told to a case about an order, too, those with a period only to one begun in it.
        """

    def use_number(self, use: NumberUse) -> None:
        """Store that a tracking number was used for an order; of several times the last one is kept (DS-3)."""

    def numbers_used(self, shop_id: str, tracking_no: str, since: datetime) -> list[NumberUse]:
        """Return for which orders of a shop a tracking number has been used since an instant, oldest first."""


class Notifier(Protocol):
    """The operators' notifications; a ``key`` seen before sends nothing.

    Every method returns what is still to be sent, by whom it called and at its time, through ``NoticeChannels``; None
    if operators have been notified.  All raise PlatformUnreachable if a retry may help, otherwise PlatformRefused.
    """

    async def remind(self, reminder: Reminder, key: str) -> NoticeDeliveries | None:
        """Notify operators of a deadline (G-5)."""

    async def notify_action_required(self, required: ActionRequired, key: str) -> NoticeDeliveries | None:
        """Notify them of a step that waits for them (G-7, G-8)."""

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> NoticeDeliveries | None:
        """Notify them how a case ended."""


class NoticeChannels(Protocol):
    """The channels through which notices are sent."""

    async def send(self, delivery: NoticeDelivery) -> NoticeSent:
        """Send a notice once, unless it is late.

        Raises PlatformUnreachable if a retry may help, otherwise PlatformRefused.
        """

    async def send_apart(self, key: str, left: NoticeDeliveries) -> None:
        """Have a notice sent that belongs to no running case, once for its key."""


class LookProgress(Protocol):
    """The progress of a look at a shop's records; an attempt that is repeated goes on where the last one stopped."""

    def has_looked(self, case_id: str) -> bool:
        """Return whether the record of a case has been looked at."""

    def looked(self, case_id: str, *, opened: bool | None) -> None:
        """Note that a record has been looked at; ``opened`` is None if it could not be reported."""


Reconcile = Callable[[CatchUpCall, LookProgress], Awaitable[None]]
"""Finds what changed in a shop between two instants, and reports it to the cases; raises if it could not see all."""


class CaseReports(Protocol):
    """The way by which reports reach cases."""

    async def report(self, case_id: str, report: Report) -> None:
        """Report something to a case if it is open; a case that has ended, or was never opened, is passed over."""


class CaseSearch(Protocol):
    """The search for cases among Temporal's workflows."""

    def ended_early(self, since: datetime | None) -> AsyncIterator[EndedCase]:
        """Yield the cases whose workflow ended since an instant, or ever, without its case, and was not revived."""

    def running(self) -> AsyncIterator[OpenedCase]:
        """Yield all cases whose workflow runs."""
