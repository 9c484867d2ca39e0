"""Telling a case what its platform says, and opening it where it is new."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final, Protocol

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.platforms.douyin.reship_messages import needs_record
from aftersales.runtime.connection import TemporalUnreachable
from cases.messages import Opening
from workflows.client import start_case
from workflows.registry import process_of

TOLD, KNOWN, OPENED, CLOSED = "told", "known", "opened", "closed"
"""How feeding ends: the case was told, was there already, was opened, or has closed."""

PATIENCE: Final = timedelta(seconds=5)
"""How long one call of Temporal may take."""
OF_THE_CASE: Final = (
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.FAILED_PRECONDITION,
)


class Records(Protocol):
    """A platform's own records of its cases."""

    async def facts(self, shop_id: str, after_sale_id: str) -> dict[str, Any]:
        """The facts that a case is opened with; raises PlatformRefused, PlatformUnreachable or BadForm."""

    async def story(self, shop_id: str, after_sale_id: str) -> list[dict[str, Any]]:
        """What the record says happened, as reports in order; raises as ``facts``."""


class CaseClient:
    """Feeds cases through a Temporal client, to which it connects when it is first needed."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Client]],
        records: Mapping[str, Records],
        task_queue: str,
        figures: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    ) -> None:
        """Take the records by process, and each shop's own figures: shop id, process, figure."""
        self._connect = connect
        self._client: Client | None = None
        self._records, self._task_queue, self._figures = records, task_queue, figures or {}

    async def feed(self, process: str, shop_id: str, own_id: str, report: dict[str, Any] | None) -> str:
        """Tell a case a report, or only see that it is open; returns how it ended.

        A platform is asked only for what Temporal does not know.  Raises BadForm where the case can never be opened,
        TemporalUnreachable, RPCError for what Temporal refuses of this case alone, and what ``Records.facts`` raises.
        Repeating it is harmless: cases know what they heard.
        """
        client, told = await self._connected(), [report]
        if report is not None and needs_record(report):
            told = [*await self._records[process].story(shop_id, own_id)] or [None]
        ended = [await self._one(client, process, shop_id, own_id, each) for each in told]
        return OPENED if OPENED in ended else ended[-1]

    async def _one(self, client: Client, process: str, shop_id: str, own_id: str, report: dict[str, Any] | None) -> str:
        known = await _tell(client, f"{process}/{own_id}", report)
        if known:
            return known
        facts = await self._records[process].facts(shop_id, own_id)
        opening = Opening(facts=facts, policy=dict(self._figures.get(shop_id, {}).get(process, {})))
        try:
            await start_case(client, self._task_queue, process_of(process), opening, report=report)
        except WorkflowAlreadyStartedError:
            return KNOWN if report is None else CLOSED
        except RPCError as failed:
            raise _explained(failed) from failed
        return OPENED

    async def _connected(self) -> Client:
        if self._client is None:
            try:
                async with asyncio.timeout(PATIENCE.total_seconds()):
                    self._client = await self._connect()
            except TimeoutError as slow:
                raise TemporalUnreachable("Temporal does not answer") from slow
        return self._client


async def _tell(client: Client, case_id: str, report: dict[str, Any] | None) -> str | None:
    """Tell a case that there is; None: there is none."""
    handle = client.get_workflow_handle(case_id)
    try:
        if report is None:
            await handle.describe(rpc_timeout=PATIENCE)
            return KNOWN
        await handle.signal("report", report, rpc_timeout=PATIENCE)
    except RPCError as failed:
        if failed.status is not RPCStatusCode.NOT_FOUND or "amespace" in failed.message:
            raise _explained(failed) from failed
        return CLOSED if "completed" in failed.message else None
    return TOLD


def _explained(failed: RPCError) -> Exception:
    """The error itself where it may lie with the one case."""
    if failed.status in OF_THE_CASE:
        return failed
    return TemporalUnreachable(f"Temporal: {failed.status.name}: {failed.message}")
