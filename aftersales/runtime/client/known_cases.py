"""What is known of a case before it is opened (G-14): Temporal forgets closed cases after a while, the ledger never."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cases.errors import CaseError
from cases.ledger import Ending, KnownCase, OpenedCase
from cases.messages import Opening
from cases.models import whole_seconds
from cases.ports import Ledger
from cases.shanghai import SHANGHAI
from workflows.engine.process import Process
from workflows.engine.search_attributes import STATE
from workflows.registry import PROCESSES

EARLY_ENDINGS: Mapping[WorkflowExecutionStatus | None, Ending] = {
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.CANCELED: "cancelled",
    WorkflowExecutionStatus.TIMED_OUT: "timed_out",
}
"""The statuses of a workflow that ended without its case having ended."""
ENDED_EARLY: Final = "异常终止"
_LEDGER_THREADS: Final = 4


class EndedEarly(CaseError):
    """A case whose workflow ended before the case did; ``aftersales revive`` brings it back."""


def how_to_revive(case_id: str) -> str:
    """Return the command that revives a case."""
    return f"aftersales revive {case_id}"


class CaseRegister:
    """The ledger's list of all cases ever opened, asked in threads of its own: a slow database blocks nothing else."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._threads = ThreadPoolExecutor(_LEDGER_THREADS, "register")

    async def known(self, case_ids: Sequence[str]) -> dict[str, KnownCase]:
        """Return what is known of those of the cases that were ever opened; raises LedgerUnreachable."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ledger.known, case_ids)

    async def opened(self, cases: Sequence[OpenedCase]) -> None:
        """Enter cases that were opened; raises LedgerUnreachable."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._ledger.opened, cases)


def opened_case(process: Process, opening: Opening) -> OpenedCase:
    """Return what the ledger enters of a case that is opened now; raises BadForm for a wrong opening."""
    facts = process.open_case(opening).facts
    return OpenedCase(
        case_id=f"{process.name}/{facts.own_id}",
        process=process.name,
        shop_id=facts.shop,
        order=facts.order,
        opened_at=facts.began_at or whole_seconds(datetime.now(UTC)),
    )


async def find_workflow(
    client: Client, case_id: str, rpc_timeout: timedelta | None = None
) -> WorkflowExecutionDescription | None:
    """Return the newest run of a case's workflow; None if Temporal knows none.  Raises RPCError."""
    try:
        return await client.get_workflow_handle(case_id).describe(rpc_timeout=rpc_timeout)
    except RPCError as failed:
        if is_missing(failed):
            return None
        raise


async def opening_facts(client: Client, case_id: str, rpc_timeout: timedelta) -> dict[str, Any]:
    """Return the facts with which a case was opened, as JSON; raises RPCError.

    They are read from its history, so that no worker is needed.
    """
    history = client.get_workflow_handle(case_id).fetch_history_events(page_size=1, rpc_timeout=rpc_timeout)
    started = (await anext(history)).workflow_execution_started_event_attributes
    (opening,) = await client.data_converter.decode(started.input.payloads)
    facts: dict[str, Any] = opening["facts"]
    return facts


def is_missing(failed: RPCError) -> bool:
    """Return whether Temporal has no workflow of that id, as opposed to no such namespace."""
    return failed.status is RPCStatusCode.NOT_FOUND and "amespace" not in failed.message


def known_from(execution: WorkflowExecution) -> KnownCase:
    """Return what a workflow tells of its case; ``state`` is that in words."""
    early = EARLY_ENDINGS.get(execution.status)
    return KnownCase(
        case_id=execution.id,
        opened_at=execution.start_time,
        state=None if early else execution.typed_search_attributes.get(STATE),
        ending=early,
        ended_at=execution.close_time,
    )


def where_it_ended(known: KnownCase) -> str:
    """Return when and how a case that was opened before ended; if it has not, only when it was opened."""
    if known.ending is not None and known.ended_at is not None:
        why = known.ending.replace("_", " ")
        return (
            f"此前已新建,已于 {_minute(known.ended_at)} {ENDED_EARLY},恢复 / opened before, its workflow {why}: "
            f"{how_to_revive(known.case_id)}"
        )
    if known.ended_at is not None:
        return f"此前已新建,已于 {_minute(known.ended_at)} 结束 / opened before, ended: {_label(known)}"
    return f"此前已于 {_minute(known.opened_at)} 新建 / was opened before"


def _minute(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def _label(known: KnownCase) -> str:
    """Return the label of a state that this release knows, else the state as it was recorded."""
    process = PROCESSES.get(known.case_id.partition("/")[0])
    state = known.state or "?"
    return f"{process.state_label(state)} {state}" if process and state in process.states else state
