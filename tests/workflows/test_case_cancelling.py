"""A case cannot be cancelled, whatever it is doing: the platform's clocks go on."""

import asyncio

from temporalio.client import WorkflowExecutionStatus

from cases.messages import EffectCall, EffectOutcome
from tests.support.patience import PATIENCE_SECONDS
from tests.support.rules.stage import Stage
from tests.support.temporal.life import Open, fired


async def test_a_case_is_not_called_off_while_its_decision_is_submitted(open_case: Open, stage: Stage) -> None:
    life = await open_case()
    asked, answered = asyncio.Event(), asyncio.Event()

    async def patient(call: EffectCall) -> EffectOutcome:
        if call.case_id == life.id:
            asked.set()
            await answered.wait()
        return await Stage.perform(stage, call)

    stage.perform = patient  # type: ignore[method-assign]
    try:
        decided = asyncio.create_task(life.act("agree"))
        await asyncio.wait_for(asked.wait(), PATIENCE_SECONDS)
        await life.handle.cancel()
        answered.set()
        assert (await asyncio.wait_for(decided, PATIENCE_SECONDS))["decision"] == "taken"
    finally:
        del stage.perform  # type: ignore[attr-defined]
    seen = await life.until("declined", lambda seen: seen["ignored"])
    assert "不能取消" in seen["ignored"][0]["why"]
    assert (fired(seen), seen["status"]) == (["agree"], "open")
    assert (await life.handle.describe()).status is WorkflowExecutionStatus.RUNNING
    assert await life.wedged() == []
