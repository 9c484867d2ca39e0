"""案件: one case, with what may be decided now."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from temporalio.service import RPCError

from aftersales.desk.chinese import chinese_of
from aftersales.desk.handling.deciding import (
    SendingOutcome,
    as_it_stands,
    earlier_outcome,
    new_update_id,
    overtaken,
    rule_sent,
    sent_before,
)
from aftersales.desk.handling.form_errors import UnfitForm
from aftersales.desk.handling.form_fields import fields_of
from aftersales.desk.handling.happenings import marks_of
from aftersales.desk.handling.permission import CaseTask, refusal
from aftersales.desk.handling.team import TeamChange, change_claim, write_note
from aftersales.desk.rendering import case_path, page, services_of, user_of
from aftersales.desk.sections.case_parts import (
    ONLY_DONE,
    action_of,
    in_words,
    parts_of,
    results_of,
    running_clock,
    stuck_parts,
)
from aftersales.desk.sections.case_sheet import CaseSheet, forgotten, read_sheet
from aftersales.desk.sections.panels import (
    ORDER_NAMED,
    RULE,
    SEEN,
    STEP_UPDATES,
    TASK,
    UPDATE_ID,
    DecisionPanel,
    StepNote,
    is_over,
    open_panel,
    read_decision,
)
from aftersales.runtime.client.case_words import DECISION_LABELS, EFFECT_STATUS, ENTRY_STATUS, entry_name, who_gave
from cases.errors import BadForm, CaseError
from workflows.engine.situation import ORDER_FIELD
from workflows.engine.view import ActionView, CaseView
from workflows.registry import PROCESSES, process_of

ASKED_AGAIN: Final = "desk-again"
SENT_ID: Final = "sent"
UNREADABLE_NOW: Final = "案件现在读不到,恢复后再试"
PAGE_WORDS: Final = {
    "effect_status": EFFECT_STATUS,
    "decision_labels": DECISION_LABELS,
    "entry_status": ENTRY_STATUS,
    "who_gave": who_gave,
}


@dataclass(frozen=True)
class Told:
    """What a clerk is told on a case's page about what was posted or sent: the outcome, or a problem."""

    status: int = 200
    panel: DecisionPanel | None = None
    outcome: SendingOutcome | None = None
    about: str | None = None
    problem: str | None = None


async def case_page(request: Request) -> Response:
    """Show a case, or take what was decided about it."""
    case_id = "{process}/{own_id}".format(**request.path_params)
    if request.method == "POST":
        async with request.form() as posted:
            return await _POSTS.get(str(posted.get(TASK, "")), _unknown)(request, case_id, posted)
    user, services = user_of(request), services_of(request)
    sheet = await read_sheet(services, user, case_id)
    if sheet is None:
        return await _missing(request, case_id)
    told = await _told_by_address(request, sheet)
    rule, order = request.query_params.get("rule"), request.query_params.get("order") or None
    if sheet.case is not None and rule:
        action = action_of(sheet.case, rule, order)
        if action is None:
            told = replace(told, problem=f"「{_rule_label(case_id, rule)}」现在不能做:案件的状态不允许,或已经有人做了")
        else:
            told = replace(told, panel=open_panel(sheet.case, user, action))
    return _shown(request, sheet, told)


async def _told_by_address(request: Request, sheet: CaseSheet) -> Told:
    """Return what became of the decision whose id the address names: so a reload shows it again."""
    update_id = request.query_params.get(SENT_ID, "")
    rule = rule_sent(update_id)
    if rule is None or sheet.case is None:
        return Told()
    outcome = await earlier_outcome(services_of(request).client, sheet.case_id, update_id)
    if outcome is None:
        return Told()  # it was sent to an earlier run of the case, whose decisions are listed below
    outcome = as_it_stands(outcome, sheet.case)
    if outcome.task:
        outcome = replace(outcome, task=in_words(sheet.case, outcome.task))
    panel = await _panel_again(request, sheet.case, rule, update_id) if outcome.kind == "refused" else None
    return Told(panel=panel, outcome=outcome, about=_rule_label(sheet.case_id, rule))


async def _panel_again(request: Request, case: CaseView, rule: str, update_id: str) -> DecisionPanel | None:
    """Return the panel of a decision that the platform refused, filled as it was sent; None if it is over.

    It has an id of its own, as to send it again is another decision.
    """
    sent = await sent_before(services_of(request).client, case.case_id, update_id)
    action = action_of(case, rule, sent.get(ORDER_FIELD)) if sent is not None else None
    return replace(open_panel(case, user_of(request), action, sent), again=True) if action else None


def _shown(request: Request, sheet: CaseSheet, told: Told) -> Response:
    user, now = user_of(request), datetime.now(UTC)
    case = sheet.case
    parts = parts_of(case, user, now) if case else []
    return page(
        request,
        "case.html",
        status=told.status,
        sheet=sheet,
        case=case,
        told=told,
        now=now,
        address=case_path(sheet.case_id),
        first=running_clock(case.deadlines[0], now) if case and case.deadlines else None,
        parts=parts,
        stuck=stuck_parts(case) if case else [],
        results_of=partial(results_of, case, user) if case else None,
        only_done=ONLY_DONE,
        seen=marks_of(case) if case else "",
        step_fields=fields_of(StepNote),
        barred=refusal(user, case, CaseTask.DONE_BY_HAND) if case else None,
        new_id=new_update_id,
        rule_name=partial(_rule_label, sheet.case_id),
        clause_name=partial(entry_name, process_of(sheet.case_id.partition("/")[0])),
        **PAGE_WORDS,
    )


async def _decide(request: Request, case_id: str, posted: FormData) -> Response:
    """Take a decision, or what is told of a step that waits for a person."""
    rule, order = str(posted.get(RULE, "")), _order(posted)
    about = _rule_label(case_id, rule)
    try:
        sheet = await read_sheet(services_of(request), user_of(request), case_id)
    except (CaseError, RPCError):
        if ASKED_AGAIN not in posted:  # nothing has been sent yet
            raise
        return _being_sent(request, case_id, posted, about)
    if sheet is None or sheet.case is None:
        return await _missing(request, case_id)
    deed = STEP_UPDATES.get(rule) or action_of(sheet.case, rule, order)
    if deed is None:  # two clicks, or somebody else was faster
        return await _sent_before(request, sheet, posted, about)
    return await _send(request, sheet, deed, posted, about)


async def _send(
    request: Request, sheet: CaseSheet, deed: ActionView | CaseTask, posted: FormData, about: str
) -> Response:
    """Send a decision, and the browser to what became of it; or say here why it has not been sent."""
    services, user, case = services_of(request), user_of(request), sheet.case
    assert case is not None  # noqa: S101 - who sends has looked
    if barred := refusal(user, case, deed):
        return _shown(request, sheet, Told(403, problem=f"没有提交:{barred}"))
    try:
        decision = read_decision(case, deed, posted)
        client, seen = services.client_of(user), str(posted.get(SEEN, ""))
        outcome = await services.decisions.send(client, user, decision, seen, _order(posted))
    except BadForm as bad:
        errors = bad.errors if isinstance(bad, UnfitForm) else {}
        panel = open_panel(case, user, deed, posted, errors) if isinstance(deed, ActionView) else None
        return _shown(request, sheet, Told(422, panel, problem=f"没有提交:{chinese_of(str(bad))}"))
    if outcome.kind == "unknown":
        return _being_sent(request, case.case_id, posted, about)
    if outcome.sent:
        return _to(case.case_id, **{SENT_ID: decision.update_id})
    now = await read_sheet(services, user, case.case_id) or sheet
    if isinstance(deed, CaseTask) and now.case and is_over(now.case, posted):
        outcome = replace(outcome, said="这一步已经不用处理了")
    action = action_of(now.case, decision.rule, _order(posted)) if now.case else None
    panel = open_panel(now.case, user, action, posted) if now.case and action else None
    return _shown(request, now, Told(409, panel, outcome, about))


async def _sent_before(request: Request, sheet: CaseSheet, posted: FormData, about: str) -> Response:
    """Show what became of a decision that has been sent, or what others did meanwhile so that it cannot be."""
    assert sheet.case is not None  # noqa: S101 - who asks has looked
    update_id = str(posted.get(UPDATE_ID, ""))
    client = services_of(request).client
    if rule_sent(update_id) and await earlier_outcome(client, sheet.case_id, update_id) is not None:
        return _to(sheet.case_id, **{SENT_ID: update_id})
    outcome = overtaken(sheet.case, str(posted.get(SEEN, "")), _order(posted))
    return _shown(request, sheet, Told(409, outcome=outcome, about=about))


def _being_sent(request: Request, case_id: str, posted: FormData, about: str) -> Response:
    """Show that no answer has come yet, and ask again for it with all that was posted."""
    kept = [
        (name, value)
        for name, value in posted.multi_items()
        if isinstance(value, str) and name != ASKED_AGAIN and not name.startswith("csrf")
    ]
    return page(request, "submitting.html", status=202, address=case_path(case_id), about=about, kept=kept)


async def _claim(request: Request, case_id: str, posted: FormData) -> Response:
    return await _work_together(request, case_id, CaseTask.CLAIM, change_claim, posted)


async def _note(request: Request, case_id: str, posted: FormData) -> Response:
    return await _work_together(request, case_id, CaseTask.NOTE, write_note, posted)


async def _work_together(
    request: Request, case_id: str, task: CaseTask, change: TeamChange, posted: FormData
) -> Response:
    """Change what the ledger keeps beside a case, unless the user may not."""
    services, user = services_of(request), user_of(request)
    sheet = await read_sheet(services, user, case_id)
    if sheet is None:
        return await _missing(request, case_id)
    barred = refusal(user, sheet.case, task) if sheet.case else UNREADABLE_NOW
    if barred:
        return _shown(request, sheet, Told(403, problem=barred))
    texts = {name: value for name, value in posted.items() if isinstance(value, str)}
    if problem := await change(services.ledger, user, case_id, texts):
        now = await read_sheet(services, user, case_id)
        return _shown(request, now or sheet, Told(409, problem=problem))
    return _to(case_id, at="notes" if task is CaseTask.NOTE else "")


async def _unknown(request: Request, case_id: str, posted: FormData) -> Response:
    del posted
    return page(request, "error.html", status=400, words=f"没有这种操作:{case_id}")


async def _missing(request: Request, case_id: str) -> Response:
    ended = await forgotten(services_of(request), user_of(request), case_id)
    words = f"{case_id}: {ended}" if ended else f"没有此案件 / no such case: {case_id}"
    return page(request, "error.html", status=404, words=words)


_POSTS: Final[Mapping[str, Callable[[Request, str, FormData], Awaitable[Response]]]] = {
    "decide": _decide,
    "claim": _claim,
    "note": _note,
}


def _to(case_id: str, at: str = "", **parameters: str) -> Response:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return RedirectResponse(f"{case_path(case_id)}{query}{f'#{at}' if at else ''}", 303)


def _rule_label(case_id: str, rule: str) -> str:
    task, process = STEP_UPDATES.get(rule), PROCESSES.get(case_id.partition("/")[0])
    return task.label if task else process.rule_label(rule) if process else rule


def _order(posted: FormData) -> str | None:
    return str(posted.get(ORDER_NAMED, "")) or None
