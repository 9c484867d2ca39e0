"""A claim on 1688 as its operator meets it: costs shown before a decision, and console tasks after it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.settings import Settings
from tests.support.processes.claims import APPEAL, CHAT, claim_facts
from tests.support.rules.stage import Stage
from tests.support.temporal.life import Life, at, fired, whole_now

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
    answer = await life.act("agree")
    assert (answer["decision"], answer["status"]) == ("being_submitted", "open")
    shown = await task(life, "agree_to_pay")
    assert (shown["label"], shown["page"]) == ("在控制台同意赔付", PAGE)
    assert "同意赔付" in shown["instruction"]
    assert answer["task"] == {name: shown[name] for name in ("page", "instruction")}
    seen = await life.view()
    assert (seen["waits_for_operator"], seen["needs_operator"], seen["busy"]) == (True, False, False)
    assert (life.scene.entries, fired(seen)) == ({}, [])
    await life.act("done_by_hand", {"serial": answer["serial"]})
    assert (await life.until_over())["status"] == "closed"
    (entry,) = life.scene.entries.values()
    assert (entry.clause, str(entry.amount), entry.shop_id) == ("CL-3", "10.00", "S1")
    assert life.scene.performed == []


async def test_g_10_what_nobody_did_in_the_console_does_not_count_and_its_clock_runs_on(open_claim: OpenClaim) -> None:
    life = await open_claim()
    await life.act("appeal", APPEAL)
    assert "提交中" in (await life.refused("agree")).message
    await life.reach("48h")
    seen = await life.until_closed()
    assert (fired(seen), seen["decisions"][0]["status"]) == (["platform_decides"], "dropped")


async def test_g_11_a_task_done_in_time_and_confirmed_late_counts_when_it_was_done(open_claim: OpenClaim) -> None:
    life = await open_claim()
    await life.act("appeal", APPEAL)
    await life.reach("50h")
    assert (await life.until_closed())["ledger"][0]["clause"] == "CL-3"
    filed = life.opened + timedelta(hours=40)
    await life.act("done_by_hand", {"occurred_at": filed.isoformat()})
    seen = await life.until("appealed", lambda seen: seen["status"] == "open")
    assert (fired(seen), at(seen, "appeal")) == (["appeal"], filed)
    await life.report(message_id="m1", rule="overturn")
    assert (await life.until_over())["status"] == "closed"
    assert [entry.clause for entry in life.scene.entries.values()] == ["CL-5"]


async def test_g_8_cl_10_appeal_and_evidence_are_console_tasks_each_and_counted_once(open_claim: OpenClaim) -> None:
    life = await open_claim()
    with pytest.raises(WorkflowUpdateFailedError):
        await life.act("appeal", {"reason": "已按时发货", "evidence": []})
    serial = (await life.act("appeal", APPEAL))["serial"]
    filed = await task(life, "file_appeal")
    await life.act("done_by_hand", {"serial": serial})
    serial = (await life.act("add_evidence", {"evidence": [CHAT]}))["serial"]
    added = await task(life, "submit_evidence")
    await life.act("done_by_hand", {"serial": serial})
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
