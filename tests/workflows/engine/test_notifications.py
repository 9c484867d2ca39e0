"""Notifications beside reminders: waiting steps, escalations, outcomes; never what is over."""

from typing import Any

from cases.errors import NotResolvedYet
from cases.messages import ActionRequired, ConsoleTask, EffectOutcome, Opening
from tests.support.processes.delays import CHAT, delay_facts
from tests.support.processes.splits import KEEP_ALL, Split
from tests.support.rules.machines import OPENED, PromptMachine, after, machine
from tests.support.rules.stage import BUSINESS, NOT_YET, Scene
from tests.support.temporal.life import Open, due
from tests.workflows.test_case_shown import metadata
from workflows.engine import notifications
from workflows.engine.machine import CaseMachine
from workflows.engine.state import Notification
from workflows.registry import PROCESSES


def delivered(seen: dict[str, Any]) -> list[bool | None]:
    return [notification["delivered"] for notification in seen["notifications"]]


def stuck(of: CaseMachine, offset: str, why: str | None = "无应答") -> int:
    """Let a decision get no answer from the platform, or become a task in the console; return its serial number."""
    (decision,) = of.state.submissions
    if why:
        of.fail(decision.serial, why, after(offset))
    else:
        of.take(decision.serial, EffectOutcome(console_task=ConsoleTask(page="页", instruction="做")), after(offset))
    return decision.serial


def required(of: CaseMachine, offset: str, serial: int) -> ActionRequired:
    """Return the notification of a step."""
    return notifications.action_required(of, Notification(at=after(offset), serial=serial))


def notify(of: CaseMachine, offset: str) -> list[int | None]:
    """Notify as the workflow does; return what is new."""
    of.end_notifications()
    serials = of.unnotified()
    of.notify(serials, after(offset))
    return serials


def test_g_7_a_step_that_waits_is_told_of_once_and_again_when_it_fails_again() -> None:
    case = machine()
    case.submit("agree", {}, after("1h"), key="u1")
    assert notify(case, "1h") == []
    serial = stuck(case, "1h")
    assert notify(case, "1h") == [serial]
    assert notify(case, "2h") == []
    case.retry_effect(None)
    assert notify(case, "3h") == []
    stuck(case, "3h")
    assert notify(case, "3h") == [serial]
    assert [notification.over for notification in case.state.notifications] == [True, False]


def test_g_7_trouble_says_until_when_it_matters_to_us() -> None:
    case = machine()
    case.submit("agree", {}, after("1h"), key="u1")
    said = required(case, "1h", stuck(case, "1h"))
    assert (said.step, said.why, said.task, said.escalates) == ("在平台同意补寄", "无应答", None, False)
    assert said.deadline == after("48h")


def test_a_deadline_of_the_buyers_is_none_of_our_trouble() -> None:
    case = machine("other")
    case.decide("mark_out_of_stock", {}, after("1h"))
    case.decide("refuse", {"reason": "已签收"}, after("1h"))
    (effect,) = case.state.pending
    case.fail_effect(effect.serial, "关闭", after("1h"))
    assert case.deadlines()
    assert required(case, "1h", effect.serial).deadline is None


def test_jd_4_the_escalation_of_a_review_is_told_as_one_and_other_tasks_are_not() -> None:
    process = PROCESSES["jd_delay_card"]
    case = PromptMachine(
        process, "jd_delay_card/D1", process.open_case(Opening(facts=delay_facts(OPENED, "D1"))), now=OPENED
    )
    task = EffectOutcome(console_task=ConsoleTask(page="页", instruction="做"))
    report = {"agreed_ship_at": after("90h").isoformat(), "evidence": [CHAT]}
    case.decide("card_sent", {"sent_at": after("0h").isoformat()}, after("0h"))
    case.decide("decline", {}, after("1h"))
    filed = case.submit("file_emergency_report", report, after("2h"), key="u1")
    case.take(filed.serial, task, after("2h"))
    assert not required(case, "2h", filed.serial).escalates
    case.done_by_hand(None, after("3h"))
    case.advance(after("28h"))
    (escalation,) = case.state.pending
    case.complete_effect(escalation.serial, task, after("28h"))
    assert required(case, "28h", escalation.serial).escalates


def test_g_10_a_decision_that_was_not_taken_is_told_of_once() -> None:
    case = machine()
    decision = case.submit("agree", {}, after("1h"), key="u1")
    case.refuse(decision.serial, "PlatformRefused: 已关闭", after("2h"), tell=True)
    assert notify(case, "2h") == [decision.serial]
    (sent,) = case.state.notifications
    assert notifications.action_required(case, sent).why == "PlatformRefused: 已关闭"
    case.mark_delivered(sent)
    assert notify(case, "3h") == []


async def test_g_8_operators_are_told_of_a_task_and_then_how_the_case_ended(open_case: Open) -> None:
    life = await open_case()
    await life.act("mark_out_of_stock")
    seen = await life.until("notified", lambda seen: delivered(seen) == [True])
    (told,) = life.scene.troubles
    assert told.task
    assert (told.serial, told.deadline) == (seen["notifications"][0]["serial"], due(seen))
    await life.act("done_by_hand")
    await life.report(message_id="m1", rule="withdraw")
    await life.until_closed()
    assert [ending.state for ending in life.scene.endings] == ["withdrawn"]
    assert life.scene.endings == life.scene.outcomes


async def test_g_7_a_notice_on_its_way_is_called_off_when_the_step_no_longer_waits(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"notify": NOT_YET}))
    await life.act("mark_out_of_stock")
    await life.until("on its way", lambda seen: delivered(seen) == [None])
    await life.act("done_by_hand")
    seen = await life.until("called off", lambda seen: delivered(seen) == [False])
    assert (seen["notifications"][0]["over"], seen["notifications"][0]["why"]) == (True, None)
    assert "通知未送达" not in (await metadata(life)).current_details
    assert life.scene.troubles == []


async def test_what_could_not_be_delivered_is_shown_on_the_case(open_case: Open) -> None:
    refused = type(BUSINESS)("wecom: invalid webhook url")
    life = await open_case(scene=Scene(fails={"notify": refused}))
    await life.act("mark_out_of_stock")
    seen = await life.until("given up", lambda seen: delivered(seen) == [False])
    assert seen["notifications"][0]["why"] == "PlatformRefused: wecom: invalid webhook url"
    assert "⚠️ 1 条通知未送达:PlatformRefused: wecom: invalid webhook url" in (await metadata(life)).current_details


async def test_a_notice_is_tried_for_an_hour_and_then_given_up(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"notify": NotResolvedYet("away")}))
    await life.report(message_id="m1", rule="withdraw")
    await life.pass_time("2h")
    assert (await life.until_closed())["state"] == ["withdrawn"]
    assert (life.scene.endings, [outcome.state for outcome in life.scene.outcomes]) == ([], ["withdrawn"])


def test_a_step_that_waits_again_and_another_reminder_are_told_under_keys_of_their_own() -> None:
    case = machine()
    case.submit("agree", {}, after("1h"), key="u1")
    serial = stuck(case, "1h")
    assert required(case, "1h", serial).key == required(case, "1h", serial).key != required(case, "3h", serial).key
    for offset in ("36h", "46h"):
        case.advance(after(offset))
    keys = [notifications.reminder(case, sent).key for sent in case.state.reminders]
    assert len(set(keys)) == len(keys) == 2


def test_the_deadline_of_another_order_is_none_of_this_orders_trouble() -> None:
    split = Split(O1="20d", O2="10d").choose("1h", KEEP_ALL)
    split.walk("2h", "O1", "sign_in", "record", "report_blocked").walk("2h", "O2", "sign_in")
    case = split.machine
    of_orders = {deadline.order: deadline.due for deadline in reversed(case.deadlines())}
    assert of_orders["O2"] < of_orders["O1"]
    steps = [step for step in case.state.effects if step.order == "O1" and step.status == "pending"]
    case.fail_effect(steps[0].serial, "关闭", after("2h"))
    assert required(case, "2h", steps[0].serial).deadline == of_orders["O1"]


def test_g_11_of_what_a_late_fact_took_back_before_anybody_was_notified_nobody_is() -> None:
    case = machine()
    gone = Notification(at=after("1h"), serial=99, notice=True)
    assert notifications.action_required(case, gone) is None
