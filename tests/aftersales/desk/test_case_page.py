"""案件 over real HTTP: deciding once, refusals in words, steps that wait for a person, two clerks at once."""

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.users import Role, User
from aftersales.desk.handling import deciding
from aftersales.ledger.store import SqlLedger
from aftersales.platforms.marketplace import carriers_of
from aftersales.runtime.client.decision_client import DecisionUnknown, SentDecision, decide
from aftersales.runtime.client.sender_header import by_desk, with_sender
from tests.aftersales.desk.conftest import CLERK, Browse, OpenOnDesk
from tests.support.pages.posted_forms import form_with, forms_of
from tests.support.processes.claims import claim_facts
from tests.support.rules.stage import BUSINESS, UNREACHABLE, Stage
from tests.support.temporal.life import eventually, whole_now
from tests.support.temporal.senders import steps_named

COLLEAGUE = "李四"


@pytest_asyncio.fixture
async def colleague(browse: Browse) -> httpx2.AsyncClient:
    return await browse(User(name=COLLEAGUE, role=Role.SUPERVISE))


async def panel(browser: httpx2.AsyncClient, case_id: str, rule: str, order: str | None = None) -> httpx2.Response:
    """The page after the first click: the panel of a decision."""
    named = {"rule": rule} | ({"order": order} if order else {})
    shown = await browser.get(f"/case/{case_id}", params=named)
    assert shown.status_code == 200
    return shown


async def case_with(browser: httpx2.AsyncClient, case_id: str, words: str) -> httpx2.Response:
    async def look() -> httpx2.Response | None:
        shown = await browser.get(f"/case/{case_id}")
        return shown if words in shown.text else None

    found: httpx2.Response = await eventually(words, look)
    return found


async def test_a_case_is_agreed_to_in_two_clicks(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    case_id = await open_on_desk()
    stage.scenes[case_id].says = "售后单 已同意"

    first = await panel(desk, case_id, "agree")
    assert "提交后不能撤回" in first.text
    assert "会提交到平台" in first.text
    assert "填了时间,就只按当时已经办好登记,不再提交到平台" in first.text
    assert "之后:待补寄发货" in first.text
    second = await form_with(first, "确认同意补寄").post(desk)

    assert stage.scenes[case_id].performed == ["agree_on_platform"]
    for shown in (second, await desk.get(str(second.url))):  # the result survives a reload
        assert "平台已受理(平台回复:售后单 已同意)" in shown.text
        assert "待补寄发货" in shown.text
        assert f"{CLERK}(工作台)" in shown.text
    assert "已同意" not in str(second.url)


async def test_two_clicks_on_the_button_are_one_decision(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    case_id = await open_on_desk()
    form = form_with(await panel(desk, case_id, "agree"), "确认同意补寄")

    both = await asyncio.gather(form.post(desk), form.post(desk))
    later = await form.post(desk)

    assert [answer.status_code for answer in (*both, later)] == [200, 200, 200]
    assert len({str(answer.url) for answer in (*both, later)}) == 1
    assert stage.scenes[case_id].performed == ["agree_on_platform"]
    assert "已生效" in later.text


async def test_a_refusal_of_the_platform_is_told_in_its_words(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    case_id = await open_on_desk()
    stage.scenes[case_id].fails["agree_on_platform"] = BUSINESS

    refused = await form_with(await panel(desk, case_id, "agree"), "确认同意补寄").post(desk)

    for shown in (refused, await desk.get(str(refused.url))):
        assert shown.status_code == 200
        assert "平台拒绝:售后单已关闭" in shown.text
        assert "待商家处理" in shown.text
        assert "重试:同意补寄" in shown.text


async def test_what_the_platform_refused_is_tried_again_without_typing_it_again(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment, stage: Stage
) -> None:
    case_id = await open_on_desk()
    stage.scenes[case_id].fails["refuse_on_platform"] = BUSINESS
    form = form_with(await panel(desk, case_id, "refuse"), "确认拒绝补寄")
    proof = {"evidence.0.kind": "chat_screenshot", "evidence.0.url": "https://example.com/parcel.jpg"}
    refused = await form.post(desk, reason="已补发 <b>过</b>\n请核对", **proof)
    assert "平台拒绝:售后单已关闭" in refused.text

    for shown in (refused, await desk.get(str(refused.url))):  # it also survives a reload
        again = form_with(shown, "重试:拒绝补寄")
        assert again.fields["reason"] == "已补发 <b>过</b>\n请核对"
        assert {name: again.fields[name] for name in proof} == proof
    assert again.fields["desk-id"] != form.fields["desk-id"]
    still = await again.post(desk)
    assert "平台拒绝:售后单已关闭" in still.text
    stage.scenes[case_id].fails.clear()
    taken = await form_with(still, "重试:拒绝补寄").post(desk, reason="已补发")

    assert "已生效" in taken.text
    assert "重试:拒绝补寄" not in taken.text
    decisions = (await environment.client.get_workflow_handle(case_id).query("view"))["decisions"]
    assert [(one["rule"], one["status"]) for one in decisions] == [
        ("refuse", "refused"),
        ("refuse", "refused"),
        ("refuse", "taken"),
    ]
    assert "重试:拒绝补寄" not in (await desk.get(str(refused.url))).text  # nor is it offered once it is over


async def test_what_the_platform_refused_while_nobody_looked_is_tried_again_as_well(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment, stage: Stage
) -> None:
    case_id = await open_on_desk()
    stage.scenes[case_id].fails["agree_on_platform"] = UNREACHABLE
    sent = await form_with(await panel(desk, case_id, "agree"), "确认同意补寄").post(desk)
    assert "提交中:平台尚未答复" in sent.text
    stage.scenes[case_id].fails["agree_on_platform"] = BUSINESS
    await environment.fast_forward(environment.client.get_workflow_handle(case_id), timedelta(minutes=2))
    await case_with(desk, case_id, "售后单已关闭")
    stage.scenes[case_id].fails.clear()

    taken = await form_with(await desk.get(str(sent.url)), "重试:同意补寄").post(desk)

    assert "已生效" in taken.text
    assert stage.scenes[case_id].performed == ["agree_on_platform"]


async def test_a_form_that_does_not_fit_is_shown_again_with_what_was_typed(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    case_id = await open_on_desk()
    form = form_with(await panel(desk, case_id, "refuse"), "确认拒绝补寄")

    refused = await form.post(desk, reason="", occurred_at="2026-11-11T09:30")

    assert refused.status_code == 422
    assert "没有提交" in refused.text
    kept = form_with(refused, "确认拒绝补寄")
    assert kept.fields["occurred_at"].startswith("2026-11-11T09:30")
    assert kept.fields["desk-id"] == form.fields["desk-id"]
    assert stage.scenes[case_id].performed == []
    sent = await kept.post(desk, reason="已补发 <b>过</b>", occurred_at="")
    assert "已生效" in sent.text


async def test_the_rules_refuse_in_chinese_whoever_was_a_moment_too_late(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await open_on_desk()
    form = form_with(await panel(desk, case_id, "agree"), "确认同意补寄")

    async def a_moment_too_late(client: Any, decision: SentDecision, patience: timedelta) -> Any:
        faster = with_sender(client, by_desk(COLLEAGUE))
        await faster.get_workflow_handle(case_id).execute_update("refuse", {"reason": "不补"})
        return await decide(client, decision, patience)

    monkeypatch.setattr(deciding, "decide", a_moment_too_late)
    refused = await form.post(desk)

    assert refused.status_code == 409
    told = refused.text.partition('class="outcome')[2].partition("</div>")[0]
    assert "不能同意补寄: 当前状态不允许。当前状态: 平台仲裁中; 允许的动作: 撤销申请、" in told
    assert f"<b>拒绝补寄</b> — {COLLEAGUE}(工作台)" in told
    assert stage.scenes[case_id].performed == ["refuse_on_platform"]


async def test_what_is_said_to_be_done_in_the_future_is_refused_in_chinese(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    form = form_with(await panel(desk, await open_on_desk(), "agree"), "确认同意补寄")

    refused = await form.post(desk, occurred_at="2090-01-01T09:30")

    assert refused.status_code == 409
    assert "不能晚于现在" in refused.text
    assert "must not be" not in refused.text


async def test_the_second_of_two_clerks_is_told_what_the_first_did(
    desk: httpx2.AsyncClient, colleague: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    case_id = await open_on_desk()
    stage.scenes[case_id].fails["agree_on_platform"] = BUSINESS
    mine = form_with(await panel(desk, case_id, "agree"), "确认同意补寄")
    await form_with(await panel(colleague, case_id, "agree"), "确认同意补寄").post(colleague)
    stage.scenes[case_id].fails.clear()

    told = await mine.post(desk)

    assert told.status_code == 409
    assert "案件有了变化" in told.text
    assert f"{COLLEAGUE}(工作台)" in told.text.partition("您打开此页之后")[2].partition("</ul>")[0]
    assert stage.scenes[case_id].performed == []
    sent = await form_with(told, "确认同意补寄").post(desk)
    assert "已生效" in sent.text
    assert stage.scenes[case_id].performed == ["agree_on_platform"]


async def test_what_a_colleague_has_made_impossible_is_said_to_be_done(
    desk: httpx2.AsyncClient, colleague: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    case_id = await open_on_desk()
    mine = form_with(await panel(desk, case_id, "agree"), "确认同意补寄")
    await form_with(await panel(colleague, case_id, "refuse"), "确认拒绝补寄").post(colleague, reason="不补")

    told = await mine.post(desk)

    assert told.status_code == 409
    assert f"<b>拒绝补寄</b> — {COLLEAGUE}(工作台)" in told.text.partition("您打开此页之后")[2]
    assert "确认同意补寄" not in told.text
    again = await desk.get(f"/case/{case_id}?rule=agree")
    assert "「同意补寄」现在不能做" in again.text


async def test_a_decision_that_the_platform_has_not_answered_is_submitted_again(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment, stage: Stage
) -> None:
    case_id = await open_on_desk()
    stage.scenes[case_id].fails["agree_on_platform"] = UNREACHABLE
    sent = await form_with(await panel(desk, case_id, "agree"), "确认同意补寄").post(desk)
    assert "提交中:平台尚未答复,状态与时限不变" in sent.text
    assert '<meta http-equiv="refresh"' in sent.text
    await environment.fast_forward(environment.client.get_workflow_handle(case_id), timedelta(minutes=61))
    stuck = await case_with(desk, case_id, "等待人工处理")
    assert "没有办成:超时" in stuck.text
    stage.scenes[case_id].fails.clear()

    retried = await form_with(stuck, "重试").post(desk)

    assert "<b>重试</b> — 已登记" in retried.text
    await case_with(desk, case_id, "待补寄发货</p>")
    again = await desk.get(str(sent.url))
    assert "<b>同意补寄</b> — 已生效" in again.text


async def test_an_expiry_that_the_platform_would_not_resolve_is_asked_about_again(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    own_id = uuid.uuid4().hex[:12]
    stage.scenes[f"douyin_reship/{own_id}"].fails["settle"] = BUSINESS
    applied_at = (datetime.now(UTC) - timedelta(hours=49)).replace(microsecond=0).isoformat()
    case_id = await open_on_desk(own_id=own_id, applied_at=applied_at)
    stuck = await case_with(desk, case_id, "等待人工处理")
    assert "没有办成:售后单已关闭" in stuck.text
    assert form_with(stuck, "按到期处理").fields["desk-rule"] == "done_by_hand"
    stage.scenes[case_id].fails.clear()

    await form_with(stuck, "再向平台核实").post(desk)

    await case_with(desk, case_id, "待补寄发货</p>")


async def test_a_decision_for_the_console_counts_once_it_is_done_there(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    own_id = uuid.uuid4().hex[:12]
    case_id = await open_on_desk("claim_1688", own_id, **claim_facts(own_id, whole_now()))
    shown = await panel(desk, case_id, "agree")
    assert "赔付 ¥10.00:SO1 ¥10.00 <b>10.00 元</b>" in shown.text
    assert "平台没有接口,提交后列为控制台任务" in shown.text
    assert "会提交到平台" not in shown.text

    sent = await form_with(shown, "确认同意赔付").post(desk)

    assert "须到平台后台办理" in sent.text
    page = '<a href="https://work.1688.com/"[^>]*>1688 商家工作台 &gt; 履约 &gt; 我的理赔服务中心</a>'
    assert len(re.findall(page, sent.text)) == 2  # in what became of the decision, and in the task
    assert "重试" not in [form.words for form in forms_of(sent)]
    done = await form_with(sent, "已手工办妥").post(desk)
    assert "已同意赔付 · 案件已结束" in done.text
    assert "<b>同意赔付</b> — 已生效" in (await desk.get(str(sent.url))).text
    assert '<span class="clause">CL-3</span>' in done.text.partition("账目")[2]


async def test_a_step_done_by_hand_is_confirmed_with_its_time_and_a_note(
    desk: httpx2.AsyncClient,
    colleague: httpx2.AsyncClient,
    open_on_desk: OpenOnDesk,
    stage: Stage,
    environment: WorkflowEnvironment,
) -> None:
    case_id = await open_on_desk()
    stage.scenes[case_id].fails["contact_buyer"] = BUSINESS
    await form_with(await panel(desk, case_id, "mark_out_of_stock"), "标记缺货").post(desk)
    stuck = await case_with(desk, case_id, "等待人工处理")
    theirs = form_with(await case_with(colleague, case_id, "等待人工处理"), "已手工办妥")

    done = await form_with(stuck, "已手工办妥").post(desk, note="已电话联系买家")

    assert "已登记" in done.text
    assert "备注:已电话联系买家" in done.text
    assert "等待人工处理" not in done.text
    late = await theirs.post(colleague)
    assert late.status_code == 409
    assert f"已手工办妥</b> — {CLERK}(工作台)" in late.text
    handle = environment.client.get_workflow_handle(case_id)
    (step,) = (await handle.query("view"))["effects"]
    assert await steps_named(handle) == [None, step["key"]]


async def test_an_answer_that_does_not_come_is_asked_for_again(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await open_on_desk()
    form = form_with(await panel(desk, case_id, "agree"), "确认同意补寄")

    async def taken_but_unanswered(client: Any, decision: SentDecision, patience: timedelta) -> Any:
        await decide(client, decision, patience)
        raise DecisionUnknown(decision.update_id, "away")

    with monkeypatch.context() as cut:
        cut.setattr(deciding, "decide", taken_but_unanswered)
        waiting = await form.post(desk)
    assert waiting.status_code == 202
    assert "不会重复提交" in waiting.text

    answered = await form_with(waiting, "再查询").post(desk)

    assert "已生效" in answered.text
    assert stage.scenes[case_id].performed == ["agree_on_platform"]


async def test_who_only_looks_and_who_has_a_limit_are_refused_in_words(
    browse: Browse, desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    case_id = await open_on_desk(order_amount="500.00")
    form = form_with(await panel(desk, case_id, "agree"), "确认同意补寄")
    for user in (User(name="王五"), User(name="赵六", role=Role.HANDLE, limit=Decimal(100))):
        browser = await browse(user)
        shown = await panel(browser, case_id, "agree")
        assert "确认同意补寄" not in shown.text
        forged = await form.post(browser)
        assert forged.status_code == 403
        assert "没有提交" in forged.text
    assert stage.scenes[case_id].performed == []


async def test_the_case_of_another_shop_does_not_exist(
    browse: Browse, desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    case_id = await open_on_desk(shop_id="S1")
    form = form_with(await panel(desk, case_id, "agree"), "确认同意补寄")
    browser = await browse(User(name="王五", role=Role.SUPERVISE, shops=("S2",)))

    for answer in (await browser.get(f"/case/{case_id}"), await form.post(browser)):
        assert answer.status_code == 404
        assert "没有此案件" in answer.text
    assert stage.scenes[case_id].performed == []


async def test_a_case_is_claimed_taken_over_and_left(
    desk: httpx2.AsyncClient, colleague: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    case_id = await open_on_desk()
    theirs = form_with(await colleague.get(f"/case/{case_id}"), "认领")
    mine = await form_with(await desk.get(f"/case/{case_id}"), "认领").post(desk)
    assert "您在处理" in mine.text
    assert ledger.claims([case_id])[case_id].clerk == CLERK

    late = await theirs.post(colleague)
    assert late.status_code == 409
    assert f"{CLERK} 已经认领了" in late.text
    taken = await form_with(late, "接手").post(colleague)
    assert "您在处理" in taken.text
    left = await form_with(taken, "放回").post(colleague)
    assert "还没有人认领" in left.text


async def test_notes_are_kept_once_and_shown_as_text(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    case_id = await open_on_desk(description="<script>alert(1)</script>")
    form = form_with(await desk.get(f"/case/{case_id}"), "保存备注")

    for _ in range(2):
        noted = await form.post(desk, **{"desk-note": "买家说 <i>周五</i> 在家"})

    assert noted.text.count("买家说 &lt;i&gt;周五&lt;/i&gt; 在家") == 1
    assert "<script>alert" not in noted.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in noted.text
    empty = await form.post(desk, **{"desk-note": "  "})
    assert empty.status_code == 409
    assert "没有保存" in empty.text


async def test_recorded_facts_are_folded_away(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    shown = await desk.get(f"/case/{await open_on_desk()}")

    before, _, folded = shown.text.partition('<details class="records">')
    assert 'data-rule="agree"' in before
    assert 'data-rule="withdraw"' not in before
    assert 'data-rule="withdraw"' in folded.partition("</details>")[0]


async def test_a_split_order_has_a_card_for_every_order(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    orders = [{"order_id": name, "carries_item": name == "O1"} for name in ("O1", "O2")]
    case_id = await open_on_desk(
        "anxinjian_split",
        provider_id="P1",
        merchant_id="S1",
        item_id="I-desk-1",
        authentication_fee="20.00",
        freight_fee="12.00",
        sub_orders=orders,
    )

    shown = await desk.get(f"/case/{case_id}")
    cards = shown.text.split('class="part order-card"')[1:]
    assert [
        f'data-rule="sign_in" href="/case/{case_id}?rule=sign_in&amp;order={name}' in card
        for name, card in zip(("O1", "O2"), cards, strict=True)
    ] == [True, True]

    signed = await form_with(await panel(desk, case_id, "sign_in", "O2"), "签收").post(desk)

    assert "已生效" in signed.text
    states = [card.partition("</section>")[0] for card in signed.text.split('class="part order-card"')[1:]]
    assert "待签收" in states[0]
    assert "已签收" in states[1]


async def test_other_cases_of_the_order_and_the_web_ui_are_a_click_away(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    first = await open_on_desk(shop_id="others-shop", order_id="O-others")
    second = await open_on_desk(shop_id="others-shop", order_id="O-others")

    shown = await case_with(desk, first, f'href="/case/{second}"')

    assert "同一订单的其他案件" in shown.text
    assert f"/workflows/{first.replace('/', '%2F')}" in shown.text


async def test_a_case_that_ended_early_says_how_to_revive_it_and_offers_nothing(
    desk: httpx2.AsyncClient, browse: Browse, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await open_on_desk()
    form = form_with(await panel(desk, case_id, "agree"), "确认同意补寄")
    handle = environment.client.get_workflow_handle(case_id)
    await handle.terminate("by mistake")

    shown = await case_with(desk, case_id, "异常终止")

    assert f"aftersales revive {case_id}" in shown.text
    assert "待商家处理" in shown.text
    assert "data-rule" not in shown.text
    assert "data-until" not in shown.text
    refused = await form.post(desk)
    assert refused.status_code == 409
    stranger = await browse(User(name="王五", role=Role.SUPERVISE, shops=("S2",)))
    assert (await stranger.get(f"/case/{case_id}")).status_code == 404


async def test_a_closed_case_shows_its_end_and_offers_nothing(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await open_on_desk()
    await environment.client.get_workflow_handle(case_id).execute_update("withdraw")

    shown = await case_with(desk, case_id, "案件已结束")

    assert "买家已撤销 · 案件已结束" in shown.text
    assert 'class="choices"' not in shown.text
    assert {form.words for form in forms_of(shown)} == {"认领", "保存备注"}


async def test_the_history_tells_what_was_taken_back_and_what_did_not_apply(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    applied = whole_now() - timedelta(hours=1)
    case_id = await open_on_desk(applied_at=applied.isoformat())
    await form_with(await panel(desk, case_id, "agree"), "确认同意补寄").post(desk)
    handle = environment.client.get_workflow_handle(case_id)
    await handle.signal("report", {"message_id": "m1", "rule": "rule_in_favour"})
    withdrawn = (applied + timedelta(minutes=30)).isoformat()
    await handle.signal("report", {"message_id": "m2", "rule": "withdraw", "occurred_at": withdrawn})

    shown = await case_with(desk, case_id, "已撤回(后来得知的事实推翻的")

    taken_back = shown.text.partition("已撤回(后来")[2].partition("</details>")[0]
    assert f"<b>同意补寄</b> — {CLERK}(工作台)" in taken_back
    ignored = shown.text.partition("未采用的消息")[2].partition("</details>")[0]
    assert "rule_in_favour" in ignored
    assert " / " not in ignored
    assert "撤销申请</b> — 买家" in shown.text.partition("时间线")[2]


async def test_the_carriers_of_the_marketplace_are_offered_where_a_parcel_is_entered(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    order = {"shop_id": "S1", "order_id": uuid.uuid4().hex[:12], "kind": "stock"}
    case_id = await open_on_desk("jd_shipment", **order, ordered_at=whole_now().isoformat())

    shown = (await panel(desk, case_id, "upload_tracking")).text

    (listed,) = re.findall(r'name="carrier"[^>]* list="([^"]+)"', shown)
    offered = shown.partition(f'<datalist id="{listed}">')[2].partition("</datalist>")[0]
    assert re.findall('value="([^"]+)"', offered) == [*carriers_of("jd_shipment")]
    assert "顺丰速运" in offered
    assert shown.count("<datalist") == 1
