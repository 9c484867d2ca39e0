"""A decision whose worker dies on the way: nobody says that it failed, it is taken once, and its answer is found."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from aftersales.runtime.temporal.embedded_server import embedded_server
from cases.messages import Opening
from tests.support.programs.programs import ROOT, free_port, worker_process
from tests.support.programs.surroundings import without_ours
from tests.support.temporal.life import eventually, facts
from workflows.opening import start_case
from workflows.registry import PROCESSES

QUEUE = "decisions"
CASE = "douyin_reship/A1"


async def command(*arguments: str, **environment: str) -> tuple[int, Any]:
    """Run a command with --json; return its exit status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aftersales.cli.main", *arguments, "--json"),
        cwd=ROOT,
        env={**without_ours(dict(os.environ)), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    return await process.wait(), json.loads(printed) if printed else None


async def test_a_decision_that_the_server_forgot_is_sent_again(tmp_path: Path) -> None:
    port, ui_port, database = free_port(), free_port(), tmp_path / "temporal.db"
    own = {
        "AFTERSALES_DATA_DIR": str(tmp_path),
        "AFTERSALES_TASK_QUEUE": QUEUE,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
    }
    async with embedded_server(database, port, ui_port) as server:
        await start_case(server.client, QUEUE, PROCESSES["douyin_reship"], Opening(facts=facts("A1")))
        status, answer = await command("act", CASE, "agree", "--patience", "2s", **own)
        assert status == 3
        server.process.kill()  # it keeps in memory alone what no worker has taken up
        await server.ended()
    async with embedded_server(database, port, ui_port), worker_process(**own) as worker:
        await worker.started()
        again = ("act", CASE, "agree", "--update-id", answer["update_id"], "--patience", "30s")
        status, found = await command(*again, **own)
        assert (status, found["state"]) == (0, ["awaiting_shipment"])
        _, seen = await command("show", CASE, **own)
        assert [entry["rule"] for entry in seen["timeline"]] == ["agree"]


@pytest.mark.parametrize("dies", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "hanging"])
async def test_a_decision_outlives_the_worker_that_should_have_taken_it(tmp_path: Path, dies: signal.Signals) -> None:
    port = free_port()
    own = {
        "AFTERSALES_DATA_DIR": str(tmp_path),
        "AFTERSALES_TASK_QUEUE": QUEUE,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
    }
    async with embedded_server(tmp_path / "temporal.db", port, free_port()) as server:
        async with worker_process(**own) as worker:
            await worker.started()
            handle = await start_case(server.client, QUEUE, PROCESSES["douyin_reship"], Opening(facts=facts("A1")))

            async def is_kept() -> bool:
                return bool((await handle.query("view"))["actions"])

            await eventually("the worker has the case", is_kept)
            worker.process.send_signal(dies)
            status, answer = await command("act", CASE, "agree", "--patience", "2s", **own)
            assert (status, answer["decision"]) == (3, "unknown")
        async with worker_process(**own) as worker:
            await worker.started()
            for _ in range(2):
                again = ("act", CASE, "agree", "--update-id", answer["update_id"], "--patience", "30s")
                status, found = await command(*again, **own)
                assert (status, found["state"]) == (0, ["awaiting_shipment"])
            _, seen = await command("show", CASE, **own)
            assert [entry["rule"] for entry in seen["timeline"]] == ["agree"]
            assert (await command("act", CASE, "agree", **own))[0] == 1
