"""Signalling a case what its marketplace reports, and opening it if it is new."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import structlog
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.platforms.adapter import MessageAdapter
from aftersales.platforms.inbound import CaseKey
from aftersales.runtime.connection import TemporalUnreachable
from aftersales.runtime.known_cases import (
    CaseRegister,
    EndedEarly,
    find_workflow,
    is_missing,
    known_from,
    opened_case,
    where_it_ended,
)
from aftersales.runtime.opening_pace import OpeningPace
from cases.errors import BadForm, LedgerUnreachable
from cases.messages import Opening, Report
from cases.ports import Ledger
from workflows.engine.search_attributes import PROCESS
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
NOBODY_OPENED: Final = "没有此案件,消息不新建此流程的案件 / no such case, and messages open none of this process"
FORGOTTEN: Final = "Temporal 已无此案件 / Temporal no longer has the case"


class FeedResult(StrEnum):
    """The result of feeding a case: signalled, known already, opened, closed, or never opened by anybody."""

    SIGNALLED = "signalled"
    KNOWN = "known"
    OPENED = "opened"
    CLOSED = "closed"
    NO_CASE = "no case"


@dataclass(frozen=True)
class Fed:
    """What became of a report; ``why`` says where a closed case ended."""

    result: FeedResult
    why: str | None = None

    @property
    def note(self) -> str:
        """The result with its reason, as the inbox keeps it."""
        return f"{self.result}: {self.why}" if self.why else self.result


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
        self._paced, self._pace = paced, OpeningPace()
        self._adapters, self._task_queue, self._figures = adapters, task_queue, figures or {}

    async def feed(self, case: CaseKey, report: Report | None) -> Fed:
        """Signal a report to a case, or without one only ensure that it is open; a case is opened once for ever (G-14).

        A process whose adapter does not open cases takes only what is about a case that somebody opened.

        A marketplace is asked only for what neither the report nor Temporal knows, the ledger only for a case that
        Temporal does not know.  Raises BadForm if the case can never be opened, EndedEarly if it has to be revived
        first, TemporalUnreachable, LedgerUnreachable, RPCError for what Temporal refuses of this case alone, and what
        the adapter's ``facts`` raises.  Repeating it is harmless: cases know what they have received.
        """
        client, adapter = await self._connected(), self._adapter(case.process)
        reports: Sequence[Report | None] = [report]
        if report is not None and adapter.needs_record(report):
            reports = await adapter.story(case.shop_id, case.own_id) or [None]
        fed = [await self._feed_one(client, adapter, case, report) for report in reports]
        return next((one for one in fed if one.result is FeedResult.OPENED), fed[-1])

    async def _feed_one(self, client: Client, adapter: MessageAdapter, case: CaseKey, report: Report | None) -> Fed:
        signal = report.model_dump(mode="json", exclude_defaults=True) if report is not None else None
        if fed := await _feed_existing(client, case.case_id, signal):
            return fed
        if known := (await self._register.known([case.case_id])).get(case.case_id):
            # Another message may have opened it since Temporal was asked.
            if known.ended_at is None and (fed := await _feed_existing(client, case.case_id, signal)):
                return fed
            return Fed(FeedResult.CLOSED, f"{where_it_ended(known)}; {FORGOTTEN}")
        if not adapter.opens:
            return Fed(FeedResult.NO_CASE, NOBODY_OPENED)
        return await self._open(client, adapter, case, signal)

    async def _open(self, client: Client, adapter: MessageAdapter, case: CaseKey, signal: dict[str, Any] | None) -> Fed:
        facts = await adapter.facts(case.shop_id, case.own_id)
        policy = self._figures.get(case.shop_id, {}).get(case.process, {})
        process, opening = process_of(case.process), Opening(facts=facts, policy=dict(policy))
        new = opened_case(process, opening)
        try:
            await start_case(client, self._task_queue, process, opening, report=signal)
        except WorkflowAlreadyStartedError:  # somebody else was faster
            return await _feed_existing(client, case.case_id, signal) or Fed(FeedResult.KNOWN)
        except RPCError as failed:
            raise _explained(failed) from failed
        try:
            await self._register.opened([new])
        except LedgerUnreachable as away:  # the look for ended cases enters it
            structlog.get_logger("gateway").warning("an opened case is not in the ledger yet", why=str(away))
        if self._paced:
            await self._pace.opened(client, case.case_id)
        return Fed(FeedResult.OPENED)

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


async def _feed_existing(client: Client, case_id: str, report: dict[str, Any] | None) -> Fed | None:
    """Signal a case that Temporal knows; return None if it knows none.  Raises EndedEarly."""
    try:
        if report is not None:
            await client.get_workflow_handle(case_id).signal("report", report, rpc_timeout=RPC_TIMEOUT)
            return Fed(FeedResult.SIGNALLED)
    except RPCError as failed:
        if not is_missing(failed):
            raise _explained(failed) from failed
        if "completed" not in failed.message:
            return None
    try:
        found = await find_workflow(client, case_id, RPC_TIMEOUT)
    except RPCError as failed:
        raise _explained(failed) from failed
    if found is None:
        return None
    if found.close_time is None:
        # One that was not signalled has just been revived: its message is tried again.
        if report is not None:
            raise EndedEarly(f"{case_id}: 正在恢复 / is being revived")
        return Fed(FeedResult.KNOWN)
    known = known_from(found)
    if known.ending is not None:
        was_a_case = found.typed_search_attributes.get(PROCESS) is not None
        raise EndedEarly(where_it_ended(known) if was_a_case else NEVER_OPENED)
    return Fed(FeedResult.CLOSED, where_it_ended(known))


def _explained(failed: RPCError) -> Exception:
    if failed.status in OF_THE_CASE:
        return failed
    return TemporalUnreachable(f"Temporal: {failed.status.name}: {failed.message}")
