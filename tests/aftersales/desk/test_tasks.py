"""控制台任务 over real HTTP: the steps for the back office, and marking them as done."""

import asyncio
import html
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from temporalio.testing import WorkflowEnvironment

from tests.aftersales.desk.conftest import CLERK, OpenOnDesk
from tests.aftersales.desk.test_batch import carried_out, chosen, forms_to
from tests.support.pages.posted_forms import PageForm, form_with, part_about
from tests.support.processes.claims import claim_facts
from tests.support.temporal.life import whole_now
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


def part_of(shown: httpx2.Response, case_id: str) -> str:
    """Return the HTML of one task."""
    return re.split(r"<li [^>]*data-case=|</main>", shown.text.partition(f'data-case="{case_id}"')[2])[0]


def results_in(html_of_task: str) -> list[str]:
    """Return the addresses at which the results of a task are registered, in their order."""
    return [html.unescape(found) for found in re.findall(r'<a class="button[^>]* href="([^"]+)"', html_of_task)]


async def seen_of(environment: WorkflowEnvironment, case_id: str) -> CaseView:
    seen: CaseView = await environment.client.get_workflow_handle(case_id).query("view", result_type=CaseView)
    return seen


async def agreed_claim(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, shop: str) -> str:
    """Open a claim that its clerk has agreed to: the decision is carried out in the back office."""
    own_id = uuid.uuid4().hex[:12]
    case_id = await open_on_desk("claim_1688", own_id, **claim_facts(own_id, whole_now(), shop_id=shop))
    panel = await desk.get(f"/case/{case_id}", params={"rule": "agree"})
    sent = await form_with(panel, "确认同意赔付").post(desk)
    assert "须到平台后台办理" in sent.text
    return case_id


async def test_what_a_task_leads_to_is_registered_by_the_form_of_its_rule(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await card(open_on_desk, "result-shop")
    task = part_of(await listed(desk, case_id, shop="result-shop"), case_id)
    assert task.index("卡片已发送</a>") < task.index("没有以上结果,只标为已办妥")
    assert "→ 待买家点击" in task
    (address,) = results_in(task)

    form = form_with(await desk.get(address), "卡片已发送")
    nothing_said = await form.post(desk)
    sent = await form.post(desk, sent_at=(whole_now() - timedelta(minutes=5)).isoformat())

    assert nothing_said.status_code == 422
    assert "已生效" in sent.text
    seen = await seen_of(environment, case_id)
    assert seen.state_labels == ["待买家点击"]
    assert [step for step in seen.waiting if step.effect == "send_card"] == []


async def test_the_results_that_the_instruction_names_come_before_what_also_ends_the_task(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    shop = "split-shop"
    orders = [{"order_id": name, "carries_item": name == "O1"} for name in ("O1", "O2")]
    case_id = await open_on_desk(
        "anxinjian_split",
        provider_id=shop,
        merchant_id=shop,
        item_id=uuid.uuid4().hex[:12],
        authentication_fee="20.00",
        freight_fee="12.00",
        sub_orders=orders,
    )
    on_tasks = part_of(await listed(desk, case_id), case_id)
    on_case = (await desk.get(f"/case/{case_id}")).text.partition("等待人工处理</h2>")[2].partition("</section>")[0]

    for shown in (on_tasks, on_case):
        assert [address.partition("?")[2] for address in results_in(shown)][:2] == [
            "rule=choose#decide",
            "rule=buyer_keeps#decide",
        ]
    assert "<details><summary>没有以上结果,只标为已手工办妥" in on_case


async def test_a_decision_s_task_is_completed_by_marking_it_as_done(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await agreed_claim(desk, open_on_desk, "decision-shop")
    shown = await listed(desk, case_id, shop="decision-shop")
    task = part_of(shown, case_id)
    assert results_in(task) == []
    assert ">完成</summary>" in task
    assert "决定「同意赔付」生效" in task
    assert (
        '<a href="https://work.1688.com/" rel="noreferrer noopener" target="_blank">1688 商家工作台 &gt; 履约' in task
    )

    await form_of(shown, case_id).post(desk)

    assert (await seen_of(environment, case_id)).status == "closed"


async def test_a_task_names_page_steps_and_order_and_is_marked_as_done_once(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await card(open_on_desk, "task-shop")
    shown = await listed(desk, case_id, shop="task-shop")
    text = part_about(shown, case_id)
    assert "入口:咚咚工作台" in text
    assert "点击「延迟发货」" in text
    assert f'data-copy="{case_id.partition("/")[2]}"' in shown.text
    assert "案件状态不变,时限照走" in text
    form = form_of(shown, case_id)

    done = await form.post(desk, note="已在后台发送")
    again = await form.post(desk)

    assert "已登记" in done.text or "已生效" in done.text
    assert again.status_code == 200
    seen = await seen_of(environment, case_id)
    (step,) = [effect for effect in seen.effects if str(effect.serial) == form.fields["desk-serial"]]
    assert (step.status, step.note, step.handled_by) == ("done", "已在后台发送", CLERK)
    assert seen.state_labels == ["待发送卡片"]


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


async def test_many_tasks_are_marked_as_done_in_one_batch_but_those_that_have_a_result(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    cases = [await agreed_claim(desk, open_on_desk, "many-shop") for _ in range(3)]
    with_result = await card(open_on_desk, "many-shop")
    await listed(desk, with_result, shop="many-shop")

    form_page = await chosen(desk, [*cases, with_result], "办妥(控制台任务)")
    (form,) = forms_to(form_page, "/batch")
    preview = await form.post(desk, note="一起办的", preview="1")
    assert "可能要登记结果" in part_about(preview, with_result)
    done = await carried_out(desk, preview)

    assert "3 项成功" in done.text
    assert [(await seen_of(environment, case_id)).status for case_id in cases] == ["closed"] * 3
    assert len((await seen_of(environment, with_result)).waiting) == 1
