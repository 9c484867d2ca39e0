"""The embedded server ends with the program that started it, even a killed one; then its database is free."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from aftersales.runtime.temporal.embedded_server import check_unused
from aftersales.runtime.temporal.tied_program import BY_SIGNAL, BY_WATCHDOG
from cases.errors import CaseError
from tests.support.programs.embedded import Embedded, settings_of
from tests.support.programs.programs import ROOT, free_port
from tests.support.programs.surroundings import without_ours
from tests.support.temporal.life import eventually

WAYS = [BY_WATCHDOG, *([BY_SIGNAL] if sys.platform == "linux" else [])]


async def is_free(database: Path) -> bool:
    """Return whether no server uses the database."""
    try:
        check_unused(database)
    except CaseError:
        return False
    return True


@pytest.mark.parametrize("how", WAYS)
async def test_the_server_ends_with_a_program_that_is_killed(tmp_path: Path, how: str) -> None:
    database = tmp_path / "temporal.db"
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.programs.server_program"),
        *(str(database), str(free_port()), str(free_port()), how),
        cwd=ROOT,
        env=without_ours(dict(os.environ)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout
    server = int(await program.stdout.readline())
    try:
        assert not await is_free(database)
        program.kill()
        await program.wait()
        await eventually("no server uses the database", lambda: is_free(database))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)


async def test_up_that_is_killed_leaves_no_server_and_the_next_one_goes_on(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "data")
    first = await asyncio.to_thread(Embedded(settings).ready)
    os.kill(first.process.pid, signal.SIGKILL)
    assert await asyncio.to_thread(first.end) == -signal.SIGKILL
    await eventually("no server uses the database", lambda: is_free(tmp_path / "data" / "temporal.db"))
    again = await asyncio.to_thread(Embedded(settings).ready)
    assert await asyncio.to_thread(again.interrupt) == 0
