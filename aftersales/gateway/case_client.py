"""Signalling a case what its marketplace reports, and opening it if it is new."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.platforms.adapter import MessageAdapter
from aftersales.platforms.inbound import CaseKey
from aftersales.runtime.connection import TemporalUnreachable
from cases.errors import BadForm
from cases.messages import Opening, Report
from workflows.opening import start_case
from workflows.registry import process_of

RPC_TIMEOUT: Final = timedelta(seconds=5)
OF_THE_CASE: Final = (
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.FAILED_PRECONDITION,
)
"""Temporal's errors that may concern a single case."""


class FeedResult(StrEnum):
    """The result of feeding a case: it was signalled, was known already, was opened, or has closed."""

    SIGNALLED = "signalled"
    KNOWN = "known"
    OPENED = "opened"
    CLOSED = "closed"


Feed = Callable[[CaseKey, Report | None], Awaitable[FeedResult]]
"""``CaseClient.feed``, or a substitute."""


class CaseClient:
    """Feeds cases through a Temporal client, to which it connects when it is first needed."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Client]],
        adapters: Mapping[str, MessageAdapter],
        task_queue: str,
        figures: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    ) -> None:
        """Take the adapters by process, and each shop's own figures: shop id, process, figure."""
        self._connect = connect
        self._client: Client | None = None
        self._adapters, self._task_queue, self._figures = adapters, task_queue, figures or {}

    async def feed(self, case: CaseKey, report: Report | None) -> FeedResult:
        """Signal a report to a case, or without one only ensure that it is open.

        A marketplace is asked only for what neither the report nor Temporal knows.  Raises BadForm if the case can
        never be opened, TemporalUnreachable, RPCError for what Temporal refuses of this case alone, and what the
        adapter's ``facts`` raises.  Repeating it is harmless: cases know what they have received.
        """
        client, adapter = await self._connected(), self._adapter(case.process)
        reports: Sequence[Report | None] = [report]
        if report is not None and adapter.needs_record(report):
            reports = await adapter.story(case.shop_id, case.own_id) or [None]
        results = [await self._feed_one(client, adapter, case, report) for report in reports]
        return FeedResult.OPENED if FeedResult.OPENED in results else results[-1]

    async def _feed_one(
        self, client: Client, adapter: MessageAdapter, case: CaseKey, report: Report | None
    ) -> FeedResult:
        signal = report.model_dump(mode="json", exclude_defaults=True) if report is not None else None
        if result := await _signal(client, case.case_id, signal):
            return result
        facts = await adapter.facts(case.shop_id, case.own_id)
        policy = self._figures.get(case.shop_id, {}).get(case.process, {})
        opening = Opening(facts=facts, policy=dict(policy))
        try:
            await start_case(client, self._task_queue, process_of(case.process), opening, report=signal)
        except WorkflowAlreadyStartedError:
            return FeedResult.KNOWN if report is None else FeedResult.CLOSED
        except RPCError as failed:
            raise _explained(failed) from failed
        return FeedResult.OPENED

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


async def _signal(client: Client, case_id: str, report: dict[str, Any] | None) -> FeedResult | None:
    """Signal an existing case; return None if there is none."""
    handle = client.get_workflow_handle(case_id)
    try:
        if report is None:
            await handle.describe(rpc_timeout=RPC_TIMEOUT)
            return FeedResult.KNOWN
        await handle.signal("report", report, rpc_timeout=RPC_TIMEOUT)
    except RPCError as failed:
        if failed.status is not RPCStatusCode.NOT_FOUND or "amespace" in failed.message:
            raise _explained(failed) from failed
        return FeedResult.CLOSED if "completed" in failed.message else None
    return FeedResult.SIGNALLED


def _explained(failed: RPCError) -> Exception:
    if failed.status in OF_THE_CASE:
        return failed
    return TemporalUnreachable(f"Temporal: {failed.status.name}: {failed.message}")
