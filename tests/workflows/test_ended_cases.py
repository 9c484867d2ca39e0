"""Looking for cases that ended early, on a real Temporal server: each is told once, and revived cases go on."""

import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.platforms.scripted import ScriptedPlatform
from aftersales.runtime.client.case_search import TemporalCaseSearch
from aftersales.runtime.client.known_cases import find_workflow
from aftersales.runtime.client.revival import revive
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.schedules import schedule_look_for_ended
from cases.errors import BadForm, LedgerUnreachable, PlatformUnreachable, Refused
from cases.messages import ActionRequired
from tests.support.records.booking import ended
from tests.support.records.register import Register
from tests.support.rules.machines import SHIPMENT
from tests.support.rules.stage import Stage
from tests.support.temporal.early_ends import EARLY_ENDS, Handle, opened, reset_by_hand, terminated
from tests.support.temporal.life import PROCESS, eventually, fired


class Told(Stage):
    """A stage that keeps the keys of what was told; a key seen before tells nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, ActionRequired] = {}
        self.fails = False

    async def notify_action_required(self, required: ActionRequired, key: str) -> None:
        if self.fails:
            raise PlatformUnreachable("the channel does not answer")
        self.told.setdefault(key, required)


@pytest_asyncio.fixture
async def client(environment: WorkflowEnvironment) -> Client:
    """A client of its own: its cases have real time."""
    target = environment.client.service_client.config.target_host
    return await Client.connect(target, data_converter=pydantic_data_converter)


@pytest.fixture
def queue() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def own_id() -> str:
    return uuid.uuid4().hex[:12]


@pytest.fixture
def ledger() -> Register:
    return Register()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest_asyncio.fixture
async def look(client: Client, queue: str, ledger: Register, told: Told) -> AsyncIterator[Callable[[], Any]]:
    """Look once, by a worker whose queue nobody else has."""
    looks = f"{queue}/looks"
    search = TemporalCaseSearch(client, queue)
    settings = Settings(task_queue=looks, graceful_shutdown_seconds=0.1)

    async def look_once() -> dict[str, Any]:
        result: dict[str, Any] = await client.execute_workflow("look_for_ended", id=uuid.uuid4().hex, task_queue=looks)
        return result

    async with make_worker(client, settings, Dependencies(ScriptedPlatform(), ledger, told, search=search)):
        yield look_once


@pytest_asyncio.fixture
async def cases(client: Client, queue: str) -> AsyncIterator[None]:
    """A worker for cases."""
    settings = Settings(task_queue=queue, graceful_shutdown_seconds=0.1)
    async with make_worker(client, settings, Dependencies(ScriptedPlatform(), Register(), Stage())):
        yield


async def listed(client: Client, handle: Handle, count: int = 1) -> None:
    """Wait until Temporal lists the end of a case."""

    async def there() -> bool:
        query = f"WorkflowId = '{handle.id}' AND ExecutionStatus != 'Running'"
        return len([one async for one in client.list_workflows(query)]) >= count

    await eventually("the end is listed", there)


def shown(seen: Any) -> list[str]:
    return fired(json.loads(json.dumps(seen)))


@pytest.mark.parametrize("how", EARLY_ENDS)
async def test_a_case_that_ended_early_is_found_told_once_and_revived(
    client: Client, queue: str, own_id: str, ledger: Register, told: Told, look: Callable[[], Any], how: str
) -> None:
    handle = await EARLY_ENDS[how](client, queue, own_id)
    await listed(client, handle)
    counts = [await look() for _ in range(3)]
    assert [(count["ended"], count["news"]) for count in counts] == [(1, 1), (1, 0), (1, 0)]
    known = ledger.cases[handle.id]
    assert (known.ending, known.state) == (how, None)
    ((key, notice),) = told.told.items()
    assert key == f"{handle.id}/ended/{handle.first_execution_run_id}"
    assert (notice.case_id, notice.shop_id, notice.order, notice.escalates) == (handle.id, "S1", "O1", True)
    assert notice.task
    assert notice.task.instruction == f"aftersales revive {handle.id}"

    await revive(client, handle.id)
    with pytest.raises(Refused, match="nothing to revive"):
        await revive(client, handle.id)
    again: Handle = client.get_workflow_handle(handle.id)
    settings = Settings(task_queue=queue, graceful_shutdown_seconds=0.1)
    async with make_worker(client, settings, Dependencies(ScriptedPlatform(), Register(), told)):
        assert (await again.execute_update("agree"))["state"] == ["awaiting_shipment"]
        assert shown(await again.query("view")) == ["agree"]
    counts = [await look()]
    assert (counts[0]["ended"], len(told.told)) == (0, 1)
    assert ledger.cases[handle.id].ending is None


async def test_a_revived_case_has_all_its_state_and_what_arrived_goes_on(
    client: Client, queue: str, own_id: str, cases: None
) -> None:
    handle = await opened(client, queue, own_id)
    await handle.execute_update("agree")
    await handle.signal("report", {"message_id": "m1", "rule": "sign"})
    before = await handle.query("view")
    await handle.terminate()
    await revive(client, handle.id)
    again: Handle = client.get_workflow_handle(handle.id)
    after = await again.query("view")
    assert (after["state"], shown(after)) == (before["state"], ["agree"])
    assert [message["message_id"] for message in after["ignored"]] == ["m1"]
    await again.execute_update("ship", SHIPMENT)
    assert shown(await again.query("view")) == ["agree", "ship"]


async def test_a_case_that_ended_early_a_second_time_is_told_again(
    client: Client, queue: str, own_id: str, ledger: Register, told: Told, look: Callable[[], Any]
) -> None:
    """Also if nobody told the ledger that it was revived in between."""
    handle = await terminated(client, queue, own_id)
    await listed(client, handle)
    await look()
    known = ledger.cases[handle.id]
    assert known.ended_at
    ledger.cases[handle.id] = known.model_copy(update={"ended_at": known.ended_at - timedelta(hours=1)})
    await revive(client, handle.id)
    await client.get_workflow_handle(handle.id).terminate()
    await listed(client, handle, 2)
    counts = await look()
    assert (counts["ended"], counts["news"], len(told.told)) == (1, 1, 2)


async def test_a_case_that_was_reset_or_ended_by_its_rules_is_none_that_ended_early(
    client: Client, queue: str, own_id: str, told: Told, look: Callable[[], Any], cases: None
) -> None:
    reset, closed = await opened(client, queue, own_id), await opened(client, queue, f"{own_id}c")
    await reset.query("view")
    await reset_by_hand(client, reset.id)
    await closed.execute_update("withdraw")
    await closed.result()
    await listed(client, reset)
    await listed(client, closed)
    counts = await look()
    assert (counts["ended"], told.told) == (0, {})


async def test_what_is_no_case_is_not_looked_at(
    client: Client, queue: str, own_id: str, told: Told, look: Callable[[], Any], cases: None
) -> None:
    handle = await client.start_workflow(PROCESS, {"facts": {}}, id=f"{PROCESS}/{own_id}", task_queue=queue)
    await listed(client, handle)
    assert (await look())["ended"] == 0
    assert told.told == {}


async def test_g_14_a_running_case_that_the_ledger_does_not_know_is_entered(
    client: Client, queue: str, own_id: str, ledger: Register, look: Callable[[], Any]
) -> None:
    """As after a crash between the start of a case and its entry in the ledger."""
    handles = [await opened(client, queue, f"{own_id}{number}") for number in range(3)]

    async def entered() -> bool:
        await look()
        return len(ledger.entered) == len(handles)

    await eventually("all are entered", entered)
    assert {case.case_id for case in ledger.entered} == {handle.id for handle in handles}
    assert {(case.shop_id, case.order) for case in ledger.entered} == {("S1", "O1")}
    assert (await look())["registered"] == 0


async def test_what_could_not_be_told_or_kept_is_told_by_the_next_look(
    client: Client, queue: str, own_id: str, ledger: Register, told: Told
) -> None:
    handle = await terminated(client, queue, own_id)
    await listed(client, handle)
    search, looks = TemporalCaseSearch(client, queue), f"{queue}/looks"
    settings = Settings(task_queue=looks, graceful_shutdown_seconds=0.1)
    async with make_worker(client, settings, Dependencies(ScriptedPlatform(), ledger, told, search=search)):
        schedule_id = await schedule_look_for_ended(client, looks, timedelta(seconds=2))
        told.fails = True
        try:

            async def failing() -> bool:
                return handle.id in ledger.cases

            await eventually("it has looked", failing)
            assert ledger.cases[handle.id].ending is None
            told.fails = False

            async def kept() -> bool:
                return ledger.cases[handle.id].ending == "terminated"

            await eventually("it is told", kept)
        finally:
            await client.get_schedule_handle(schedule_id).delete()
    assert list(told.told) == [f"{handle.id}/ended/{handle.first_execution_run_id}"]


async def test_only_a_case_that_ended_early_is_revived(client: Client, queue: str, own_id: str, cases: None) -> None:
    with pytest.raises(BadForm, match="no such case"):
        await revive(client, f"{PROCESS}/{own_id}")
    handle = await opened(client, queue, own_id)
    with pytest.raises(Refused, match="the case runs"):
        await revive(client, handle.id)
    await handle.execute_update("withdraw")
    await handle.result()
    with pytest.raises(Refused, match="opened before, ended"):
        await revive(client, handle.id)
    found = await find_workflow(client, handle.id)
    assert found
    assert found.status is WorkflowExecutionStatus.COMPLETED


async def test_a_ledger_that_is_away_fails_the_look_and_tells_nobody(
    client: Client, queue: str, own_id: str, ledger: Register, told: Told
) -> None:
    from activities.ended_cases import EndedCaseLook  # noqa: PLC0415
    from cases.messages import EndedLookCall  # noqa: PLC0415

    handle = await terminated(client, queue, own_id)
    await listed(client, handle)
    ledger.away = True
    look = EndedCaseLook(TemporalCaseSearch(client, queue), ledger, told)
    with pytest.raises(LedgerUnreachable):
        await look.look(EndedLookCall(since=None))
    assert told.told == {}


async def test_an_outcome_in_the_ledger_is_no_early_end(
    client: Client, queue: str, own_id: str, ledger: Register, told: Told, look: Callable[[], Any]
) -> None:
    """Its workflow was terminated after its case had ended."""
    handle = await terminated(client, queue, own_id)
    ledger.record_outcome(ended(own_id, "withdrawn", process=PROCESS))
    await listed(client, handle)
    assert (await look())["news"] == 0
    assert told.told == {}
