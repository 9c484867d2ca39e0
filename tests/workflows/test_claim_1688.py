"""A claim on 1688 as its operator meets it: costs shown before a decision, and console tasks after it."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.settings import Settings
from tests.support.life import Life, whole_now
from tests.support.processes.claims import APPEAL, CHAT, claim_facts
from tests.support.stage import Stage

PAGE = "1688 商家工作台 > 履约 > 我的理赔服务中心"
OpenClaim = Callable[[], Awaitable[Life]]


@pytest.fixture
def open_claim(worker: None, environment: WorkflowEnvironment, settings: Settings, stage: Stage) -> OpenClaim:
    async def opened() -> Life:
        own_id, began = uuid4().hex[:12], whole_now()
        case_id = f"claim_1688/{own_id}"
        with environment.with_time_skipping_disabled():
            handle = await environment.client.start_workflow(
                "claim_1688", {"facts": claim_facts(own_id, began)}, id=case_id, task_queue=settings.task_queue
            )
        life = Life(environment, handle, stage.scenes[case_id], began)
        await life.view()
        return life

    return opened


async def task(life: Life, effect: str) -> dict[str, str]:
    """Return label, page and instruction of a console task once the operator has it."""
    seen = await life.until(
        effect,
        lambda seen: any((step["effect"], step["status"]) == (effect, "console_task") for step in seen["effects"]),
    )
    (step,) = [step for step in seen["effects"] if step["effect"] == effect]
    return {"label": step["label"], **step["task"]}


async def test_cl_3_cl_5_costs_are_told_before_either_is_chosen(open_claim: OpenClaim) -> None:
    life = await open_claim()
    costs = {action["rule"]: action["costs"][0] for action in (await life.view())["actions"] if action["costs"]}
    assert costs["agree"] == {"amount": "10.00", "clause": "CL-3", "note": "赔付 ¥10.00:SO1 ¥10.00", "choice": None}
    assert (costs["appeal"]["amount"], costs["appeal"]["clause"]) == (None, "CL-5")
    assert "平台介入率" in costs["appeal"]["note"]


async def test_g_8_agreeing_is_a_console_task_that_the_operator_confirms(open_claim: OpenClaim) -> None:
    life = await open_claim()
    await life.act("agree")
    shown = await task(life, "agree_to_pay")
    assert (shown["label"], shown["page"]) == ("在控制台同意赔付", PAGE)
    assert "同意赔付" in shown["instruction"]
    seen = await life.until("entered", lambda seen: not seen["busy"])
    assert (seen["status"], seen["finished"]) == ("closed", False)
    (entry,) = life.scene.entries.values()
    assert (entry.clause, str(entry.amount), entry.shop_id) == ("CL-3", "10.00", "S1")
    assert life.scene.performed == []
    await life.act("done_by_hand")
    await life.until_closed()


async def test_g_8_cl_10_appeal_and_evidence_are_console_tasks_each_and_counted_once(open_claim: OpenClaim) -> None:
    life = await open_claim()
    with pytest.raises(WorkflowUpdateFailedError):
        await life.act("appeal", {"reason": "已按时发货", "evidence": []})
    await life.act("appeal", APPEAL)
    await life.act("add_evidence", {"evidence": [CHAT]})
    filed, added = await task(life, "file_appeal"), await task(life, "submit_evidence")
    assert filed["page"] == added["page"] == PAGE
    assert "发起申诉" in filed["instruction"]
    assert "补充" in added["instruction"]
    await life.until("entered", lambda seen: not seen["busy"])
    (entry,) = life.scene.entries.values()
    assert (entry.clause, entry.amount) == ("CL-5", None)
    await life.report(message_id="m1", rule="uphold")
    seen = await life.until("ruled", lambda seen: seen["status"] == "closed" and not seen["busy"])
    assert seen["state"] == ["established"]
    assert [entry.clause for entry in life.scene.entries.values()] == ["CL-5", "CL-3"]
