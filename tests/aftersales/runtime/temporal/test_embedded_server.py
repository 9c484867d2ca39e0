"""The embedded server: what it needs, and what it says when it cannot start."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from temporalio.client import Client

from aftersales.runtime.temporal.embedded_server import (
    OLDEST_TEMPORAL,
    check_ports,
    check_unused,
    embedded_server,
    missing_attributes,
    register_attributes,
    silenced,
    temporal_binary,
)
from cases.errors import CaseError
from tests.support.programs.programs import free_port
from tests.support.temporal.life import eventually


def program(folder: Path, says: str) -> Path:
    """Write a program called temporal that says a version."""
    folder.mkdir(exist_ok=True)
    path = folder / "temporal"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    """The folder of our Python, and one on the PATH, with no program in them yet."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    monkeypatch.setattr(sys, "executable", str(ours / "python"))
    monkeypatch.setenv("PATH", str(theirs))
    return ours, theirs


def says(version: tuple[int, ...]) -> str:
    return f"temporal version {'.'.join(map(str, version))} (Server 1.32.0, UI 2.54.1)"


NEWER, OLDER = (OLDEST_TEMPORAL[0], OLDEST_TEMPORAL[1] + 10, 0), (OLDEST_TEMPORAL[0], OLDEST_TEMPORAL[1] - 1, 9)


def test_the_program_of_our_extra_is_new_enough() -> None:
    ours = subprocess.run([Path(sys.executable).parent / "temporal", "--version"], capture_output=True, check=True)
    major, minor, patch = ours.stdout.decode().split()[2].split(".")
    assert (int(major), int(minor), int(patch)) >= OLDEST_TEMPORAL


@pytest.mark.parametrize("version", [OLDEST_TEMPORAL, NEWER])
def test_a_program_on_the_path_is_used_if_it_is_new_enough(places: tuple[Path, Path], version: tuple[int, ...]) -> None:
    program(places[0], says(OLDEST_TEMPORAL))
    found = program(places[1], says(version))
    assert temporal_binary() == str(found)


@pytest.mark.parametrize("said", [says(OLDER), "temporal version nonsense", "another program"])
def test_else_the_one_next_to_our_python_is(places: tuple[Path, Path], said: str) -> None:
    program(places[1], said)
    ours = program(places[0], says(OLDEST_TEMPORAL))
    assert temporal_binary() == str(ours)


def test_one_that_is_too_old_and_the_only_one_is_refused_by_its_path(places: tuple[Path, Path]) -> None:
    found = program(places[1], says(OLDER))
    with pytest.raises(CaseError, match=r"older than \d+\.\d+\.\d+: .*embedded") as caught:
        temporal_binary()
    assert str(found) in str(caught.value)


def test_a_missing_program_says_what_to_install(places: tuple[Path, Path]) -> None:
    assert not list(places[0].iterdir())
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
from aftersales.runtime.temporal import embedded_server

async def run(program, database):
    embedded_server.temporal_binary = lambda: program
    async with embedded_server.embedded_server(Path(database), 1, 1):
        pass

asyncio.run(run(*sys.argv[1:]))
"""


async def test_a_server_whose_program_was_killed_keeps_its_file_from_another_one(tmp_path: Path) -> None:
    program, started, database = tmp_path / "temporal", tmp_path / "started", tmp_path / "data" / "temporal.db"
    program.write_text(f"#!/bin/sh\ntrap '' TERM\necho $$ > {started}.new; mv {started}.new {started}; exec sleep 60\n")
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
    assert [path for path in (database.parent, *database.parent.iterdir()) if path.stat().st_mode & 0o077] == []
    with pytest.raises(RuntimeError):
        await Client.connect(f"127.0.0.1:{port}")


async def test_the_server_does_not_wait_while_its_file_is_copied(tmp_path: Path) -> None:
    database, port = tmp_path / "temporal.db", free_port()
    async with embedded_server(database, port, free_port()) as server:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as copying:
            copying.execute("BEGIN")
            ((cases,),) = copying.execute("SELECT count(*) FROM executions").fetchall()
            await server.client.start_workflow("Any", id="meanwhile", task_queue="nobody")
            assert copying.execute("SELECT count(*) FROM executions").fetchall() == [(cases,)]


async def test_a_server_that_cannot_start_points_to_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "temporal"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr("aftersales.runtime.temporal.embedded_server.temporal_binary", lambda: str(broken))
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
