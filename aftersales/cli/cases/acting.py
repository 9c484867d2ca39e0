"""A decision as ``aftersales act`` sends it, and what is said of the answer."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from aftersales.cli.cases.case_numbers import case_and_what_is_sent
from aftersales.cli.cases.render import print_answer
from aftersales.cli.exit_status import UNANSWERED
from aftersales.cli.output import complain, print_json, say
from aftersales.cli.reading import read_form, read_instant, read_patience
from aftersales.runtime.client.decision_client import (
    DECISION_PATIENCE,
    DecisionUnknown,
    SentDecision,
    decide,
    earlier_answer,
)
from aftersales.runtime.client.sender_header import operator
from aftersales.runtime.settings import load_settings
from aftersales.runtime.temporal.connection import connect
from cases.errors import BadForm
from workflows.engine.limits import refuse_oversized
from workflows.engine.situation import ORDER_FIELD
from workflows.engine.view import CaseSummary, CaseView
from workflows.registry import process_of

OPERATOR_UPDATES: Final = ("retry_effect", "done_by_hand")
_LOOK_PATIENCE: Final = timedelta(seconds=2)
OCCURRED_AT: Final = "occurred_at"
"""The field beside a decision's form that says when it was done in truth (G-11)."""


async def act(  # noqa: PLR0913 - every option of the command line is a parameter
    number: str,
    rule: str,
    form: list[str],
    *,
    order: str | None,
    occurred_at: str | None,
    name: str | None,
    update_id: str | None,
    patience: str | None,
    as_json: bool,
) -> int:
    """Send a decision to the case with a number, and return the exit status."""
    length = DECISION_PATIENCE if patience is None else read_patience(patience)
    sender = operator(name or load_settings().operator)
    client, case, argument = await case_and_what_is_sent(
        number, lambda: connect(sender=sender), lambda case: _argument(case, rule, form, order, occurred_at)
    )
    decision = SentDecision(case, rule, argument, update_id or uuid.uuid4().hex)
    try:
        answer = await earlier_answer(client, decision, length) if update_id else None
        if answer is None:
            if rule in OPERATOR_UPDATES:
                decision = decision._replace(step=await _key_of_step(client, case, argument or {}))
            answer = await decide(client, decision, length)
    except DecisionUnknown as unknown:
        if as_json:
            print_json({"case_id": case, "update_id": decision.update_id, "decision": "unknown"})
        complain(str(unknown))
        return UNANSWERED
    if as_json:
        print_json({**answer, "update_id": decision.update_id})
    else:
        _print_answer(case, answer)
    return 0


async def _key_of_step(client: Client, case: str, argument: dict[str, Any]) -> str | None:
    """Return the key of the step that is meant; None if it waits for nobody, or no worker says how the case stands."""
    try:
        answer = await client.get_workflow_handle(case).query("view", rpc_timeout=_LOOK_PATIENCE)
        return CaseView.model_validate_json(json.dumps(answer)).key_of_step(argument.get("serial"))
    except (RPCError, WorkflowQueryFailedError, ValidationError):
        return None


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
