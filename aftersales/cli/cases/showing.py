"""A case as ``aftersales show`` reads it from its worker, or from what is left of it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from aftersales.cli.cases.case_list import print_cases, row_of
from aftersales.cli.cases.case_numbers import case_of, names_process
from aftersales.cli.cases.render import print_case
from aftersales.cli.output import print_json, say
from aftersales.runtime.client.case_search import other_cases
from aftersales.runtime.client.known_cases import (
    EARLY_ENDINGS,
    find_workflow,
    how_to_revive,
    known_from,
    where_it_ended,
)
from aftersales.runtime.temporal.connection import connect
from cases.errors import CaseError
from cases.ledger import KnownCase
from cases.models import faults
from workflows.engine.view import CaseView

QUERY_PATIENCE: Final = timedelta(seconds=15)
"""How long a command waits for a worker's answer."""
NOTHING_TO_DO: Final[Mapping[str, Any]] = {"deadlines": [], "actions": [], "next": None}
"""What is due and possible in a case that must be revived first."""


async def show_case(number: str, *, as_json: bool) -> None:
    """Print a case, by any of its numbers, and the other cases of its order."""
    names_process(number)
    client = await connect()
    case = await case_of(client, number)
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
    others = [row_of(execution) for execution in (await other_cases(client, found) if found else ())]
    if as_json:
        print_json({**answer, "others": others})
        return
    print_case(_readable(answer))
    if others:
        title = "同一订单的其他案件 / other cases of the order"
        print_cases(title, others, ("case_id", "state", "deadline", "waits_for"))


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
