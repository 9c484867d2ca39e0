"""Ctrl-C ends a measurement with one line, however a call that is cancelled ends."""

import signal
import subprocess
import sys

import pytest

from tests.support.places import ROOT

PROGRAM = """
import asyncio
from benchmarks.cases import run_until_stopped

async def call(translated):
    print("measuring", flush=True)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError as cancelled:
        if not translated:
            raise
        raise RuntimeError("as a call to Temporal that is cancelled") from cancelled

async def measure():
    async with asyncio.TaskGroup() as group:
        group.create_task(call({translated}))

run_until_stopped(measure())
"""


@pytest.mark.parametrize("translated", [False, True])
def test_a_measurement_that_is_stopped_says_so_in_one_line(translated: bool) -> None:  # noqa: FBT001
    command = [sys.executable, "-c", PROGRAM.format(translated=translated)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout
        assert program.stdout.readline() == "measuring\n"
        program.send_signal(signal.SIGINT)
        _, said = program.communicate()
    assert (program.returncode, said) == (1, "stopped: nothing was written\n")


def test_a_measurement_that_fails_says_why() -> None:
    failing = PROGRAM.format(translated=False).replace("await asyncio.Event().wait()", "raise OSError('no disk')")
    done = subprocess.run([sys.executable, "-c", failing], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "OSError: no disk" in done.stderr
    assert done.returncode == 1
