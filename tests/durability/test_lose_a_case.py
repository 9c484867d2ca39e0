"""The short form of the drill that tries to lose a case; the whole runs in ``make drill`` after these tests."""

import pytest

from tests.support.places import ROOT
from tests.support.programs.programs import run_python

SHORT = ("--cases", "60", "--events", "15", "--minutes", "1.5", "--seed", "2")
SECONDS = 900


@pytest.mark.timeout(SECONDS)
async def test_no_case_is_lost_while_everything_is_killed() -> None:
    await run_python(ROOT, "-m", "drills.chaos", *SHORT)
