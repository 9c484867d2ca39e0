"""The commands on open cases: list, show, act."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from aftersales.cli.exit_status import run
from aftersales.cli.options import (
    AsJson,
    CaseId,
    FormFields,
    OrderId,
    RuleName,
    read_form,
    read_instant,
    read_patience,
)
from aftersales.cli.output import print_json, print_table, say, when
from aftersales.cli.render import print_answer, print_case
from aftersales.runtime.case_search import (
    ENDED_EARLY_STATUSES,
    OPEN,
    newest_runs,
    of_processes,
    other_cases,
    quoted,
)
from aftersales.runtime.connection import connect
from aftersales.runtime.decision_client import DECISION_PATIENCE, DecisionUnknown, SentDecision, decide, earlier_answer
from aftersales.runtime.known_cases import (
    EARLY_ENDINGS,
    ENDED_EARLY,
    find_workflow,
    how_to_revive,
    known_from,
    where_it_ended,
)
from aftersales.runtime.sender_header import operator
from aftersales.runtime.settings import load_settings
from cases.durations import format_duration
from cases.errors import BadForm, CaseError
from cases.ledger import KnownCase
from cases.models import faults
from workflows.engine import search_attributes as sa
from workflows.engine.limits import refuse_oversized
from workflows.engine.situation import ORDER_FIELD
from workflows.engine.view import CaseSummary, CaseView
from workflows.registry import PROCESSES, process_of

QUERY_PATIENCE = timedelta(seconds=15)
"""How long a command waits for a worker's answer."""
OPERATOR_UPDATES = ("retry_effect", "done_by_hand")
NOTHING_TO_DO: Mapping[str, Any] = {"deadlines": [], "actions": [], "next": None}
"""What is due and possible in a case that must be revived first."""
OCCURRED_AT = "occurred_at"
"""The field beside a decision's form that says when it was done in truth (G-11)."""


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
                query += f" AND {key.name} = {quoted(value)}"
        client = await connect()
        # A case that ended early is still open, and first of all: nobody keeps its clocks.
        queries = [query] if closed else [f"{query} AND {OPEN}", f"{query} AND {ENDED_EARLY_STATUSES}"]
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
            answer = await client.get_workflow_handle(case).query("view", rpc_timeout=QUERY_PATIENCE)
        except (RPCError, WorkflowQueryFailedError):
            if early is None:
                raise
            answer = None
        if early is not None:
            _show_ended_early(early, None if answer is None else _readable(answer), as_json=as_json)
            return
        others = [_row(execution) for execution in (await other_cases(client, found) if found else ())]
        if as_json:
            print_json({**answer, "others": others})
            return
        print_case(_readable(answer))
        _print_others(others)

    run(work())


def _print_others(others: list[dict[str, Any]]) -> None:
    """Print the other cases about the same order (G-15)."""
    if others:
        rows = [
            [_cell(name, other[name]) for name in ("case_id", "state", "deadline", "waits_for")] for other in others
        ]
        print_table("同一订单的其他案件 / other cases of the order", ("案件", "状态", "截止", "等待"), rows)


def _show_ended_early(known: KnownCase, seen: CaseView | None, *, as_json: bool) -> None:
    """Show a case whose workflow ended early: no deadline of it is kept, and nothing can be done but to revive it."""
    last = seen.model_copy(update=NOTHING_TO_DO) if seen else None
    if as_json:
        ended = {"ending": known.ending, "at": known.ended_at.isoformat() if known.ended_at else None}
        ended["revive"] = how_to_revive(known.case_id)
        shown = last.model_dump(mode="json") if last else {"case_id": known.case_id, **NOTHING_TO_DO}
        print_json({**shown, "status": "ended_early", "ended_early": ended})
        return
    say(f"🛑 {known.case_id}: {where_it_ended(known)}")
    if last:
        print_case(last)
    else:
        say("  最后的状态无法读取,恢复后可见 / its last state cannot be read before it is revived")


def _readable(answer: Any) -> CaseView:
    """Read a worker's answer; raises CaseError if the worker is of a release that answers differently."""
    try:
        return CaseView.model_validate_json(json.dumps(answer))
    except ValidationError as bad:
        older = all(fault["type"] == "missing" for fault in bad.errors(include_url=False, include_input=False))
        age = "较旧版本 / an older release" if older else "较新版本 / a newer release"
        fields = ", ".join(".".join(map(str, where)) for where, _ in faults(bad))
        raise CaseError(
            f"worker 属于{age} than this command ({fields}); "
            "请用与它同版本的命令,或加 --json / use the command of its release, or add --json"
        ) from bad


def act_command(  # noqa: PLR0913, PLR0917 - every option of the command line is a parameter
    case: CaseId,
    rule: RuleName,
    form: FormFields = None,
    order: OrderId = None,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who decides (AFTERSALES_OPERATOR, else the user of this machine)."),
    ] = None,
    occurred_at: Annotated[
        str | None, typer.Option(help="When it was done in truth, if before now: an instant, or an offset such as -1h.")
    ] = None,
    update_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Ask for the answer to a decision sent before; send it if it never arrived."),
    ] = None,
    patience: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long to wait for the answer, such as 1m.")
    ] = format_duration(DECISION_PATIENCE),
    as_json: AsJson = False,
) -> None:
    """Make a decision: fire a rule of a case.

    Exit status 1: the rules or the platform refused it. 3: no answer came, it may have been taken.
    """

    async def work() -> None:
        length, argument = read_patience(patience), _argument(case, rule, form or [], order, occurred_at)
        refuse_oversized(argument, rule)
        client = await connect(sender=operator(name or load_settings().operator))
        decision = SentDecision(case, rule, argument, update_id or uuid.uuid4().hex)
        try:
            answer = await earlier_answer(client, decision, length) if update_id else None
            if answer is None:
                answer = await decide(client, decision, length)
        except DecisionUnknown:
            if as_json:
                print_json({"case_id": case, "update_id": decision.update_id, "decision": "unknown"})
            raise
        if as_json:
            print_json({**answer, "update_id": decision.update_id})
        else:
            _print_answer(case, answer)

    run(work())


def _argument(
    case: str, rule: str, form: list[str], order: str | None, occurred_at: str | None
) -> dict[str, Any] | None:
    """Return the one argument of a decision; raises BadForm."""
    process, now = process_of(case.partition("/")[0]), datetime.now(UTC)
    acts = [name for name, declared in process.rules.items() if declared.clock is None]
    if rule not in (*acts, *OPERATOR_UPDATES):
        raise BadForm(
            f"{rule!r} is not a rule that a person fires; expected one of: {', '.join((*acts, *OPERATOR_UPDATES))}"
        )
    happened = read_instant("--occurred-at", occurred_at, now)
    if happened is not None and datetime.fromisoformat(happened) > now:
        raise BadForm(f"--occurred-at: 不能晚于现在 / must not be in the future: {happened}")
    beside = {ORDER_FIELD: order, OCCURRED_AT: happened}
    values = {**(read_form(process, rule, form, now) or {}), **{key: value for key, value in beside.items() if value}}
    refuse_oversized(values, rule)
    return values or None


def _print_answer(case: str, answer: Any) -> None:
    """Print the answer to a decision; one of another release is printed as it came, for the decision has been made."""
    try:
        summary = CaseSummary.model_validate_json(json.dumps(answer))
    except ValidationError:
        say(f"{case}: {json.dumps(answer, ensure_ascii=False)}")
    else:
        print_answer(case, summary)
