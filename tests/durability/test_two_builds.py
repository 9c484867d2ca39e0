"""Two builds of the worker on one server: a case waits for a build that can read it, and none is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest_asyncio
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from aftersales.runtime.temporal.embedded_server import embedded_server
from tests.support.patience import PATIENCE_SECONDS
from tests.support.places import ROOT
from tests.support.programs.newer_build import OPEN, newer_build
from tests.support.programs.programs import WorkerProcess, free_port, run_python, worker_process
from tests.support.temporal.life import eventually, facts

QUEUE = "builds"
"""A workflow task that fails again and again is tried after longer and longer pauses."""
FAILED_TASK = "Workflow Task in failed state"
PROCESS = "douyin_reship"
Handle = WorkflowHandle[Any, Any]


class Builds:
    """The older build (this project), the newer one (a copy), and the server of both."""

    def __init__(self, client: Client, newer: Path, data: Path) -> None:
        self.client, self.newer, self.data = client, newer, data
        self.address = client.service_client.config.target_host

    def worker(self, project: Path) -> AbstractAsyncContextManager[WorkerProcess]:
        return worker_process(
            project,
            AFTERSALES_DATA_DIR=str(self.data),
            AFTERSALES_TASK_QUEUE=QUEUE,
            TEMPORAL_ADDRESS=self.address,
        )

    async def open(self, project: Path, *own_ids: str, **policy: str) -> list[Handle]:
        """Open cases with a build's own client."""
        openings = [[facts(own_id), policy] for own_id in own_ids]
        await run_python(project, "-c", OPEN, json.dumps([self.address, QUEUE, openings]))
        return [self.client.get_workflow_handle(f"{PROCESS}/{own_id}") for own_id in own_ids]

    async def open_bare(self, own_id: str) -> Handle:
        """Open a case as people type it: its first run writes a record, with its state, for the second."""
        return await self.client.start_workflow(
            PROCESS, {"facts": facts(own_id)}, id=f"{PROCESS}/{own_id}", task_queue=QUEUE
        )


@pytest_asyncio.fixture
async def builds(tmp_path: Path) -> AsyncIterator[Builds]:
    newer = await newer_build(tmp_path / "newer")
    async with embedded_server(tmp_path / "temporal.sqlite3", free_port(), free_port()) as server:
        yield Builds(server.client, newer, tmp_path / "data")


async def waits(handle: Handle, name: str) -> None:
    """Check that the case waits, with a failed workflow task that names what could not be read."""
    running = handle._client.get_workflow_handle(handle.id)

    async def failed_task() -> bool:
        events = (await running.fetch_history()).events
        return any(name in event.workflow_task_failed_event_attributes.failure.message for event in events)

    await eventually(f"{handle.id} waits", failed_task)
    assert (await running.describe()).status is WorkflowExecutionStatus.RUNNING


async def is_agreed(handle: Handle) -> dict[str, Any]:
    """Agree to a case, and check that the platform was told."""
    running = handle._client.get_workflow_handle(handle.id)
    assert (await decided(running, "agree"))["state"] == ["awaiting_shipment"]
    return await performed(running)


async def decided(handle: Handle, rule: str, *form: Any) -> Any:
    """Take a decision as soon as a worker can read the case; until then the server refuses it."""

    async def attempt() -> Any:
        try:
            return await handle.execute_update(rule, args=list(form))
        except RPCError as refused:
            if FAILED_TASK not in refused.message:
                raise
            return None

    return await eventually(f"{handle.id}: {rule}", attempt)


async def performed(handle: Handle) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        seen: dict[str, Any] = await handle.query("view")
        return seen if seen["effects"] and all(step["status"] == "done" for step in seen["effects"]) else None

    return await eventually(f"{handle.id}: performed", look)  # type: ignore[no-any-return]


async def test_a_case_opened_by_a_newer_client_waits_for_a_newer_worker(builds: Builds) -> None:
    async with builds.worker(ROOT) as older:
        await older.started()
        handles = await builds.open(builds.newer, "A1", patience="2h")
        for handle in handles:
            await waits(handle, "channel: 没有这个字段")
        async with builds.worker(builds.newer) as newer:  # beside the older one
            await newer.started()
            for handle in handles:
                seen = await is_agreed(handle)
                assert seen["policy"]["patience"]["value"] == "2h"


async def test_what_a_newer_worker_has_carried_over_waits_after_a_rollback_and_loses_nothing(builds: Builds) -> None:
    async with builds.worker(builds.newer) as newer:
        await newer.started()
        handle = await builds.open_bare("A1")
        await is_agreed(handle)
    async with builds.worker(ROOT) as older:
        await older.started()
        running = builds.client.get_workflow_handle(handle.id)
        await running.signal("report", {"message_id": "m1", "rule": "withdraw"})
        await waits(handle, "channel: 没有这个字段")
    async with builds.worker(builds.newer) as newer:
        await newer.started()
        assert (await asyncio.wait_for(running.result(), PATIENCE_SECONDS))["state"] == ["withdrawn"]
        assert [entry["rule"] for entry in (await running.query("view"))["timeline"]] == ["agree", "withdraw"]


async def test_a_newer_worker_and_after_a_rollback_an_older_one_go_on_with_the_cases_of_the_older(
    builds: Builds,
) -> None:
    async with builds.worker(ROOT) as older:
        await older.started()
        (opened,), bare = await builds.open(ROOT, "A1", shipping="40h"), await builds.open_bare("A2")
        for handle in (opened, bare):
            await eventually("open", lambda handle=handle: builds.client.get_workflow_handle(handle.id).query("view"))
    async with builds.worker(builds.newer) as newer:
        await newer.started()
        for handle, shipping in ((opened, "40h"), (bare, "48h")):
            seen = await is_agreed(handle)
            figures = {name: seen["policy"][name]["value"] for name in ("shipping", "patience")}
            assert figures == {"shipping": shipping, "patience": "1h"}, "the first edition that has it"
    async with builds.worker(ROOT) as older:
        await older.started()
        for handle in (opened, bare):
            running = builds.client.get_workflow_handle(handle.id)
            shipped = await decided(running, "ship", {"carrier": "SF", "tracking_no": "SF1"})
            assert shipped["state"] == ["in_transit"]
            await performed(running)
            assert "patience" not in (await running.query("view"))["policy"]


async def test_both_builds_beside_each_other_end_every_case_of_both_clients(builds: Builds) -> None:
    async with builds.worker(ROOT) as older, builds.worker(builds.newer) as newer:
        await older.started()
        await newer.started()
        handles = [
            *await builds.open(builds.newer, *(f"N{number}" for number in range(4)), patience="2h"),
            *await builds.open(ROOT, *(f"O{number}" for number in range(4))),
        ]
        for handle in handles:
            await is_agreed(handle)
        statuses = {(await handle.describe()).status for handle in handles}
        assert statuses == {WorkflowExecutionStatus.RUNNING}
