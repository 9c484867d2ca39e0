"""The programs of a Double-11, each a process of its own as in production: server, worker, and the bulk opening."""

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from temporalio.client import Client

from aftersales.runtime.temporal.embedded_server import embedded_server
from benchmarks.cases import cpu_of, resident_kb, server_ports

ROOT: Final = Path(__file__).parents[2]
STARTED: Final = b"worker started"
SERVER, WORKER, DRIVER = "server", "worker", "driver"


@dataclass
class Usage:
    """The memory that the programs have taken at most so far, in MB."""

    most: dict[str, float] = field(default_factory=dict)


@dataclass
class Programs:
    """The running programs; ``client`` is the driver's own connection."""

    client: Client
    folder: Path
    environment: Mapping[str, str]
    processes: Mapping[str, int]
    usage: Usage
    commands_cpu: float = 0.0
    """CPU seconds of all commands that were run."""

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds of each program so far, and of this one."""
        return {name: cpu_of(process) for name, process in self.processes.items()} | {DRIVER: time.process_time()}

    async def open(self, export: Path, mapping: Path) -> float:
        """Open the cases of an export by ``aftersales open``, and return the seconds that it took."""
        began, before = time.monotonic(), children_cpu()
        command = "from aftersales.cli.main import main; main()"
        opening = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", command, "open", str(export), "--mapping", str(mapping), "--yes"),
            cwd=ROOT,
            env=dict(self.environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await opening.communicate()
        finally:
            if opening.returncode is None:
                opening.send_signal(signal.SIGINT)
                await opening.wait()
        if opening.returncode:
            raise SystemExit(f"aftersales open {export.name} ended with {opening.returncode}: {said.decode()[-2000:]}")
        self.commands_cpu += children_cpu() - before
        return time.monotonic() - began


def children_cpu() -> float:
    """Return the CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@asynccontextmanager
async def running(folder: Path, cached: int) -> AsyncIterator[Programs]:
    """Run server and worker until the block ends; the worker keeps ``cached`` cases in memory."""
    port, ui_port = server_ports()
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AFTERSALES_", "TEMPORAL_"))}
    environment = ours | {
        "AFTERSALES_DATA_DIR": str(folder),
        "AFTERSALES_LOG_LEVEL": "INFO",
        "AFTERSALES_MAX_CACHED_WORKFLOWS": str(cached),
        "AFTERSALES_PRETEND_PLATFORMS": "true",
        "PYTHONPATH": str(ROOT),
        "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
    }
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded_server(folder / "temporal.db", port, ui_port))
        worker = await stack.enter_async_context(_worker(environment, folder / "worker.log"))
        processes = {SERVER: server.process.pid, WORKER: worker.pid}
        usage = Usage(dict.fromkeys(processes, 0.0))
        watching = asyncio.create_task(_watch(processes, usage))
        try:
            yield Programs(server.client, folder, environment, processes, usage)
        finally:
            watching.cancel()


@asynccontextmanager
async def _worker(environment: Mapping[str, str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as file:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "worker.py"), cwd=ROOT, env=dict(environment), stdout=file, stderr=file
        )
        try:
            while STARTED not in log.read_bytes():  # noqa: ASYNC240 - once, before anything is measured
                if worker.returncode is not None:
                    raise SystemExit(f"the worker ended: {log.read_text(encoding='utf-8')[-2000:]}")  # noqa: ASYNC240
                await asyncio.sleep(0.1)
            yield worker
        finally:
            if worker.returncode is None:
                worker.terminate()
            await worker.wait()


async def _watch(processes: Mapping[str, int], usage: Usage) -> None:
    while True:
        for name, process in processes.items():
            usage.most[name] = max(usage.most[name], resident_kb(process) / 1000)
        await asyncio.sleep(1)
