"""A worker's machine is three days ahead when it starts: no deadline is missed for it, and nothing is lost."""

import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

from aftersales.importing.case_files import read_cases
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.embedded_server import embedded_server
from aftersales.sandbox.running import running_sandbox, shops_of
from tests.support.places import ROOT
from tests.support.programs.durable import QUEUE, environment
from tests.support.programs.programs import free_port, worker_process
from tests.support.programs.wrong_clock import clock_ahead
from tests.support.temporal.life import eventually
from workflows.opening import start_case

AHEAD = timedelta(days=3)
CASE = ROOT / "examples/cases/douyin_reship_1_never_received.yaml"
WRONG = "this machine's clock is wrong"


async def test_a_worker_that_starts_three_days_ahead_misses_no_deadline_and_loses_no_decision(tmp_path: Path) -> None:
    port, wrong = free_port(), clock_ahead(tmp_path, AHEAD)
    settings = Settings(data_dir=tmp_path, sandbox_port=free_port(), gateway_port=free_port())
    (case,) = read_cases([CASE], settings)
    async with (
        running_sandbox(settings, shops_of([case])) as sandbox,
        embedded_server(tmp_path / "temporal.db", port, free_port()) as server,
    ):
        sandbox.announce([case])
        secrets = {"AFTERSALES_SECRETS_FILE": str(sandbox.secrets_file)}
        async with worker_process(**environment(tmp_path, port), **secrets, **wrong) as worker:
            await worker.started()
            handle = await start_case(server.client, QUEUE, *case)
            assert (await handle.execute_update("agree"))["decision"] == "being_submitted"

            async def said() -> dict[str, Any] | None:
                return next((line for line in worker.logged() if line["event"] == WRONG), None)

            line = await eventually("the log says that the clock is wrong", said)
            assert abs(timedelta(seconds=line["seconds_ahead"]) - AHEAD) < timedelta(minutes=1)
            seen = await handle.query("view")
            assert (seen["state"], seen["timeline"]) == (["awaiting_merchant"], [])
            await worker.end(signal.SIGKILL)
        async with worker_process(**environment(tmp_path, port), **secrets) as worker:
            await worker.started()

            async def taken() -> bool:
                return bool((await handle.query("view"))["state"] == ["awaiting_shipment"])

            await eventually("the decision is taken", taken)
            assert [entry["rule"] for entry in (await handle.query("view"))["timeline"]] == ["agree"]
            assert await worker.end(signal.SIGTERM) == 0
