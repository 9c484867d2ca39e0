"""控制台任务: what somebody has to do in a platform's back office, and marking it as done."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftersales.desk.chinese import chinese_of
from aftersales.desk.handling.deciding import SendingOutcome, earlier_outcome, new_update_id, rule_sent
from aftersales.desk.handling.form_errors import UnfitForm
from aftersales.desk.handling.form_fields import fields_of
from aftersales.desk.handling.permission import CaseTask, refusal
from aftersales.desk.rendering import page, services_of, user_of
from aftersales.desk.sections.console_tasks import TaskFilters, waiting_tasks
from aftersales.desk.sections.month_page import case_label
from aftersales.desk.sections.panels import ORDER_NAMED, SEEN, SERIAL, StepNote, is_over, read_decision
from cases.errors import BadForm
from workflows.registry import PROCESSES

CASE_NAMED, TASK_SENT, OF = "desk-case", "sent", "of"
"""The hidden field that names a case, and what the address says of a task that has been marked."""


async def tasks_page(request: Request) -> Response:
    """Show the tasks that wait, or mark one as done."""
    if request.method == "POST":
        async with request.form(max_files=0) as posted:
            return await _done(request, posted)
    return await _shown(request, outcome=await _told_by_address(request))


async def _shown(
    request: Request,
    *,
    status: int = 200,
    outcome: SendingOutcome | None = None,
    about: str | None = None,
    posted: FormData | None = None,
    errors: Mapping[str, str] | None = None,
    problem: str | None = None,
) -> Response:
    services, user, filters = services_of(request), user_of(request), _filters(request)
    found = await waiting_tasks(services.client, services.cases, user, filters)
    given: Mapping[str, Any] = posted or {}
    return page(
        request,
        "tasks.html",
        status=status,
        found=found,
        filters=filters,
        shops={shop: services.shop_name(shop) for shop in services.shops_of(user, [task.shop for task in found.tasks])},
        processes={name: process.label for name, process in PROCESSES.items()},
        shop_name=services.shop_name,
        case_label=case_label,
        outcome=outcome,
        about=about or request.query_params.get(OF),
        problem=problem,
        refilled=(str(given.get(CASE_NAMED, "")), str(given.get(SERIAL, ""))),
        fields=fields_of(StepNote),
        filled=fields_of(StepNote, given, errors),
        new_id=new_update_id,
        action=_address(filters),
        step_done=CaseTask.DONE_BY_HAND.value,
    )


async def _done(request: Request, posted: FormData) -> Response:
    services, user = services_of(request), user_of(request)
    case_id = str(posted.get(CASE_NAMED, ""))
    case = await services.cases.read(user, case_id) if case_id else None
    if case is None:
        return await _shown(request, status=404, problem=f"没有提交:没有此案件 {case_id}")
    if barred := refusal(user, case, CaseTask.DONE_BY_HAND):
        return await _shown(request, status=403, problem=f"没有提交:{barred}")
    try:
        decision = read_decision(case, CaseTask.DONE_BY_HAND, posted)
        seen, order = str(posted.get(SEEN, "")), str(posted.get(ORDER_NAMED, "")) or None
        outcome = await services.decisions.send(services.client_of(user), user, decision, seen, order)
    except BadForm as bad:
        errors = bad.errors if isinstance(bad, UnfitForm) else {}
        problem = f"没有提交:{chinese_of(str(bad))}"
        return await _shown(request, status=422, posted=posted, errors=errors, problem=problem)
    if not outcome.sent:
        now = await services.cases.read(user, case_id)
        if now and is_over(now, posted):
            outcome = replace(outcome, said="这一步已经不用处理了")
        return await _shown(request, status=409, outcome=outcome, about=case_id)
    parameters = {**_filters(request).model_dump(exclude_defaults=True), TASK_SENT: decision.update_id, OF: case_id}
    return RedirectResponse(f"/tasks?{urlencode(parameters)}", 303)


async def _told_by_address(request: Request) -> SendingOutcome | None:
    """Return what became of the task that the address names, so that a reload shows it again."""
    services, user = services_of(request), user_of(request)
    update_id, case_id = request.query_params.get(TASK_SENT, ""), request.query_params.get(OF, "")
    if rule_sent(update_id) != CaseTask.DONE_BY_HAND or not case_id or await services.cases.read(user, case_id) is None:
        return None
    return await earlier_outcome(services.client, case_id, update_id)


def _filters(request: Request) -> TaskFilters:
    given = {name: value for name, value in request.query_params.items() if name in TaskFilters.model_fields}
    try:
        return TaskFilters(**given)
    except ValidationError:
        return TaskFilters()


def _address(filters: TaskFilters) -> str:
    given = filters.model_dump(exclude_defaults=True)
    return f"/tasks?{urlencode(given)}" if given else "/tasks"
