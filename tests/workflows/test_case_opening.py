"""Opening a case: once an id, its figures pinned (G-9), and nothing that was sent wrongly wedges."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution, WorkflowType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest, StartWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowHistory,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from cases.douyin_reship import ReshipPolicy
from cases.editions import NEWEST
from cases.messages import Opening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.temporal.life import PROCESS, Open, due, eventually, facts, fired, whole_now
from tests.support.temporal.raw import ARGUMENTS, PAYLOADS
from workflows.opening import start_case
from workflows.registry import PROCESSES

QUEUE = "tests"
SHIPPING = ReshipPolicy().model_dump(mode="json")["shipping"]
RECORD = {"schema": 1, "edition": NEWEST, "policy": {}}


async def failure(client: Client, case_id: str, *arguments: Any) -> ApplicationError:
    """Start a case that cannot be opened; returns why."""
    handle = await client.start_workflow(PROCESS, args=list(arguments), id=case_id, task_queue=QUEUE)
    with pytest.raises(WorkflowFailureError) as failed:
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    history = await handle.fetch_history()
    assert not any(event.HasField("workflow_task_failed_event_attributes") for event in history.events)
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"facts": {"shop_id": "S1"}}, "order_id: 缺少"),
    ({"facts": facts("A1", order_amount="much")}, "order_amount"),
    ({"facts": facts("A1", order_amount="-1.00")}, "order_amount"),
    ({"facts": facts("A1", applied_at="2026-01-05T09:00:00")}, "applied_at: 须带时区"),
    ({"facts": facts("A1", applied_at="9999-12-31T23:59:59Z")}, "applied_at"),
    ({"facts": facts("A1", applied_at="0001-01-01T00:00:00+14:00")}, "applied_at"),
    ({"facts": facts("A1"), "policy": {"no_such": "1h"}}, "policy.no_such: 没有这个参数"),
    ({"facts": facts("A1"), "policy": {"shipping": "soon"}}, "shipping.value"),
    ({"facts": facts("A1"), "policy": {"shipping": "99999999d"}}, "shipping"),
    ({"facts": facts("A1"), "policy": {"shipping": {**SHIPPING, "value": "-1h"}}}, "shipping"),
    ({"facts": facts("A1"), "policy": {"default_decision": "withdraw"}}, "policy.default_decision"),
    ({"facts": facts("A1"), "carried": {}}, "carried: 没有这个字段"),
    ({"facts": facts("A1"), "policy": {"shipping": SHIPPING}}, "shipping"),
    ({"facts": facts("A1"), "policy": []}, "policy"),
    ({"facts": facts("A1"), "schema": "1"}, "schema: 没有这个字段"),
    ({"facts": facts("A1"), "edition": NEWEST}, "edition: 没有这个字段"),
    ({"facts": facts("A1"), **RECORD, "carried": {"state": {}}}, "carried: 没有这个字段"),
]


@pytest.mark.parametrize(("opening", "named"), WRONG)
async def test_a_wrong_opening_fails_and_names_the_field(
    worker: None, environment: WorkflowEnvironment, opening: dict[str, Any], named: str
) -> None:
    failed = await failure(environment.client, f"{PROCESS}/A1-{uuid.uuid4().hex}", opening)
    assert failed.type in ("BadForm", "PolicyUnknown")
    assert named in failed.message


async def test_a_workflow_id_that_is_not_the_cases_fails_and_says_which_it_must_be(
    worker: None, environment: WorkflowEnvironment
) -> None:
    case_id = f"{PROCESS}/{uuid.uuid4().hex}"
    failed = await failure(environment.client, case_id, {"facts": facts("A1"), **RECORD})
    assert f"{PROCESS}/A1" in failed.message
    assert case_id in failed.message


@pytest.mark.parametrize("name", ARGUMENTS)
async def test_no_argument_wedges_an_opening(worker: None, environment: WorkflowEnvironment, name: str) -> None:
    failed = await failure(environment.client, f"{PROCESS}/{uuid.uuid4().hex}", *ARGUMENTS[name])
    assert failed.type == "BadForm"


@pytest.mark.parametrize("name", PAYLOADS)
async def test_no_payload_wedges_an_opening(worker: None, environment: WorkflowEnvironment, name: str) -> None:
    case_id = f"{PROCESS}/{uuid.uuid4().hex}"
    events = await start_raw(environment.client, case_id, PAYLOADS[name])
    assert not any(event.HasField("workflow_task_failed_event_attributes") for event in events)
    (failed,) = [event.workflow_execution_failed_event_attributes for event in events[-1:]]
    assert failed.failure.application_failure_info.type == "BadForm"


async def start_raw(client: Client, case_id: str, payloads: list[Payload]) -> list[Any]:
    """Start a workflow as the Web UI would; returns its last event once it has ended."""
    await client.workflow_service.start_workflow_execution(
        StartWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_id=case_id,
            workflow_type=WorkflowType(name=PROCESS),
            task_queue=TaskQueue(name=QUEUE),
            input=Payloads(payloads=payloads),
            request_id=case_id,
        ),
        retry=True,
    )
    asked = GetWorkflowExecutionHistoryRequest(
        namespace=client.namespace,
        execution=WorkflowExecution(workflow_id=case_id),
        wait_new_event=True,
        history_event_filter_type=2,  # the closing event alone
    )
    await client.workflow_service.get_workflow_execution_history(asked, retry=True)
    history = await client.get_workflow_handle(case_id).fetch_history()
    return list(history.events)


@pytest.mark.parametrize("policy", [None, {"shipping": "3h"}])
async def test_g_9_a_case_opened_without_an_edition_pins_one_before_anything_else(
    open_case: Open, policy: dict[str, Any] | None
) -> None:
    life = await open_case(policy=policy, pinned=False)
    seen = await life.until("pinned", lambda seen: seen["policy"])
    first, second = await life.histories()
    carried = await input_of(life.environment.client, second)
    assert (carried["schema"], carried["edition"], carried["policy"]) == (1, NEWEST, policy or {})
    assert seen["policy"]["shipping"]["value"] == (policy or {}).get("shipping", "48h")
    assert seen["policy"]["shipping"]["provenance"] == ("set" if policy else "stated")
    assert not any(event.HasField("timer_started_event_attributes") for event in first.events)
    await life.act("agree")
    assert due(await life.view()) - whole_now() <= timedelta(hours=3 if policy else 48)


async def input_of(client: Client, run: WorkflowHistory) -> dict[str, Any]:
    """Return the input of a run."""
    (value,) = await client.data_converter.decode(
        run.events[0].workflow_execution_started_event_attributes.input.payloads
    )
    return value  # type: ignore[no-any-return]


async def test_g_9_a_client_of_ours_pins_the_edition_and_writes_no_figures_but_the_shops(
    worker: None, environment: WorkflowEnvironment
) -> None:
    opening = Opening(facts=facts(uuid.uuid4().hex), policy={"shipping": "3h"})
    handle = await start_case(environment.client, QUEUE, PROCESSES[PROCESS], opening)
    started = await input_of(environment.client, await handle.fetch_history())
    assert {name: started[name] for name in started if name != "facts"} == {**RECORD, "policy": {"shipping": "3h"}}
    shipping = (await handle.query("view"))["policy"]["shipping"]
    assert shipping == {**SHIPPING, "value": "3h", "source": "shop setting", "provenance": "set"}


UNREADABLE: list[tuple[dict[str, Any], str]] = [
    ({**RECORD, "schema": 2}, "schema 2"),
    ({**RECORD, "edition": "2999-01-01"}, "2999-01-01"),
    ({**RECORD, "policy": {"younger": "1h"}}, "policy.younger"),
    ({**RECORD, "policy": {"default_decision": "younger"}}, "policy.default_decision"),
    ({**RECORD, "younger": 1}, "younger: 没有这个字段"),
    ({**RECORD, "facts": {"younger": 1}}, "younger: 没有这个字段"),
    ({"schema": 1}, "edition: 缺少"),
]


@pytest.mark.parametrize(("record", "named"), UNREADABLE)
async def test_a_record_of_another_release_waits_for_a_worker_that_can_read_it(
    worker: None, environment: WorkflowEnvironment, record: dict[str, Any], named: str
) -> None:
    own_id = uuid.uuid4().hex
    opening = {**record, "facts": facts(own_id) | record.get("facts", {})}
    handle = await environment.client.start_workflow(PROCESS, opening, id=f"{PROCESS}/{own_id}", task_queue=QUEUE)

    async def failed_task() -> str:
        events = (await handle.fetch_history()).events
        assert not any(event.HasField("workflow_execution_failed_event_attributes") for event in events)
        failures = [event.workflow_task_failed_event_attributes.failure.message for event in events]
        return next((message for message in failures if message), "")

    assert named in await eventually("a failed workflow task", failed_task)
    await handle.terminate()


async def test_g_9_a_pinned_case_takes_its_figures_from_its_opening_alone(open_case: Open) -> None:
    life = await open_case(policy={"shipping": "3h"})
    assert len(await life.histories()) == 1
    await life.act("agree")
    await life.pass_time("3h")
    assert fired(await life.until("missed", lambda seen: seen["state"] == ["refunded"]))[-1] == "miss_shipment"


async def test_g_3_a_message_that_opens_the_case_is_not_lost_when_its_figures_are_pinned(
    worker: None, environment: WorkflowEnvironment
) -> None:
    own_id = uuid.uuid4().hex
    with environment.with_time_skipping_disabled():
        handle = await environment.client.start_workflow(
            PROCESS,
            {"facts": facts(own_id)},
            id=f"{PROCESS}/{own_id}",
            task_queue=QUEUE,
            start_signal="report",
            start_signal_args=[{"message_id": "m1", "rule": "withdraw"}],
        )
    assert (await asyncio.wait_for(handle.result(), PATIENCE_SECONDS))["state"] == ["withdrawn"]


@pytest.mark.parametrize("opening", [{}, RECORD], ids=["no edition", "edition pinned"])
async def test_g_4_a_decision_that_opens_the_case_is_taken(
    worker: None, environment: WorkflowEnvironment, opening: dict[str, Any]
) -> None:
    own_id = uuid.uuid4().hex
    late = (whole_now() - timedelta(hours=47)).isoformat()  # a reminder is due at once
    start = WithStartWorkflowOperation(
        PROCESS,
        {"facts": facts(own_id, applied_at=late), **opening},
        id=f"{PROCESS}/{own_id}",
        task_queue=QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    with environment.with_time_skipping_disabled():
        answer = await environment.client.execute_update_with_start_workflow("agree", start_workflow_operation=start)
    assert answer["state"] == ["awaiting_shipment"]
    handle = environment.client.get_workflow_handle(f"{PROCESS}/{own_id}")
    assert fired(await handle.query("view")) == ["agree"]


async def test_a_case_that_could_not_be_opened_answers_with_the_reason(
    worker: None, environment: WorkflowEnvironment
) -> None:
    case_id = f"{PROCESS}/{uuid.uuid4().hex}"
    start = WithStartWorkflowOperation(
        PROCESS, {"facts": {}}, id=case_id, task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
    )
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await environment.client.execute_update_with_start_workflow("agree", start_workflow_operation=start)
    assert "shop_id: 缺少" in str(refused.value.cause)
