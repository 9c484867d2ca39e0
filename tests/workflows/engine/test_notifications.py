"""Notifications beside reminders: waiting steps, escalations, outcomes; never what is over."""

from typing import Any

from cases.errors import NotResolvedYet
from cases.messages import Opening
from tests.support.life import Open, due
from tests.support.machines import OPENED, PromptMachine, after, machine
from tests.support.processes.claims import claim_facts
from tests.support.processes.delays import CHAT, delay_facts
from tests.support.stage import BUSINESS, NOT_YET, Scene
from tests.workflows.test_case_shown import metadata
from workflows.engine import notifications
from workflows.engine.machine import CaseMachine
from workflows.registry import PROCESSES


def delivered(seen: dict[str, Any]) -> list[bool | None]:
    return [notification["delivered"] for notification in seen["news"]]


def stuck(of: CaseMachine, why: str | None = "关闭") -> int:
    """Let the first effect of a case fail, or become a task in the console; its serial number."""
    (step,) = of.state.pending[:1]
    step.status, step.why = ("needs_operator", why) if why else ("console_task", None)
    return step.serial


def notify(of: CaseMachine, offset: str) -> list[int | None]:
    """Notify as the workflow does; return what is new."""
    of.end_notifications()
    serials = of.unnotified()
    of.notify(serials, after(offset))
    return serials


def test_g_7_a_step_that_waits_is_told_of_once_and_again_when_it_fails_again() -> None:
    case = machine()
    case.decide("agree", {}, after("1h"))
    assert notify(case, "1h") == []
    serial = stuck(case)
    assert notify(case, "1h") == [serial]
    assert notify(case, "2h") == []
    case.retry_effect(None)
    assert notify(case, "3h") == []
    stuck(case)
    assert notify(case, "3h") == [serial]
    assert [notification.over for notification in case.state.notifications] == [True, False]


def test_g_7_trouble_says_until_when_it_matters_to_us() -> None:
    case = machine()
    case.decide("agree", {}, after("1h"))
    required = notifications.action_required(case, stuck(case))
    assert (required.step, required.why, required.task, required.escalates) == ("在平台同意补寄", "关闭", None, False)
    assert required.deadline == after("49h")


def test_a_deadline_of_the_buyers_is_none_of_our_trouble() -> None:
    case = machine("other")
    case.decide("refuse", {"reason": "已签收"}, after("1h"))
    assert case.deadlines()
    assert notifications.action_required(case, stuck(case)).deadline is None


def test_jd_4_the_escalation_of_a_review_is_told_as_one_and_other_tasks_are_not() -> None:
    process = PROCESSES["jd_delay_card"]
    case = PromptMachine(
        process, "jd_delay_card/D1", process.open_case(Opening(facts=delay_facts(OPENED, "D1"))), now=OPENED
    )
    report = {"agreed_ship_at": after("90h").isoformat(), "evidence": [CHAT]}
    case.decide("card_sent", {"sent_at": after("0h").isoformat()}, after("0h"))
    case.decide("decline", {}, after("1h"))
    case.decide("file_emergency_report", report, after("2h"))
    case.advance(after("27h"))
    escalates = {}
    for effect in case.state.pending:
        effect.status = "console_task"
        escalates[effect.effect] = notifications.action_required(case, effect.serial).escalates
    assert escalates == {"file_report": False, "escalate_review": True}


def test_an_outcome_is_told_once_also_while_a_task_still_waits() -> None:
    process = PROCESSES["claim_1688"]
    case = PromptMachine(process, "claim_1688/C1", process.open_case(Opening(facts=claim_facts("C1", OPENED))))
    case.decide("agree", {}, after("3h"))
    serial = stuck(case, None)
    assert (case.closed, case.finished) == (True, False)
    assert notify(case, "3h") == [serial, None]
    assert notify(case, "4h") == []


async def test_g_8_operators_are_told_of_a_task_and_then_how_the_case_ended(open_case: Open) -> None:
    life = await open_case()
    await life.act("mark_out_of_stock")
    seen = await life.until("notified", lambda seen: delivered(seen) == [True])
    (required,) = life.scene.troubles
    assert required.task
    assert (required.serial, required.deadline) == (1, due(seen))
    await life.act("done_by_hand")
    await life.report(message_id="m1", rule="withdraw")
    await life.until_closed()
    assert [ending.state for ending in life.scene.endings] == ["withdrawn"]
    assert life.scene.endings == life.scene.outcomes


async def test_g_7_a_notice_on_its_way_is_called_off_when_the_step_no_longer_waits(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": BUSINESS, "notify": NOT_YET}))
    await life.act("agree")
    await life.until("on its way", lambda seen: delivered(seen) == [None])
    await life.act("done_by_hand")
    seen = await life.until("called off", lambda seen: delivered(seen) == [False])
    assert (seen["news"][0]["over"], seen["news"][0]["why"]) == (True, None)
    assert "通知未送达" not in (await metadata(life)).current_details
    assert life.scene.troubles == []


async def test_what_could_not_be_delivered_is_shown_on_the_case(open_case: Open) -> None:
    refused = type(BUSINESS)("wecom: invalid webhook url")
    life = await open_case(scene=Scene(fails={"agree_on_platform": BUSINESS, "notify": refused}))
    await life.act("agree")
    seen = await life.until("given up", lambda seen: delivered(seen) == [False])
    assert seen["news"][0]["why"] == "PlatformRefused: wecom: invalid webhook url"
    assert "⚠️ 1 条通知未送达:PlatformRefused: wecom: invalid webhook url" in (await metadata(life)).current_details


async def test_a_notice_is_tried_for_an_hour_and_then_given_up(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"notify": NotResolvedYet("away")}))
    await life.report(message_id="m1", rule="withdraw")
    await life.pass_time("2h")
    assert (await life.until_closed())["state"] == ["withdrawn"]
    assert (life.scene.endings, [outcome.state for outcome in life.scene.outcomes]) == ([], ["withdrawn"])
