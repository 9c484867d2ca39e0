"""Our programs as processes of their own."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.patience import PATIENCE_SECONDS
from tests.support.places import ROOT
from tests.support.programs.surroundings import without_ours

STARTED = "worker started"


WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS = itertools.cycle(range(12_000 + WORKER * 2_000, 14_000 + WORKER * 2_000))
"""Ports of this test process alone, below the system's ephemeral ports."""


def free_port(ports: Iterable[int] = PORTS) -> int:
    """Return the first of some ports that is free; by default, none that another test process hands out."""
    for port in ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


class WorkerProcess:
    """``python worker.py``, and the lines of its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.lines = process, list[str]()
        self._reading = asyncio.create_task(self._read())
        self._started = asyncio.Event()

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.lines.append(line.decode())
            if STARTED in self.lines[-1]:
                self._started.set()
        self._started.set()

    async def started(self) -> None:
        await asyncio.wait_for(self._started.wait(), PATIENCE_SECONDS)
        assert self.process.returncode is None, self.lines

    async def ended(self) -> int:
        """Return the exit status once the whole log has been read."""
        await asyncio.wait_for(self._reading, PATIENCE_SECONDS)
        return await self.process.wait()

    async def end(self, how: signal.Signals) -> int:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        return await self.ended()

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


async def run_python(project: Path, *arguments: str) -> None:
    """Run Python in a project's folder, with the packages there; fail with what it printed if it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        cwd=project,
        env={**without_ours(dict(os.environ)), "PYTHONPATH": str(project)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()


@asynccontextmanager
async def worker_process(project: Path = ROOT, **environment: str) -> AsyncIterator[WorkerProcess]:
    """Run a project's worker with these variables in its environment; kill it when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "worker.py"),
        cwd=project,
        env={
            **without_ours(dict(os.environ)),
            "AFTERSALES_PRETEND_PLATFORMS": "true",
            "PYTHONPATH": str(project),
            **environment,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    worker = WorkerProcess(process)
    try:
        yield worker
    finally:
        await worker.end(signal.SIGKILL)
