"""The commands on open cases: list, show, act."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson, CaseId, FormFields, OrderId, RuleName, read_form
from aftersales.cli.output import print_json, print_table, say, when
from aftersales.cli.render import print_case
from aftersales.runtime.case_search import ENDED_EARLY_STATUSES, RUNNING, newest_runs, of_processes
from aftersales.runtime.connection import connect
from aftersales.runtime.known_cases import (
    EARLY_ENDINGS,
    ENDED_EARLY,
    find_workflow,
    how_to_revive,
    known_from,
    where_it_ended,
)
from cases.errors import BadForm
from cases.ledger import KnownCase
from workflows.engine import search_attributes as sa
from workflows.engine.situation import ORDER_FIELD
from workflows.engine.view import CaseSummary, CaseView
from workflows.registry import PROCESSES, process_of

PATIENCE = timedelta(seconds=15)
"""How long a command waits for a worker's answer."""
OPERATOR_UPDATES = ("retry_effect", "done_by_hand")


def list_command(
    process: Annotated[str | None, typer.Option(help="Only cases of this process.")] = None,
    shop: Annotated[str | None, typer.Option(help="Only cases of this shop.")] = None,
    order: Annotated[str | None, typer.Option(help="Only cases about this order.")] = None,
    closed: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many cases.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List cases by deadline, nearest first."""

    async def work() -> None:
        query = of_processes([process_of(process).name] if process else list(PROCESSES))
        for key, value in ((sa.SHOP, shop), (sa.ORDERS, order)):
            if value:
                query += " AND {} = '{}'".format(key.name, value.replace("'", "''"))
        client = await connect()
        # A case that ended early is still open, and first of all: nobody keeps its clocks.
        queries = [query] if closed else [f"{query} AND {RUNNING}", f"{query} AND {ENDED_EARLY_STATUSES}"]
        found = [execution for asked in queries async for execution in client.list_workflows(asked, limit=limit)]
        rows = [_row(execution) for execution in await newest_runs(client, found)]
        rows.sort(key=_urgency)
        del rows[limit:]
        if as_json:
            print_json(rows)
            return
        columns = ("案件", "状态", "截止", "等待", "店铺", "订单", "金额", "需人工")
        names_of = ("case_id", "state", "deadline", "waits_for", "shop", "order", "at_stake", "needs_operator")
        print_table("案件 / cases", columns, [[_cell(name, row[name]) for name in names_of] for row in rows])

    run(work())


def _urgency(row: dict[str, Any]) -> tuple[bool, bool, str, str]:
    return row["state"] != ENDED_EARLY, row["deadline"] is None, row["deadline"] or "", row["case_id"]


def _cell(name: str, value: Any) -> str:
    """Return a field of a listed case as an operator reads it."""
    if name == "needs_operator":
        return "⚠️" if value else ""
    if value is None:
        return ""
    if name == "at_stake":
        return f"{value:.2f}"
    return when(value) if name == "deadline" else str(value)


def _row(execution: Any) -> dict[str, Any]:
    attributes = execution.typed_search_attributes
    early = execution.status in EARLY_ENDINGS
    deadline = None if early else attributes.get(sa.DEADLINE)
    return {
        "case_id": execution.id,
        "process": execution.workflow_type,
        "status": execution.status.name.lower() if execution.status else None,
        "state": ENDED_EARLY if early else attributes.get(sa.STATE),
        "deadline": deadline.isoformat() if deadline else None,
        "waits_for": how_to_revive(execution.id) if early else attributes.get(sa.WAITS_FOR),
        "shop": attributes.get(sa.SHOP),
        "order": attributes.get(sa.ORDER),
        "at_stake": attributes.get(sa.AT_STAKE),
        "needs_operator": early or attributes.get(sa.NEEDS_OPERATOR),
    }


def show_command(case: CaseId, as_json: AsJson = False) -> None:
    """Show a case: its state, deadlines, possible actions and history."""

    async def work() -> None:
        process_of(case.partition("/")[0])
        client = await connect()
        found = await find_workflow(client, case)
        early = known_from(found) if found and found.status in EARLY_ENDINGS else None
        try:
            handle = client.get_workflow_handle(case)
            seen = await handle.query("view", result_type=CaseView, rpc_timeout=PATIENCE)
        except (RPCError, WorkflowQueryFailedError):
            if early is None:
                raise
            seen = None
        if early is not None:
            _show_ended_early(early, seen, as_json=as_json)
        elif as_json:
            print_json(seen.model_dump(mode="json") if seen else None)
        elif seen:
            print_case(seen)

    run(work())


def _show_ended_early(known: KnownCase, seen: CaseView | None, *, as_json: bool) -> None:
    """Show a case whose workflow ended early: no deadline of it is kept, and nothing can be done but to revive it."""
    last = seen.model_copy(update={"deadlines": [], "actions": [], "next": None}) if seen else None
    if as_json:
        ended = {"ending": known.ending, "at": known.ended_at.isoformat() if known.ended_at else None}
        ended["revive"] = how_to_revive(known.case_id)
        shown = last.model_dump(mode="json") if last else {"case_id": known.case_id}
        print_json({**shown, "status": "ended_early", "ended_early": ended})
        return
    say(f"🛑 {known.case_id}: {where_it_ended(known)}")
    if last:
        print_case(last)


def act_command(
    case: CaseId, rule: RuleName, form: FormFields = None, order: OrderId = None, as_json: AsJson = False
) -> None:
    """Make a decision: fire a rule of a case. Exit status 1: the rules refused it."""

    async def work() -> None:
        process = process_of(case.partition("/")[0])
        acts = [name for name, declared in process.rules.items() if declared.clock is None]
        if rule not in (*acts, *OPERATOR_UPDATES):
            raise BadForm(
                f"{rule!r} is not a rule that a person fires; expected one of: {', '.join((*acts, *OPERATOR_UPDATES))}"
            )
        values = read_form(process, rule, form or [], datetime.now(UTC))
        if order is not None:
            values = {**(values or {}), ORDER_FIELD: order}
        handle = (await connect()).get_workflow_handle(case)
        summary = await handle.execute_update(rule, values, result_type=CaseSummary, rpc_timeout=PATIENCE)
        if as_json:
            print_json(summary.model_dump(mode="json"))
        else:
            say(f"{case}: {summary.label} ({', '.join(summary.state)}) {when(summary.deadline)}")

    run(work())
