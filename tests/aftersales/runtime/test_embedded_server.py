"""The embedded server: what it needs, and what it says when it cannot start."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio.client import Client

from aftersales.runtime.embedded_server import (
    check_ports,
    check_unused,
    embedded_server,
    missing_attributes,
    register_attributes,
    silenced,
    temporal_binary,
)
from cases.errors import CaseError
from tests.support.life import eventually
from tests.support.programs import free_port


def test_the_program_is_installed_next_to_our_python() -> None:
    assert Path(temporal_binary()).parent == Path(sys.executable).parent


def test_or_somewhere_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "temporal"
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert temporal_binary() == str(program)


def test_a_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(CaseError) as caught:
        temporal_binary()
    assert '"temporal" is missing' in str(caught.value)
    assert "embedded" in str(caught.value)


@pytest.mark.parametrize("listens_on", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - for the length of a test
def test_a_taken_port_names_its_setting(listens_on: str) -> None:
    with socket.create_server((listens_on, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CaseError, match=f"^port {port} is taken: set AFTERSALES_PORT "):
            check_ports(port, free_port())
        with pytest.raises(CaseError, match=f"^port {port} is taken: set AFTERSALES_UI_PORT "):
            check_ports(free_port(), port)


def test_one_port_does_not_serve_for_both() -> None:
    port = free_port()
    with pytest.raises(CaseError, match="AFTERSALES_UI_PORT: must differ"):
        check_ports(port, port)


KILLED = """
import asyncio, sys
from pathlib import Path
from aftersales.runtime import embedded_server

async def run(program, database):
    embedded_server.temporal_binary = lambda: program
    async with embedded_server.embedded_server(Path(database), 1, 1):
        pass

asyncio.run(run(*sys.argv[1:]))
"""


async def test_a_server_whose_program_was_killed_keeps_its_file_from_another_one(tmp_path: Path) -> None:
    program, started, database = tmp_path / "temporal", tmp_path / "started", tmp_path / "data" / "temporal.db"
    program.write_text(f"#!/bin/sh\necho $$ > {started}.new; mv {started}.new {started}; exec sleep 60\n")
    program.chmod(0o755)
    check_unused(database)
    up = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(program), str(database))
    lock = database.with_name("temporal.db.lock")

    async def runs() -> bool:
        return started.exists() and lock.read_text() != ""

    await eventually("the server runs", runs)
    up.kill()
    await up.wait()
    server = int(started.read_text())
    try:
        with pytest.raises(CaseError, match=f"{database}: another Temporal server uses it.*stop process {server}$"):
            check_unused(database)
        with pytest.raises(CaseError, match="another Temporal server"):
            async with embedded_server(database, free_port(), free_port()):
                pass
    finally:
        os.kill(server, signal.SIGKILL)

    async def is_free() -> bool:
        with contextlib.suppress(CaseError):
            check_unused(database)
            return True
        return False

    await eventually("the file is free again", is_free)


async def test_the_server_knows_our_attributes_and_keeps_its_state_in_a_file(tmp_path: Path) -> None:
    database, port = tmp_path / "data" / "temporal.db", free_port()
    async with embedded_server(database, port, free_port()) as server:
        assert await missing_attributes(server.client) == []
        assert await register_attributes(server.client) == []
    assert await server.ended() is not None
    assert database.stat().st_size > 0
    with pytest.raises(RuntimeError):
        await Client.connect(f"127.0.0.1:{port}")


async def test_a_server_that_cannot_start_points_to_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "temporal"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr("aftersales.runtime.embedded_server.temporal_binary", lambda: str(broken))
    with pytest.raises(CaseError, match="ended with status 3: see ") as caught:
        async with embedded_server(tmp_path / "temporal.db", free_port(), free_port()):
            pytest.fail("it cannot have started")
    log = Path(str(caught.value).partition("see ")[2])
    assert await asyncio.to_thread(log.read_text) == "it is broken\n"


def test_child_processes_write_nothing_on_our_standard_output_and_error(capfd: pytest.CaptureFixture[str]) -> None:
    chatty = [sys.executable, "-c", "import sys; print('banner'); print('service failures', file=sys.stderr)"]
    with silenced():
        subprocess.run(chatty, check=True)
    subprocess.run(chatty, check=True)
    assert capfd.readouterr() == ("banner\n", "service failures\n")
