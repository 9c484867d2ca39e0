"""控制台任务 over real HTTP: the steps for the back office, and marking them as done."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from temporalio.testing import WorkflowEnvironment

from tests.aftersales.desk.conftest import CLERK, OpenOnDesk
from tests.aftersales.desk.test_batch import carried_out, chosen, forms_to
from tests.support.posted_forms import PageForm, part_about
from workflows.engine.view import CaseView


async def card(open_on_desk: OpenOnDesk, shop: str, **fields: Any) -> str:
    """Open a case whose first step is done in the back office."""
    now = datetime.now(UTC).replace(microsecond=0)
    return await open_on_desk(
        "jd_delay_card",
        shop_id=shop,
        promised_ship_at=(now + timedelta(hours=30)).isoformat(),
        proposed_ship_at=(now + timedelta(days=5)).isoformat(),
        **{"order_id": uuid.uuid4().hex[:12], "reason": "仓库盘点", **fields},
    )


async def listed(desk: httpx2.AsyncClient, case_id: str, **parameters: str) -> httpx2.Response:
    for _ in range(200):
        shown = await desk.get("/tasks", params=parameters)
        assert shown.status_code == 200, shown.text
        if f'data-case="{case_id}"' in shown.text:
            return shown
        await asyncio.sleep(0.05)
    pytest.fail(f"not listed: {case_id}")


def form_of(shown: httpx2.Response, case_id: str) -> PageForm:
    (form,) = [form for form in forms_to(shown, shown.url.raw_path.decode()) if form.fields["desk-case"] == case_id]
    return form


async def test_a_task_names_page_steps_and_order_and_is_marked_as_done_once(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await card(open_on_desk, "task-shop")
    shown = await listed(desk, case_id, shop="task-shop")
    text = part_about(shown, case_id)
    assert "入口:咚咚工作台" in text
    assert "点击「延迟发货」" in text
    assert f'data-copy="{case_id.partition("/")[2]}"' in shown.text
    form = form_of(shown, case_id)

    done = await form.post(desk, note="已在后台发送")
    again = await form.post(desk)

    assert "已登记" in done.text or "已生效" in done.text
    assert again.status_code == 200
    seen = await environment.client.get_workflow_handle(case_id).query("view", result_type=CaseView)
    (step,) = [effect for effect in seen.effects if str(effect.serial) == form.fields["desk-serial"]]
    assert (step.status, step.note, step.handled_by) == ("done", "已在后台发送", CLERK)


async def test_tasks_are_those_of_the_chosen_shop_and_process(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    mine, other = await card(open_on_desk, "filter-shop"), await card(open_on_desk, "other-shop")
    await listed(desk, mine)
    await listed(desk, other)

    shown = await listed(desk, mine, shop="filter-shop", process="jd_delay_card")
    none = await desk.get("/tasks", params={"shop": "filter-shop", "process": "claim_1688"})

    assert other not in shown.text
    assert "没有控制台任务" in none.text


async def test_a_time_that_is_yet_to_come_is_refused_in_words_and_what_was_written_is_kept(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    case_id = await card(open_on_desk, "late-shop")
    form = form_of(await listed(desk, case_id, shop="late-shop"), case_id)

    unreadable = await form.post(desk, occurred_at="昨天", note="<b>办了</b>")
    future = await form.post(desk, occurred_at="2090-01-01T09:30")

    assert unreadable.status_code == 422
    assert "发生时间:须为日期和时间" in unreadable.text
    assert "&lt;b&gt;办了&lt;/b&gt;" in unreadable.text
    assert future.status_code in (409, 422)
    assert "不能晚于现在" in future.text


async def test_many_tasks_are_marked_as_done_in_one_batch(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    cases = [await card(open_on_desk, "many-shop") for _ in range(3)]
    await listed(desk, cases[-1], shop="many-shop")

    form_page = await chosen(desk, cases, "办妥(控制台任务)")
    (form,) = forms_to(form_page, "/batch")
    preview = await form.post(desk, note="一起发的", preview="1")
    done = await carried_out(desk, preview)

    assert "3 项成功" in done.text
