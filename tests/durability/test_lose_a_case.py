"""The short form of the drill that tries to lose a case; the whole runs in ``make drill`` after these tests."""

import asyncio
import os
import sys

import pytest

from tests.support.places import ROOT
from tests.support.surroundings import without_ours

SHORT = ("--cases", "60", "--events", "15", "--minutes", "1.5", "--seed", "2")
SECONDS = 900


@pytest.mark.timeout(SECONDS)
async def test_no_case_is_lost_while_everything_is_killed() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drills.chaos", *SHORT),
        cwd=ROOT,
        env={**without_ours(dict(os.environ)), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
