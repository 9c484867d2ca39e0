"""Signalling a case what its marketplace reports, and opening it if it is new."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import structlog
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.gateway.senders import NOT_ITS_SHOP, NotItsShop
from aftersales.platforms.adapter import MessageAdapter, OrderMessageAdapter
from aftersales.platforms.inbound import LOOK, CaseKey
from aftersales.runtime.client.case_search import cases_about
from aftersales.runtime.client.known_cases import (
    CaseRegister,
    EndedEarly,
    find_workflow,
    is_missing,
    known_from,
    opened_case,
    opening_facts,
    where_it_ended,
)
from aftersales.runtime.temporal.connection import TemporalUnreachable
from aftersales.runtime.temporal.opening_pace import OpeningPace
from cases.errors import BadForm, CaseError, LedgerUnreachable
from cases.messages import Opening, Report
from cases.ports import Ledger
from workflows.engine.search_attributes import PROCESS, SHOP
from workflows.opening import start_case
from workflows.registry import process_of

RPC_TIMEOUT: Final = timedelta(seconds=5)
OF_THE_CASE: Final = (
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.FAILED_PRECONDITION,
)
"""Temporal's errors that may concern a single case."""
NEVER_OPENED: Final = (
    "手工新建有误,并非案件;删除该工作流后本消息会新建案件 / was started wrongly by hand: delete that workflow, and the "
    "message opens the case"
)
CONCERNS_NONE: Final = "与该订单的案件无关 / concerns none of the cases about this order"
NOBODY_OPENED: Final = "没有此案件,消息不新建此流程的案件 / no such case, and messages open none of this process"
SHOP_UNKNOWN: Final = "案件的店铺尚未登记 / the case does not say yet of which shop it is"
SHOPS_KEPT: Final = 10_000
"""Cases whose shop is kept: Temporal is asked again for others."""
FORGOTTEN: Final = "Temporal 已无此案件 / Temporal no longer has the case"


class FeedResult(StrEnum):
    """The result of feeding a case: signalled, known already, opened, closed, never opened, or not concerned."""

    SIGNALLED = "signalled"
    KNOWN = "known"
    OPENED = "opened"
    CLOSED = "closed"
    NO_CASE = "no case"
    UNCONCERNED = "unconcerned"


@dataclass(frozen=True)
class Fed:
    """What became of a report; ``why`` says where a closed case ended.

    ``uncertain``: the case may just have been opened, since Temporal's list, which was asked, is a moment behind.
    """

    result: FeedResult
    why: str | None = None
    uncertain: bool = False

    @property
    def note(self) -> str:
        """The result with its reason, as the inbox keeps it."""
        return f"{self.result}: {self.why}" if self.why else self.result


UNCONCERNED: Final = Fed(FeedResult.UNCONCERNED, CONCERNS_NONE)
Feed = Callable[[CaseKey, Report | None], Awaitable[Fed]]
"""``CaseClient.feed``, or a substitute."""


class CaseClient:
    """Feeds cases through a Temporal client, to which it connects when it is first needed."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Client]],
        adapters: Mapping[str, MessageAdapter],
        task_queue: str,
        ledger: Ledger,
        figures: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
        *,
        paced: bool = False,
    ) -> None:
        """Take the adapters by process, and each shop's own figures: shop id, process, figure.

        ``paced``: open cases no faster than the workers take them; not for messages, whose sender sets the pace.
        """
        self._connect = connect
        self._client: Client | None = None
        self._register = CaseRegister(ledger)
        self._shops: dict[str, str] = {}
        self._paced, self._pace = paced, OpeningPace()
        self._adapters, self._task_queue, self._figures = adapters, task_queue, figures or {}

    async def feed(self, case: CaseKey, report: Report | None) -> Fed:
        """Signal a report to a case, or without one only ensure that it is open; a case is opened once for ever (G-14).

        A process whose adapter does not open cases takes only what is about a case that somebody opened; where the
        messages name an order, all cases about it are signalled.

        A marketplace is asked only for what neither the report nor Temporal knows, the ledger only for a case that
        Temporal does not know.  Raises BadForm if the case can never be opened, EndedEarly if it has to be revived
        first, NotItsShop if it is of another shop, TemporalUnreachable, LedgerUnreachable, RPCError for what Temporal
        refuses of this case alone, and what the adapter's ``facts`` raises.  Repeating it is harmless: cases know what
        they have received.
        """
        client, adapter = await self._connected(), self._adapter(case.process)
        if isinstance(adapter, OrderMessageAdapter):
            return await self._feed_cases_about(client, adapter, case, report)
        reports: Sequence[Report | None] = [report]
        # What was read from the record needs no second look at it.
        if report is not None and not report.look and (report == LOOK or adapter.needs_record(report)):
            if adapter.opens:
                await self._existing(client, case)
            else:
                # A marketplace is not asked for the record of every order of a shop of which a few have cases.
                fed = await self._feed_one(client, adapter, case, None)
                if fed.result is not FeedResult.KNOWN:
                    return fed
            reports = await adapter.story(case.shop_id, case.own_id) or [None]
        all_fed = [await self._feed_one(client, adapter, case, report) for report in reports]
        return next((one for one in all_fed if one.result is FeedResult.OPENED), all_fed[-1])

    async def _feed_one(self, client: Client, adapter: MessageAdapter, case: CaseKey, report: Report | None) -> Fed:
        signal = report.model_dump(mode="json", exclude_defaults=True) if report is not None else None
        if fed := await self._feed_existing(client, case, signal):
            return fed
        if known := (await self._register.known([case.case_id])).get(case.case_id):
            # Another message may have opened it since Temporal was asked.
            if known.ended_at is None and (fed := await self._feed_existing(client, case, signal)):
                return fed
            return Fed(FeedResult.CLOSED, f"{where_it_ended(known)}; {FORGOTTEN}")
        if not adapter.opens:
            return Fed(FeedResult.NO_CASE, NOBODY_OPENED)
        return await self._open(client, adapter, case, signal)

    async def _feed_cases_about(
        self, client: Client, adapter: OrderMessageAdapter, order: CaseKey, report: Report | None
    ) -> Fed:
        """Signal the cases about an order that a report concerns; one that has to be revived holds up no other."""
        try:
            cases = await cases_about(client, order.process, order.shop_id, order.own_id, RPC_TIMEOUT)
            with_facts = [(case_id, await opening_facts(client, case_id, RPC_TIMEOUT)) for case_id in cases]
        except RPCError as failed:
            raise _explained(failed) from failed
        fed: list[Fed] = []
        ended: list[EndedEarly] = []
        for case_id, facts in with_facts:
            concerning = None if report is None or report == LOOK else await adapter.concerning(facts, report)
            if concerning is None:
                continue
            case = CaseKey(order.process, order.shop_id, case_id.removeprefix(f"{order.process}/"))
            try:
                found = await self._feed_existing(
                    client, case, concerning.model_dump(mode="json", exclude_defaults=True)
                )
            except EndedEarly as early:
                ended.append(early)
            else:
                fed += [found] if found else []
        if ended:
            raise ended[0]
        if not cases:
            return Fed(FeedResult.NO_CASE, NOBODY_OPENED, uncertain=True)
        return next((one for one in fed if one.result is FeedResult.SIGNALLED), (fed or [UNCONCERNED])[0])

    async def _open(self, client: Client, adapter: MessageAdapter, case: CaseKey, signal: dict[str, Any] | None) -> Fed:
        facts = await adapter.facts(case.shop_id, case.own_id)
        policy = self._figures.get(case.shop_id, {}).get(case.process, {})
        process, opening = process_of(case.process), Opening(facts=facts, policy=dict(policy))
        new = opened_case(process, opening)
        if new.shop_id != case.shop_id:
            raise NotItsShop(NOT_ITS_SHOP.format(shop=case.shop_id), ("shop_id",))
        try:
            await start_case(client, self._task_queue, process, opening, report=signal)
        except WorkflowAlreadyStartedError:  # somebody else was faster
            return await self._feed_existing(client, case, signal) or Fed(FeedResult.KNOWN)
        except RPCError as failed:
            raise _explained(failed) from failed
        self._remember(case.case_id, new.shop_id)
        try:
            await self._register.opened([new])
        except LedgerUnreachable as away:  # the look for ended cases enters it
            structlog.get_logger("gateway").warning("an opened case is not in the ledger yet", why=str(away))
        if self._paced:
            await self._pace.opened(client, case.case_id)
        return Fed(FeedResult.OPENED)

    async def _feed_existing(self, client: Client, case: CaseKey, report: dict[str, Any] | None) -> Fed | None:
        """Signal a case that Temporal knows; return None if it knows none.  Raises EndedEarly and NotItsShop."""
        if report is None or case.case_id not in self._shops:
            found = await self._existing(client, case)
            if found is None or found.close_time is not None:
                return _ended(found) if found else None
        if report is None:
            return Fed(FeedResult.KNOWN)
        self._check(case)
        try:
            await client.get_workflow_handle(case.case_id).signal("report", report, rpc_timeout=RPC_TIMEOUT)
        except RPCError as failed:
            if not is_missing(failed):
                raise _explained(failed) from failed
        else:
            return Fed(FeedResult.SIGNALLED)
        self._shops.pop(case.case_id, None)
        found = await self._existing(client, case)
        if found is not None and found.close_time is None:
            # One that was not signalled has just been revived: its message is tried again.
            raise EndedEarly(f"{case.case_id}: 正在恢复 / is being revived")
        return _ended(found) if found else None

    async def _existing(self, client: Client, case: CaseKey) -> WorkflowExecutionDescription | None:
        """Return the workflow of a case; None if Temporal knows none.  Raises NotItsShop if it is of another shop."""
        try:
            found = await find_workflow(client, case.case_id, RPC_TIMEOUT)
        except RPCError as failed:
            raise _explained(failed) from failed
        if found is None:
            return None
        shop = found.typed_search_attributes.get(SHOP)
        if shop is not None:
            self._remember(case.case_id, shop)
            self._check(case)
        elif found.close_time is None:  # started by hand, and not at work yet
            raise CaseError(SHOP_UNKNOWN)
        return found

    def _remember(self, case_id: str, shop: str) -> None:
        """Keep the shop of a case, which never changes, instead of that of the case looked at the longest ago."""
        self._shops.pop(case_id, None)
        self._shops[case_id] = shop
        if len(self._shops) > SHOPS_KEPT:
            del self._shops[next(iter(self._shops))]

    def _check(self, case: CaseKey) -> None:
        if self._shops[case.case_id] != case.shop_id:
            raise NotItsShop(NOT_ITS_SHOP.format(shop=case.shop_id), ("shop_id",))

    def _adapter(self, process: str) -> MessageAdapter:
        if process not in self._adapters:
            raise BadForm(f"process: 该流程不接收平台消息 / this process takes no messages: {process!r}", ("process",))
        return self._adapters[process]

    async def _connected(self) -> Client:
        if self._client is None:
            try:
                async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
                    self._client = await self._connect()
            except TimeoutError as slow:
                raise TemporalUnreachable("Temporal does not answer") from slow
        return self._client


def _ended(found: WorkflowExecutionDescription) -> Fed:
    """Return where a case ended; raises EndedEarly if its workflow ended without it."""
    known = known_from(found)
    if known.ending is not None:
        was_a_case = found.typed_search_attributes.get(PROCESS) is not None
        raise EndedEarly(where_it_ended(known) if was_a_case else NEVER_OPENED)
    return Fed(FeedResult.CLOSED, where_it_ended(known))


def _explained(failed: RPCError) -> Exception:
    if failed.status in OF_THE_CASE:
        return failed
    return TemporalUnreachable(f"Temporal: {failed.status.name}: {failed.message}")
