"""What a case costs: the events of the reference case, which is opened, agreed to, shipped and signed for."""

import uuid

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from aftersales.simulation.result import history_size
from cases.messages import Opening
from tests.support.rules.stage import Scene, Stage
from tests.support.temporal.life import PROCESS, Life, facts, whole_now
from workflows.opening import start_case
from workflows.registry import PROCESSES

EVENTS, TASKS, BYTES = 27, 5, 6 * 1024
"""One event of them tells the other cases of the order that its parcel was sent (G-15)."""


async def test_the_reference_case_costs_no_more_than_it_must(
    worker: None, environment: WorkflowEnvironment, stage: Stage
) -> None:
    client: Client = environment.client
    own_id = uuid.uuid4().hex[:12]
    scene = stage.scenes[f"{PROCESS}/{own_id}"] = Scene()
    with environment.with_time_skipping_disabled():
        await start_case(client, "tests", PROCESSES[PROCESS], Opening(facts=facts(own_id)))
    handle = client.get_workflow_handle(f"{PROCESS}/{own_id}")
    life = Life(environment, handle, scene, whole_now())
    await life.act("agree")
    await life.act("ship", {"carrier": "SF", "tracking_no": "SF1"})
    await life.report(message_id="m1", rule="sign")
    assert (await life.until_over())["state"] == ["completed"]
    assert scene.performed == ["agree_on_platform", "push_tracking_number"]
    assert (len(scene.outcomes), len(scene.endings)) == (1, 1)
    history = await handle.fetch_history()
    size = history_size(history)
    tasks = [event for event in history.events if event.HasField("workflow_task_completed_event_attributes")]
    assert size["events"] <= EVENTS
    assert len(tasks) <= TASKS
    assert size["bytes"] <= BYTES
