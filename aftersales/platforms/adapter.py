"""A process's interface on its marketplace, by what a marketplace may offer.

``Adapter``: effects are performed and clocks resolved.  ``MessageAdapter``: messages open and move cases as well;
``OrderMessageAdapter``: they name an order instead of the case.  ``ReconcilableAdapter``: what changed can be listed,
which makes up for lost messages.  ``FollowingAdapter``: nothing lists it, so that the record of each open case is read
from time to time.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from aftersales.platforms.inbound import CaseKey
from cases.errors import PlatformRefused
from cases.messages import EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery, Report


class Adapter:
    """The base of every adapter, made of its marketplace's client; by itself, for a process without an interface.

    All methods that call the marketplace raise PlatformUnreachable if it does not answer, and BadForm if what
    they are given does not fit.
    """

    def __init__(self, client: Any = None) -> None:
        del client

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Perform an effect; raises PlatformRefused if the marketplace refuses, or has no interface for it (G-8)."""
        raise PlatformRefused(f"平台没有此操作的接口 / the platform has no interface for: {call.effect}")

    async def resolve_expiry(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Return what a clock of the marketplace led to; raises NotResolvedYet while it has not decided.

        Without a record of it the policy's own event counts (G-2).
        """
        del question
        return ExpiryOutcome()


class MessageAdapter(Adapter, ABC):
    """An adapter whose marketplace sends messages about the process's cases.

    ``opens``: whether a message opens its case if nobody has; otherwise ``facts`` is never asked.
    """

    opens: ClassVar[bool] = True

    @abstractmethod
    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return the case that a message is about; None if the message is not about this process.

        Raises BadForm if it is but does not say which case.
        """

    @abstractmethod
    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        """Return what a message reports to its case; None if the case only has to be open.  Raises BadForm."""

    def needs_record(self, report: Report) -> bool:
        """Return whether the marketplace's record has to be read to know what a report means."""
        del report
        return False

    async def facts(self, shop_id: str, own_id: str) -> dict[str, Any]:
        """Return the facts that a case is opened with, as JSON; raises PlatformRefused if there is no record."""
        del shop_id
        raise PlatformRefused(f"平台没有可查询的记录 / the platform has no record to open the case from: {own_id}")

    async def story(self, shop_id: str, own_id: str) -> list[Report]:
        """Return what the marketplace's record says happened, in order; raises as ``facts``."""
        del shop_id, own_id
        return []


class OrderMessageAdapter(MessageAdapter):
    """An adapter whose messages name an order: they are for every case of the process about it, and open none.

    ``case_of`` returns the order's id as ``own_id``.
    """

    opens = False

    async def concerning(self, facts: Mapping[str, Any], report: Report) -> Report | None:
        """Return a report as it is for the case with these facts; None if it does not concern that case.

        May ask the marketplace, and raises as the methods of ``Adapter`` do.
        """
        del facts
        return report


class ReconcilableAdapter(MessageAdapter):
    """An adapter whose marketplace lists the records that changed."""

    @abstractmethod
    def changed(self, shop_id: str, since: datetime, until: datetime) -> AsyncIterator[str]:
        """Yield the own ids of records that changed between two instants, both included; one may come twice."""


class FollowingAdapter(MessageAdapter):
    """An adapter whose marketplace lists nothing that changed: the record of every open case is read in turn.

    ``every``: how often, at least.
    """

    every: ClassVar[timedelta]


LookingAdapter = ReconcilableAdapter | FollowingAdapter
"""An adapter with records that are looked at by themselves, besides the messages about them."""
