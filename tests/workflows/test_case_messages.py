"""Messages (G-3), and whatever else can be sent through the API: nothing may wedge a case."""

import json
from datetime import timedelta

import pytest
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.enums.v1 import UpdateWorkflowExecutionLifecycleStage
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.update.v1 import Input, Meta, Request, WaitPolicy
from temporalio.api.workflowservice.v1 import (
    QueryWorkflowRequest,
    SignalWorkflowExecutionRequest,
    UpdateWorkflowExecutionRequest,
)
from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from tests.support.temporal.life import Life, Open, at, fired
from tests.support.temporal.raw import ARGUMENTS, PAYLOADS
from tests.support.temporal.task_queues import Queue
from workflows.engine.arrivals import MESSAGES_AT_ONCE
from workflows.registry import PROCESSES

UPDATES = [name for name, rule in PROCESSES["douyin_reship"].chart.rules.items() if rule.clock is None]
STAGE = UpdateWorkflowExecutionLifecycleStage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED


async def test_g_3_messages_twice_late_and_out_of_order(open_case: Open) -> None:
    life = await open_case()
    for message in (
        {"message_id": "m3", "rule": "sign"},
        {"message_id": "m1", "rule": "agree"},
        {"message_id": "m1", "rule": "agree"},
        {"message_id": "m2", "rule": "ship", "occurred_at": (life.opened + timedelta(minutes=1)).isoformat()},
    ):
        await life.report(**message)
    seen = await life.until("in transit", lambda seen: seen["state"] == ["in_transit"])
    assert fired(seen) == ["agree", "ship"]
    assert [(message["message_id"], message["rule"]) for message in seen["ignored"]] == [("m3", "sign")]
    assert life.scene.performed == []  # the platform said so itself


async def test_g_3_a_message_that_came_while_the_platform_was_asked_waits(open_case: Open) -> None:
    life = await open_case()
    life.scene.fails["settle"] = TimeoutError("no answer")
    await life.reach("48h1m")
    await life.report(message_id="m1", rule="ship")
    await life.until("held", lambda seen: seen["held"] == 1)
    life.scene.fails.clear()
    await life.pass_time("20m")
    seen = await life.until_state("in_transit")
    assert fired(seen) == ["auto_agree", "ship"]
    assert seen["ignored"] == []


async def obeys(life: Life) -> None:
    """Assert that the case answers, its clock runs, and none of its workflow tasks has failed."""
    assert (await life.view())["status"] == "open"
    await life.reach("48h")
    assert at(await life.until_state("awaiting_shipment"), "auto_agree") == life.opened + timedelta(hours=48)
    assert await life.wedged() == []


async def test_g_3_no_signal_wedges_a_case(open_case: Open) -> None:
    life = await open_case()
    for arguments in ARGUMENTS.values():
        await life.handle.signal("report", args=arguments)
        await life.handle.signal("no_such_signal", args=arguments)
    for payloads in PAYLOADS.values():
        await life.environment.client.workflow_service.signal_workflow_execution(
            SignalWorkflowExecutionRequest(
                namespace=life.environment.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=life.id),
                signal_name="report",
                input=Payloads(payloads=payloads),
            ),
            retry=True,
        )
    seen = await life.until("all taken", lambda seen: seen["ignored_in_all"] >= len(ARGUMENTS))
    assert fired(seen) == []
    await obeys(life)


@pytest.mark.parametrize("update", [*UPDATES, "retry_effect", "done_by_hand", "no_such_update"])
async def test_g_4_no_update_wedges_a_case(open_case: Open, update: str) -> None:
    life = await open_case(policy={"reminders_before": []})
    before = await life.kinds()
    for arguments in ARGUMENTS.values():
        if update in ("agree", "withdraw", "mark_out_of_stock") and arguments in ([], [None], [{}]):
            continue  # that is how these are meant
        with pytest.raises(WorkflowUpdateFailedError):
            await life.handle.execute_update(update, args=arguments)
    for name, payloads in PAYLOADS.items():
        assert await raw_update(life, update, payloads), name
    assert await life.kinds() == before
    await obeys(life)


async def raw_update(life: Life, update: str, payloads: list[Payload]) -> str:
    """Return the service's answer to an update sent as the Web UI sends it."""
    answer = await life.environment.client.workflow_service.update_workflow_execution(
        UpdateWorkflowExecutionRequest(
            namespace=life.environment.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=life.id),
            wait_policy=WaitPolicy(lifecycle_stage=STAGE),
            request=Request(
                meta=Meta(update_id="", identity="web"), input=Input(name=update, args=Payloads(payloads=payloads))
            ),
        ),
        retry=True,
    )
    return answer.outcome.failure.message


async def test_an_update_whose_argument_cannot_be_read_is_told_what_was_expected(open_case: Open) -> None:
    life = await open_case()
    assert "expected one JSON object" in await raw_update(life, "agree", PAYLOADS["json that is none"])


async def test_no_query_wedges_a_case(open_case: Open) -> None:
    life = await open_case()
    for arguments in ARGUMENTS.values():
        assert (await life.handle.query("view", args=arguments))["case_id"] == life.id
        with pytest.raises(WorkflowQueryFailedError):
            await life.handle.query("no_such_query", args=arguments)
    for payloads in PAYLOADS.values():
        asked = QueryWorkflowRequest(
            namespace=life.environment.client.namespace,
            execution=WorkflowExecution(workflow_id=life.id),
            query=WorkflowQuery(query_type="view", query_args=Payloads(payloads=payloads)),
        )
        try:
            answer = await life.environment.client.workflow_service.query_workflow(asked, retry=True)
        except RPCError as refused:
            assert refused.status is RPCStatusCode.INVALID_ARGUMENT, refused.message  # noqa: PT017
        else:
            assert json.loads(answer.query_result.payloads[0].data)["case_id"] == life.id
    await obeys(life)


async def test_a_case_is_not_called_off_by_cancelling_its_workflow(open_case: Open) -> None:
    life = await open_case()
    await life.handle.cancel()
    seen = await life.until("declined", lambda seen: seen["ignored"])
    assert "不能取消" in seen["ignored"][0]["why"]
    await obeys(life)


async def test_g_3_many_messages_that_waited_for_a_worker_are_taken_in_by_several_tasks(
    queue: Queue, opening: Open
) -> None:
    life = await opening(task_queue=queue.name)
    form = {"evidence": [{"kind": "buyer_consent", "url": "https://example.com/1.png"}]}
    for number in range(2 * MESSAGES_AT_ONCE + 1):
        await life.report(message_id=f"m{number}", rule="submit_evidence", form=form)
    await life.report(message_id="first", rule="refuse", form={"reason": "已签收"}, occurred_at=life.opened.isoformat())
    async with queue.worker():
        seen = await life.until("all taken", lambda seen: seen["state"] == ["arbitration"])
    started = await life.kinds()
    assert (seen["ignored_in_all"], started.count("TIMER_STARTED")) == (2 * MESSAGES_AT_ONCE + 1, 2)
    assert await life.wedged() == []
