"""批量: one thing done in many cases: chosen, previewed, carried out, with a result for each."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftersales.desk.batch.batch_plan import (
    ASSIGN_ACT,
    DONE_ACT,
    BatchAct,
    BatchPlan,
    act_named,
    acts_of,
    plan_assigning,
    plan_done,
    plan_rule,
    read_order,
    steps_as_text,
)
from aftersales.desk.batch.batch_runs import BatchRuns
from aftersales.desk.batch.batch_selection import BatchSelection, select_cases
from aftersales.desk.batch.batch_table import MOST_IN_A_BATCH, BatchTable, read_lines, read_upload
from aftersales.desk.chinese import chinese_of
from aftersales.desk.gate import LARGEST_BODY, MOST_FIELDS
from aftersales.desk.handling.form_errors import UnfitForm
from aftersales.desk.handling.form_fields import fields_of
from aftersales.desk.rendering import page, services_of, user_of
from aftersales.desk.sections.month_page import case_label
from aftersales.desk.sections.panels import StepNote
from cases.errors import BadForm

ACT, CHOSEN, LEFT_OUT, LINES, UPLOAD, CLERK, PREVIEW = "act", "case", "left", "lines", "file", "clerk", "preview"


async def batch_page(request: Request) -> Response:
    """Ask for the cases, then for what to do, then show the plan."""
    if request.method != "POST":
        return page(request, "batch.html", problem=None, lines="", most=MOST_IN_A_BATCH)
    async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=LARGEST_BODY) as posted:
        try:
            return await _next_page(request, posted)
        except BadForm as bad:
            problem, lines = chinese_of(str(bad)), str(posted.get(LINES, ""))
            return page(request, "batch.html", status=422, problem=problem, lines=lines, most=MOST_IN_A_BATCH)


async def carry_out(request: Request) -> Response:
    """Begin to carry out a plan, once, and show how far it is."""
    services, user = services_of(request), user_of(request)
    async with request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=LARGEST_BODY) as posted:
        try:
            order = read_order(posted)
        except BadForm as bad:
            return page(request, "error.html", status=422, words=str(bad))
    if not order.steps:
        return page(request, "error.html", status=422, words="没有勾选任何一行,什么也没有做")
    run = _batches(request).start(order, user, services.client_of(user))
    if run is None:
        return page(request, "error.html", status=403, words="这份批量单是别人预览的,请自己重新预览")
    return RedirectResponse(f"/batch/run/{order.token}", 303)


async def results_page(request: Request) -> Response:
    """Show what has become of each decision of a batch so far."""
    run = _batches(request).of(request.path_params["token"], user_of(request))
    if run is None:
        words = (
            "找不到这次批量的结果:工作台可能重启过。请到待办看各案件现在的状态;"
            "没有办的可以重新预览再办,已经办的预览时会列为不能办。"
        )
        return page(request, "error.html", status=404, words=words)
    return page(request, "batch_run.html", run=run, text=steps_as_text(run.order.steps), case_label=case_label)


async def _next_page(request: Request, posted: FormData) -> Response:
    services, user = services_of(request), user_of(request)
    table = await _table(posted)
    chosen = [str(value) for value in posted.getlist(CHOSEN)]
    # What the table is about is selected by it, until the cases have been listed.
    numbers = [] if ACT in posted else table.numbers
    selection = await select_cases(services.client, services.cases, user, chosen, numbers)
    known = dict(str(value).partition("\t")[::2] for value in posted.getlist(LEFT_OUT))
    selection = replace(selection, missing={**known, **selection.missing})
    if not selection.cases:
        what = ";".join(f"{name}:{why}" for name, why in selection.missing.items())
        raise BadForm(f"没有可处理的案件。{what}" if what else "请勾选案件,或粘贴订单号")
    acts = acts_of(selection.cases)
    act = act_named(acts, str(posted.get(ACT, "")))
    if act is None:
        problem = "所选案件现在都不能这样做,请另选" if posted.get(ACT) else None
        return _choices(request, selection, acts, table, problem)
    if PREVIEW not in posted and _asks(act):
        return _form(request, selection, act, table)
    try:
        plan = await _plan(request, selection, act, posted, table)
    except BadForm as bad:
        errors = bad.errors if isinstance(bad, UnfitForm) else {}
        return _form(request, selection, act, table, posted, chinese_of(str(bad)), errors)
    return page(
        request,
        "batch_plan.html",
        plan=plan,
        text=steps_as_text(plan.steps),
        missing=selection.missing,
        case_label=case_label,
        shop_name=services.shop_name,
    )


def _choices(
    request: Request, selection: BatchSelection, acts: list[BatchAct], table: BatchTable, problem: str | None
) -> Response:
    return page(
        request,
        "batch_choice.html",
        status=409 if problem else 200,
        selection=selection,
        acts=acts,
        lines=table.text,
        problem=problem,
        case_label=case_label,
    )


def _form(
    request: Request,
    selection: BatchSelection,
    act: BatchAct,
    table: BatchTable,
    posted: FormData | None = None,
    problem: str | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    given: Any = {} if posted is None else posted
    takes_lines = act.name not in (DONE_ACT, ASSIGN_ACT)
    fields = [] if act.form is None else fields_of(act.form, given, errors)
    return page(
        request,
        "batch_form.html",
        status=422 if problem else 200,
        selection=selection,
        act=act,
        # What is left out here stands in the lines.
        fields=[replace(one, required=False) for one in fields] if takes_lines else fields,
        needed=[one.title for one in fields if one.required],
        lines=table.text,
        takes_lines=takes_lines,
        assigns=act.name == ASSIGN_ACT,
        clerk=str(given.get(CLERK, "")),
        problem=problem,
        most=MOST_IN_A_BATCH,
    )


def _asks(act: BatchAct) -> bool:
    """Return whether anything must be filled in before there is a plan."""
    return act.form is None or bool(fields_of(act.form))


async def _plan(
    request: Request, selection: BatchSelection, act: BatchAct, posted: FormData, table: BatchTable
) -> BatchPlan:
    services, user = services_of(request), user_of(request)
    if act.name == ASSIGN_ACT:
        claims = await asyncio.to_thread(services.ledger.claims, selection.ids)
        claimed = {case_id: claim.clerk for case_id, claim in claims.items()}
        return plan_assigning(selection, user, act, str(posted.get(CLERK, "")), claimed)
    assert act.form is not None  # noqa: S101 - only assigning has no form
    own = {name: value for name, value in posted.items() if _is_of(act.form.model_fields, name)}
    if act.form is StepNote:
        return plan_done(selection, user, act, own)
    return plan_rule(selection, user, act, own, table)


def _is_of(fields: Mapping[str, Any], name: str) -> bool:
    return name.partition(".")[0] in fields


async def _table(posted: FormData) -> BatchTable:
    """Return the lines that were pasted, or those of an uploaded file."""
    upload = posted.get(UPLOAD)
    if isinstance(upload, UploadFile) and upload.filename:
        content = await upload.read()
        return await asyncio.to_thread(read_upload, upload.filename, content)
    return read_lines(str(posted.get(LINES, "")))


def _batches(request: Request) -> BatchRuns:
    batches: BatchRuns = request.app.state.batches
    return batches
