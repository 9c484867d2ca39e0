"""Decisions: refusals write nothing (G-4), and a clock that has run out goes first."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from tests.support.rules.stage import Scene
from tests.support.temporal.life import Open, due, eventually, fired, whole_now
from tests.support.temporal.task_queues import Queue

REFUSED = [
    ("ship", {"carrier": "SF", "tracking_no": "SF1"}, "允许的动作"),
    ("sign", None, "待商家处理 (awaiting_merchant)"),
    ("refuse", None, "reason: 缺少"),
    ("refuse", {"reason": "x", "evidence": [{"kind": "photo", "url": "u"}]}, "evidence.0.kind"),
    ("agree", {"why": "x"}, "why: 没有这个字段"),
    ("agree", ["x"], "须为 JSON 对象"),
    ("retry_effect", None, "无 (none)"),
]


async def test_g_4_a_refused_decision_writes_nothing(open_case: Open) -> None:
    life = await open_case()
    before, seen = await life.kinds(), await life.view()
    for rule, form, said in REFUSED:
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await life.act(rule, form)
        assert said in str(refused.value.cause)
    assert await life.kinds() == before
    assert await life.view() | {"next": None} == seen | {"next": None}


async def test_g_4_the_answer_says_where_the_case_stands(open_case: Open) -> None:
    life = await open_case()
    answer = await life.act("agree")
    assert (answer["status"], answer["state"]) == ("open", ["awaiting_shipment"])
    assert answer["deadline"] == (await life.view())["deadlines"][0]["due"]


async def test_g_4_several_people_at_once_are_answered_one_by_one(open_case: Open) -> None:
    life = await open_case()
    answers = await asyncio.gather(*(life.act("agree") for _ in range(5)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, WorkflowUpdateFailedError)]
    assert len(refused) == 4
    assert fired(await life.view()) == ["agree"]
    await life.until("performed", lambda seen: not seen["busy"])
    assert life.scene.performed == ["agree_on_platform"]


async def test_g_4_every_rule_of_the_case_can_be_acted_on_in_turn(open_case: Open) -> None:
    life = await open_case(reason="other")
    consent = {"kind": "buyer_consent", "url": "https://example.com/1.png"}
    for rule, form in (
        ("refuse", {"reason": "已签收"}),
        ("modify", {"reason": "short_shipped"}),
        ("agree", None),
        ("mark_out_of_stock", None),
        ("refuse", {"reason": "缺货", "after_consent": True, "evidence": [consent]}),
        ("request_intervention", None),
        ("submit_evidence", {"evidence": [consent]}),
        ("rule_reship", None),
        ("ship", {"carrier": "SF", "tracking_no": "SF1"}),
        ("sign", None),
    ):
        await life.act(rule, form)
    await life.until("performed", lambda seen: not seen["busy"])
    assert (await life.view())["state"] == ["completed"]
    await life.until_over()
    assert life.scene.performed == [
        "refuse_on_platform",
        "agree_on_platform",
        "refuse_on_platform",
        "submit_evidence",
        "push_tracking_number",
    ]


async def test_dr_4_a_decision_that_waited_for_a_worker_does_not_beat_the_clock(queue: Queue, opening: Open) -> None:
    policy = {"merchant_handling": "2s", "reminders_before": []}
    life = await opening(task_queue=queue.name, policy=policy, scene=Scene())
    async with queue.worker():
        seen = await life.view()

    async def over() -> bool:
        return whole_now() > due(seen)

    await eventually("the clock ran out while no worker was there", over)
    decided = asyncio.create_task(life.handle.execute_update("agree", id="late"))
    await eventually("the decision waits at the server", lambda: queue.holds(life.id, "late"))
    async with queue.worker():
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await decided
        assert "时限已届满" in str(refused.value.cause)
        assert fired(await life.until_state("awaiting_shipment")) == ["auto_agree"]
        assert "WORKFLOW_EXECUTION_UPDATE_ACCEPTED" not in await life.kinds()


async def test_dr_4_a_decision_in_time_counts_although_it_waited_for_a_worker(queue: Queue, opening: Open) -> None:
    life = await opening(task_queue=queue.name)
    decided = asyncio.create_task(life.handle.execute_update("agree", id="early"))
    await eventually("the decision waits at the server", lambda: queue.holds(life.id, "early"))
    async with queue.worker():
        assert (await decided)["state"] == ["awaiting_shipment"]


async def test_g_6_a_decision_that_waited_for_a_worker_goes_before_the_default(queue: Queue, opening: Open) -> None:
    policy = {"merchant_handling": "1h", "decide_before": "59m58s", "default_decision": "agree", "reminders_before": []}
    life = await opening(task_queue=queue.name, policy=policy)
    async with queue.worker():
        seen = await life.view()

    async def over() -> bool:
        return whole_now() > due(seen) - timedelta(minutes=59, seconds=58)

    await eventually("the time of the default has come", over)
    decided = asyncio.create_task(life.handle.execute_update("refuse", {"reason": "已签收"}, id="operator"))
    await eventually("the decision waits at the server", lambda: queue.holds(life.id, "operator"))
    async with queue.worker():
        assert (await decided)["state"] == ["arbitration"]
        assert fired(await life.view()) == ["refuse"]
