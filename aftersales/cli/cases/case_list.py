"""The list of cases by deadline, nearest first."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.client import Client, WorkflowExecution

from aftersales.cli.output import complain, print_json, print_table, say, when
from aftersales.runtime.client.case_search import ENDED_EARLY_STATUSES, OPEN, newest_runs, of_processes, quoted
from aftersales.runtime.client.known_cases import EARLY_ENDINGS, ENDED_EARLY, how_to_revive
from aftersales.runtime.client.nearest_cases import by_deadline, count_cases, nearest_cases
from aftersales.runtime.temporal.connection import connect
from workflows.engine import search_attributes as sa
from workflows.registry import process_of

_COLUMNS: Final = {
    "case_id": "案件",
    "state": "状态",
    "deadline": "截止",
    "waits_for": "等待",
    "shop": "店铺",
    "order": "订单",
    "at_stake": "金额",
    "needs_operator": "需人工",
}


async def list_cases(
    process: str | None, shop: str | None, order: str | None, limit: int, *, closed: bool, as_json: bool
) -> None:
    """Print the most urgent cases, and how many there are."""
    query = of_processes([process_of(process).name]) if process else of_processes()
    for key, value in ((sa.SHOP, shop), (sa.ORDERS, order)):
        if value:
            query += f" AND {key.name} = {quoted(value)}"
    client = await connect()
    found, number = await (_all_cases(client, query) if closed else _open_cases(client, query, limit))
    shown = found[:limit]
    rows = [row_of(case) for case in shown]
    words = f"显示 {len(shown)} 件,共 {number} 件 / shows {len(shown)} of {number}"
    if len(shown) < number:
        words += "; --limit 可显示更多 / see more by --limit"
    if as_json:
        print_json(rows)
        if len(shown) < number:
            complain(words)
        return
    print_cases("案件 / cases", rows, tuple(_COLUMNS))
    say(words)


async def _open_cases(client: Client, query: str, limit: int) -> tuple[list[WorkflowExecution], int]:
    """Return the most urgent open cases, and the number of all.

    A case that ended early is still open, and first of all: nobody keeps its clocks.
    """
    listed = [case async for case in client.list_workflows(f"{query} AND {ENDED_EARLY_STATUSES}")]
    ended = sorted(await newest_runs(client, listed), key=lambda case: case.id)
    running = f"{query} AND {OPEN}"
    nearest = await nearest_cases(client, running, max(limit - len(ended), 0), datetime.now(UTC))
    number = await count_cases(client, running)
    return [*ended, *nearest], len(ended) + max(number, len(nearest))


async def _all_cases(client: Client, query: str) -> tuple[list[WorkflowExecution], int]:
    """Return all cases in the order of their urgency, the closed ones at the end, and their number."""
    found = await newest_runs(client, [case async for case in client.list_workflows(query)])
    found.sort(key=lambda case: (case.status not in EARLY_ENDINGS, *by_deadline(case)))
    return found, len(found)


def print_cases(title: str, rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    """Print listed cases as a table with some of the columns."""
    cells = [[_cell(name, row[name]) for name in names] for row in rows]
    print_table(title, [_COLUMNS[name] for name in names], cells)


def _cell(name: str, value: Any) -> str:
    """Return a field of a listed case as an operator reads it."""
    if name == "needs_operator":
        return "⚠️" if value else ""
    if value is None:
        return ""
    if name == "at_stake":
        return f"{value:.2f}"
    return when(value) if name == "deadline" else str(value)


def row_of(case: WorkflowExecution) -> dict[str, Any]:
    """Return a listed case as JSON."""
    attributes = case.typed_search_attributes
    early = case.status in EARLY_ENDINGS
    deadline = None if early else attributes.get(sa.DEADLINE)
    return {
        "case_id": case.id,
        "process": case.workflow_type,
        "status": case.status.name.lower() if case.status else None,
        "state": ENDED_EARLY if early else attributes.get(sa.STATE),
        "deadline": deadline.isoformat() if deadline else None,
        "waits_for": how_to_revive(case.id) if early else attributes.get(sa.WAITS_FOR),
        "shop": attributes.get(sa.SHOP),
        "order": attributes.get(sa.ORDER),
        "at_stake": attributes.get(sa.AT_STAKE),
        "needs_operator": early or attributes.get(sa.NEEDS_OPERATOR),
    }
