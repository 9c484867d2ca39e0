"""An operator's office: a server with its Web UI, a worker, and the sample cases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.importing.batch import open_cases
from aftersales.importing.case_files import read_cases
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.embedded_server import embedded_server
from tests.support.programs.programs import ROOT, free_port
from tests.support.records.register import Register
from tests.support.rules.stage import Stage
from tests.support.temporal.life import eventually

SAMPLES = sorted((ROOT / "examples" / "cases").iterdir())
RESHIPS = tuple(f"douyin_reship/730100000000000000{number}" for number in (1, 2, 3))
CARD = "jd_delay_card/281234567890"


@dataclass(frozen=True)
class Office:
    """A client, and the addresses of server and Web UI."""

    client: Client
    address: str
    ui: str


@asynccontextmanager
async def open_office(folder: Path) -> AsyncIterator[Office]:
    """Run server and worker, with every sample case open and listed, until the block ends."""
    port, ui_port, stage = free_port(), free_port(), Stage()
    settings = Settings(task_queue="office", data_dir=folder, graceful_shutdown_seconds=0.1)
    async with (
        embedded_server(folder / "temporal.db", port, ui_port) as server,
        make_worker(server.client, settings, Dependencies(stage, stage, stage)),
    ):
        await open_cases(server.client, settings.task_queue, Register(), read_cases(SAMPLES, settings))

        async def listed() -> bool:
            return (await server.client.count_workflows()).count == len(SAMPLES)

        await eventually("every case is listed", listed)  # the Web UI looks only once
        yield Office(server.client, f"127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}")
