"""The disk of a worker's data folder is full, or fails, in the middle of a case: nothing is lost or done twice."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from aftersales.ledger.store import SqlLedger
from aftersales.platforms.journal import Journal
from aftersales.runtime.temporal.embedded_server import embedded_server
from tests.support.programs.durable import Handle, environment, opened
from tests.support.programs.programs import WorkerProcess, free_port, worker_process
from tests.support.programs.small_disk import FailingDisk, FillableDisk, failing_disk, fillable_disk
from tests.support.temporal.life import eventually

Disk = FillableDisk | FailingDisk
JOURNAL, PAGE = "platform.jsonl", 4096
OWN_IDS = [f"case{number}" for number in range(3)]


async def seen(handle: Handle, what: str, holds: Callable[[dict[str, Any]], bool]) -> None:
    async def look() -> bool:
        return holds(await handle.query("view"))

    await eventually(f"{handle.id}: {what}", look)


def use_up_its_page(path: Path) -> None:
    """Add a line that is no row to a file, so that it ends where its last page of the disk does."""
    with path.open("ab") as file:
        file.write(b"x" * (PAGE - 1 - file.tell() % PAGE) + b"\n")


async def being_submitted(handles: list[Handle]) -> list[Handle]:
    """Agree in the cases, and return them: the disk holds every decision up."""
    answers = await asyncio.gather(*(handle.execute_update("agree") for handle in handles))
    assert [answer["decision"] for answer in answers] == ["being_submitted"] * len(handles)
    return handles


async def agreed(handle: Handle) -> None:
    """Wait until a decision that was being submitted has been taken."""
    await seen(handle, "the decision is taken", lambda view: view["state"] == ["awaiting_shipment"])


async def end(handles: list[Handle], worker: WorkerProcess) -> None:
    for handle in handles:
        await agreed(handle)
        await handle.execute_update("ship", {"carrier": "SF", "tracking_no": "SF1"})
        await handle.signal("report", {"message_id": "m1", "rule": "sign"})
        assert (await handle.result())["state"] == ["completed"]
    assert await worker.end(signal.SIGTERM) == 0


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mounted", [fillable_disk, failing_disk], ids=["full", "read-only"])
async def test_a_spoilt_disk_under_a_worker_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, mounted: Callable[[Path], AbstractContextManager[Disk]]
) -> None:
    port = free_port()
    with mounted(tmp_path / "data") as disk:
        async with embedded_server(tmp_path / "temporal.db", port, free_port()) as server:
            async with worker_process(**environment(disk.folder, port)) as worker:
                await worker.started()
                handles = [await opened(server.client, own_id, {}) for own_id in OWN_IDS]
                assert (await handles[0].execute_update("agree"))["decision"] == "taken"
                use_up_its_page(disk.folder / JOURNAL)
                disk.spoil()
                waiting = await being_submitted(handles[1:])
                for handle in waiting:
                    await seen(handle, "its state is the same", lambda view: view["state"] == ["awaiting_merchant"])
                assert worker.process.returncode is None
                if isinstance(disk, FillableDisk):
                    disk.mend()
                    await end(handles, worker)
                else:
                    await worker.end(signal.SIGKILL)
            if isinstance(disk, FailingDisk):
                disk.mend()
                async with worker_process(**environment(disk.folder, port)) as worker:
                    await worker.started()
                    await end(handles, worker)
        done = sorted(key.rpartition("/")[0] for key in Journal(disk.folder / JOURNAL).rows)
        effects = ("agree_on_platform", "push_tracking_number")
        assert done == sorted(f"{handle.id}/{effect}" for handle in handles for effect in effects)
        with SqlLedger(disk.folder / "ledger.sqlite3") as ledger:
            assert ledger.unended() == []
