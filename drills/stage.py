"""The programs of a drill, as processes of their own: a Temporal server, two workers, the gateway, the sandbox."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml
from temporalio.client import Client

from aftersales.runtime.data_folder import make_private_folder
from aftersales.runtime.secret_files import write_secret_file
from aftersales.runtime.temporal import tied_program
from aftersales.runtime.temporal.connection import connect_to
from aftersales.runtime.temporal.embedded_server import EmbeddedServer, embedded_server
from cases.errors import CaseError
from drills.platform import CONTROL, SECRETS
from drills.stories import LATE_FACTS
from tests.support.places import ROOT
from tests.support.programs.programs import free_port
from tests.support.programs.surroundings import without_ours
from workflows.registry import PROCESSES

SHOPS = ("1001", "1002")
"""The shops on Douyin, whose messages open cases."""
SHOP = "S1"
OTHERS = (SHOP, "P1", "M1")
"""The shops of all other processes, as their facts call them."""
QUEUE = "drill"
STOP_SECONDS = 20.0
PATIENCE_SECONDS = 150.0
"""How long a program may take to start: the Temporal server that it needs may be away meanwhile."""
TIED = (
    (sys.executable, "-I", "-S", tied_program.__file__, tied_program.BY_SIGNAL, str(os.getpid()))
    if sys.platform == "linux"
    else ()
)
"""What ends a program with us, however we end."""
PORTS = range(20_000, 32_000)
"""Below the ports that the system gives out, and apart from those of the tests."""
GATEWAY = "import typer; from aftersales.cli.running.servers import gateway_command; typer.run(gateway_command)"
WORKER = "import sys; from aftersales.bootstrap import main; sys.exit(main())"
WORKERS = ("worker", "newer worker")
ALL = (*WORKERS, "gateway", "sandbox", "server")
WAYS = ("kill", "stop", "restart")


def any_port() -> int:
    """Return a port that is free, another for each drill that runs."""
    return free_port(random.SystemRandom().sample(PORTS, len(PORTS)))


def surroundings(project: Path, own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a program: its build, and its own settings in place of the user's."""
    return {**without_ours(dict(os.environ)), "PYTHONPATH": str(project), **own}


class Program:
    """One program: started, killed, stopped for a while, restarted."""

    def __init__(
        self, name: str, command: Sequence[str], project: Path, environment: dict[str, str], log: Path
    ) -> None:
        self.name, self._command, self._project, self._environment, self._log = name, command, project, environment, log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it as a supervisor does, again whenever it ends, and wait until it says that it has started."""
        begun = time.monotonic()
        while not await self._starts(begun):
            if time.monotonic() - begun > PATIENCE_SECONDS:
                raise CaseError(f"{self.name} does not start (status {self.status}): see {self._log}")
            await asyncio.sleep(0.5)

    async def _starts(self, begun: float) -> bool:
        """Start it once; return False if it has ended, as a worker does that finds no Temporal server."""
        offset = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *TIED,
                *(sys.executable, *self._command),
                cwd=self._project,
                env=surroundings(self._project, self._environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only us: we end them in order
            )
        while " started" not in self._said(offset):
            if self.status is not None:
                return False
            if time.monotonic() - begun > PATIENCE_SECONDS:
                await self.end()
                return False
            await asyncio.sleep(0.1)
        return True

    def _said(self, offset: int) -> str:
        with self._log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    @property
    def status(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.returncode if self._process is not None else None

    def send(self, how: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it; one that does not end in time is killed."""
        if self._process is None:
            return
        self.send(how)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        self.send(signal.SIGKILL)
        await self._process.wait()


class TemporalServer:
    """The Temporal server, with its state in a file."""

    def __init__(self, database: Path, port: int) -> None:
        self.name, self._database, self._port, self._ui_port = "server", database, port, any_port()
        self._stack = AsyncExitStack()
        self._running: EmbeddedServer | None = None

    async def start(self) -> None:
        """Start it, again if it does not answer on a busy machine."""
        for attempt in range(3):
            try:
                running = embedded_server(self._database, self._port, self._ui_port)
                self._running = await self._stack.enter_async_context(running)
            except CaseError:
                if attempt == 2:
                    raise
            else:
                return

    @property
    def status(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._running.process.returncode if self._running is not None else None

    def send(self, how: signal.Signals) -> None:
        """Send it a signal."""
        if self._running is not None and not self._running.has_ended:
            self._running.process.send_signal(how)

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it."""
        if self._running is not None:
            self.send(how)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._running.ended(), STOP_SECONDS)
            self.send(signal.SIGKILL)
            await self._running.ended()
        await self._stack.aclose()


class Stage:
    """All programs, and what they work on."""

    def __init__(self, folder: Path, projects: Sequence[Path], seed: int) -> None:
        """Write the settings of the programs; ``projects``: the builds of the workers, the first also the gateway's."""
        self.folder, self.data = folder, folder / "data"
        make_private_folder(self.data)
        temporal, gateway, sandbox = any_port(), any_port(), any_port()
        self.temporal, self.sandbox = f"127.0.0.1:{temporal}", f"http://127.0.0.1:{sandbox}"
        self.environment = {
            "AFTERSALES_DATA_DIR": str(self.data),
            "AFTERSALES_TASK_QUEUE": QUEUE,
            "AFTERSALES_SECRETS_FILE": str(folder / SECRETS),
            "AFTERSALES_CHANNELS_FILE": str(folder / "channels.yaml"),
            "AFTERSALES_SHOPS_FILE": str(folder / "shops.yaml"),
            "AFTERSALES_GATEWAY_PORT": str(gateway),
            "TEMPORAL_ADDRESS": self.temporal,
        }
        self.project = projects[0]
        self._write_settings()
        logs = {name: folder / f"{name.replace(' ', '-')}.log" for name in ALL}
        play = ["-m", "drills.platform", str(folder), str(sandbox), f"http://127.0.0.1:{gateway}/douyin", str(seed)]
        self.programs: dict[str, Program | TemporalServer] = {
            "server": TemporalServer(self.data / "temporal.sqlite3", temporal),
            "sandbox": Program("sandbox", play, ROOT, {}, logs["sandbox"]),
            "gateway": Program("gateway", ["-c", GATEWAY], self.project, self.environment, logs["gateway"]),
            **{
                name: Program(name, ["-c", WORKER], project, self.environment, logs[name])
                for name, project in zip(WORKERS, projects, strict=True)
            },
        }
        self.down: set[str] = set()
        self.over = False
        self.client: Client

    def _write_settings(self) -> None:
        app = {"app_key": "K1", "app_secret": "first"}
        jd = {"shop_id": SHOP, "app_key": "K1", "access_token": "token"}
        douyin = [{"shop_id": shop, "app_key": "K1"} for shop in SHOPS]
        blocks = {
            "douyin": {"address": f"{self.sandbox}/douyin", "apps": [app], "shops": douyin},
            "jd": {"address": f"{self.sandbox}/jd", "apps": [app], "shops": [jd]},
            "gateway": {"status_token": "status"},
        }
        write_secret_file(self.folder / SECRETS, yaml.safe_dump(blocks))
        channel = {"type": "webhook", "name": "drill", "address": f"{self.sandbox}/notices", "secret": "of the drill"}
        own = {shop: [channel] for shop in (*SHOPS, *OTHERS)}
        write_secret_file(self.folder / "channels.yaml", yaml.safe_dump(own))
        figures = {name: {"late_facts": LATE_FACTS} for name in PROCESSES}
        shops = dict.fromkeys((*SHOPS, *OTHERS), figures)
        (self.folder / "shops.yaml").write_text(json.dumps(shops), encoding="utf-8")

    async def start(self) -> None:
        """Start everything."""
        await self.programs["server"].start()
        self.client = await connect_to(self.temporal)
        await asyncio.gather(*(program.start() for name, program in self.programs.items() if name != "server"))

    async def end(self) -> None:
        """End everything: first kill all, whatever interrupts the rest."""
        for program in self.programs.values():
            program.send(signal.SIGCONT)
            program.send(signal.SIGKILL)
        for program in self.programs.values():
            await program.end()

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run a command of ours; return its status and what it printed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aftersales.cli.main", *arguments),
            cwd=self.project,
            env=surroundings(self.project, self.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            printed, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return await process.wait(), printed.decode()

    async def revive(self) -> list[str]:
        """Start what has ended although nobody struck it; return what that was."""
        ended = [name for name, one in self.programs.items() if name not in self.down and one.status is not None]
        faults = [f"{name} ended by itself, with status {self.programs[name].status}" for name in ended]
        for name in ended:
            await self.strike(name, "restart", random.Random(0))
        return faults

    async def control(self, path: str, form: Any = None, method: str = "POST") -> httpx2.Response | None:
        """Use the sandbox's control interface; return None if it gives no answer."""
        async with httpx2.AsyncClient(timeout=10) as client:
            try:
                return await client.request(
                    method, f"{self.sandbox}/control{path}", json=form, headers={"authorization": f"Bearer {CONTROL}"}
                )
            except httpx2.HTTPError:
                return None

    async def strike(self, name: str, how: str, draw: random.Random) -> None:
        """Kill a program, stop it for a while, or restart it; afterwards it runs."""
        program = self.programs[name]
        self.down.add(name)
        try:
            if how == "stop":
                program.send(signal.SIGSTOP)
                try:
                    await asyncio.sleep(draw.uniform(2, 12))
                finally:
                    program.send(signal.SIGCONT)
            else:
                await program.end(signal.SIGKILL if how == "kill" else signal.SIGTERM)
                await asyncio.sleep(draw.uniform(0, 3))
                if not self.over:
                    await program.start()
        finally:
            self.down.discard(name)


@asynccontextmanager
async def staged(folder: Path, projects: Sequence[Path], seed: int) -> AsyncIterator[Stage]:
    """Run all programs until the block ends."""
    stage = Stage(folder, projects, seed)
    try:
        await stage.start()
        yield stage
    finally:
        stage.over = True
        ending = asyncio.create_task(stage.end())
        while not ending.done():  # also if we are asked to stop once more
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([ending])
