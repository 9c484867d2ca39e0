"""Finding cases among Temporal's workflows: those that run, and those whose workflows ended early."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from temporalio.client import Client, WorkflowExecution

from aftersales.runtime.client.known_cases import EARLY_ENDINGS, find_workflow
from cases.ledger import OpenedCase
from cases.messages import EndedCase
from cases.models import whole_seconds
from workflows.engine import search_attributes as sa
from workflows.registry import REGISTERED

RUNNING: Final = "ExecutionStatus = 'Running'"
OPEN: Final = f"{RUNNING} AND ({sa.WAITS_FOR.name} IS NOT NULL OR {sa.NEEDS_OPERATOR.name} = true)"
"""A case that has ended may still run for some days, while facts told late can put it right (G-11)."""
ENDED_EARLY_STATUSES: Final = "ExecutionStatus IN ('Terminated', 'Failed', 'Canceled', 'TimedOut')"


LONGEST_SEARCHED: Final = 200
"""The longest text that is looked for as a number."""
_ASKED_AT_ONCE: Final = 100
"""Cases about which one query asks."""
OTHERS_SHOWN: Final = 100
"""Runs that are looked at for the other cases of an order."""


def of_processes(names: Iterable[str] = tuple(REGISTERED)) -> str:
    """Return the query for the workflows of processes."""
    return "WorkflowType IN ({})".format(", ".join(f"'{name}'" for name in names))


def of_queue(task_queue: str, names: Iterable[str] = tuple(REGISTERED)) -> str:
    """Return the query for the cases of a task queue: what could never be opened has no attributes, and is no case."""
    return f"{of_processes(names)} AND {sa.PROCESS.name} IS NOT NULL AND TaskQueue = {quoted(task_queue)}"


class TemporalCaseSearch:
    """The search for the cases of one task queue."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._cases = of_queue(task_queue)

    async def ended_early(self, since: datetime | None) -> AsyncIterator[EndedCase]:
        """Yield the cases whose newest run ended since an instant, or ever, without its case."""
        query = f"{self._cases} AND {ENDED_EARLY_STATUSES}"
        if since is not None:
            query += f" AND CloseTime >= '{since.isoformat()}'"
        async for execution in self._client.list_workflows(query):
            if await is_newest(self._client, execution):
                yield ended_case(execution)

    async def running(self) -> AsyncIterator[OpenedCase]:
        """Yield the cases whose workflow runs."""
        async for execution in self._client.list_workflows(f"{self._cases} AND {RUNNING}"):
            yield _opened(execution)

    async def open_in_shop(self, process: str, shop_id: str) -> AsyncIterator[str]:
        """Yield the ids of a process's open cases in a shop."""
        query = f"{self._cases} AND {OPEN} AND {sa.PROCESS.name} = {quoted(process)}"
        async for execution in self._client.list_workflows(f"{query} AND {sa.SHOP.name} = {quoted(shop_id)}"):
            yield execution.id


async def other_cases(client: Client, case: WorkflowExecution) -> list[WorkflowExecution]:
    """Return the other cases of a case's shop that are about any of its orders (G-15), the oldest first."""
    attributes = case.typed_search_attributes
    shop, orders = attributes.get(sa.SHOP), attributes.get(sa.ORDERS) or ()
    if shop is None or not orders:
        return []
    query = f"{of_processes()} AND {_about(shop, orders)}"
    listed = [execution async for execution in client.list_workflows(query, limit=OTHERS_SHOWN)]
    others = [execution for execution in await newest_runs(client, listed) if execution.id != case.id]
    return sorted(others, key=lambda execution: (execution.start_time, execution.id))


async def cases_about(client: Client, process: str, shop: str, order: str, rpc_timeout: timedelta) -> list[str]:
    """Return the ids of a process's cases about an order, whichever of their orders it is; raises RPCError."""
    query = f"{of_processes([process])} AND {_about(shop, [order])}"
    listed = client.list_workflows(query, limit=OTHERS_SHOWN, rpc_timeout=rpc_timeout)
    return sorted({execution.id async for execution in listed})


def _about(shop: str, orders: Iterable[str]) -> str:
    return f"{sa.SHOP.name} = {quoted(shop)} AND {one_of(sa.ORDERS.name, orders)}"


def quoted(text: str) -> str:
    """Return a text as a literal of a query.

    A backslash would else take the quotation mark behind it into the text; at a NUL some servers stop reading.
    """
    return "'{}'".format(text.replace("\0", "\ufffd").replace("\\", "\\\\").replace("'", "''"))


def one_of(name: str, values: Iterable[str]) -> str:
    """Return the query for those whose attribute is one of some values; none if there are no values."""
    return f"{name} IN ({', '.join(map(quoted, values)) or quoted('-')})"


def numbered(numbers: Iterable[str], names: Iterable[str] = tuple(REGISTERED)) -> str:
    """Return the query for the cases that have one of some numbers: their id, their own number, or that of an order."""
    usable = [number for number in numbers if _may_be_a_number(number)]
    ids = [case_id for number in usable for case_id in (number, *(f"{name}/{number}" for name in names))]
    return f"({one_of(sa.ORDERS.name, usable)} OR {one_of('WorkflowId', ids)})"


def _may_be_a_number(text: str) -> bool:
    """Return whether a text may be looked for among orders; on some, servers without Elasticsearch fail."""
    return len(text) <= LONGEST_SEARCHED and text.isprintable() and '"' not in text


async def is_newest(client: Client, execution: WorkflowExecution) -> bool:
    """Return whether no later run of the same case exists, as after a reset."""
    newest = await find_workflow(client, execution.id)
    return newest is not None and newest.run_id == execution.run_id


async def newest_runs(client: Client, listed: Sequence[WorkflowExecution]) -> list[WorkflowExecution]:
    """Return the newest run of every listed case, without those that have a newer run that is not listed."""
    newest = _newest_of(listed)
    ended_early = [execution.id for execution in newest.values() if execution.status in EARLY_ENDINGS]
    for first in range(0, len(ended_early), _ASKED_AT_ONCE):
        ids = ended_early[first : first + _ASKED_AT_ONCE]
        # All of them at once: lists that many look at ask this again and again.
        runs = [run async for run in client.list_workflows(one_of("WorkflowId", ids))]
        later = _newest_of([*(newest[case_id] for case_id in ids), *runs])
        for case_id in ids:
            if later[case_id].run_id != newest[case_id].run_id:
                del newest[case_id]
    return list(newest.values())


def _newest_of(runs: Iterable[WorkflowExecution]) -> dict[str, WorkflowExecution]:
    """Return by case the run that is open, or else began last; of equals, the first."""
    newest: dict[str, WorkflowExecution] = {}
    for run in runs:
        seen = newest.get(run.id)
        if seen is None or (run.close_time is None, run.start_time) > (seen.close_time is None, seen.start_time):
            newest[run.id] = run
    return newest


def _opened(execution: WorkflowExecution) -> OpenedCase:
    attributes = execution.typed_search_attributes
    return OpenedCase(
        case_id=execution.id,
        process=execution.workflow_type,
        shop_id=attributes.get(sa.SHOP) or "",
        order=attributes.get(sa.ORDER),
        opened_at=whole_seconds(execution.start_time),
    )


def ended_case(execution: WorkflowExecution) -> EndedCase:
    """Return the case whose workflow has ended early."""
    assert execution.close_time is not None  # noqa: S101 - it was searched by that
    return EndedCase(
        **_opened(execution).model_dump(),
        run_id=execution.run_id,
        ending=EARLY_ENDINGS[execution.status],
        at=whole_seconds(execution.close_time),
    )
