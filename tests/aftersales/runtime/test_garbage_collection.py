"""How often a worker looks through the cases in its memory, in a program of its own."""

import json
import subprocess
import sys

import pytest

CASES_IN_MEMORY = 2_000
OPENED = 20_000
PROGRAM = f"""
import gc, json, sys
from collections import deque

from aftersales.runtime.garbage_collection import collect_rarely


class Case:
    alive = 0

    def __init__(self):
        # As large as a case, and like one not freed before somebody looks.
        self.parts = [[self] for _ in range(400)]
        Case.alive += 1

    def __del__(self):
        Case.alive -= 1


if sys.argv[1] == "rarely":
    collect_rarely({CASES_IN_MEMORY})
looks = 0


def count(phase, info):
    global looks
    looks += phase == "stop" and info["generation"] == 2


memory, most = deque(maxlen={CASES_IN_MEMORY}), 0
for number in range({OPENED}):
    if number == {CASES_IN_MEMORY}:
        gc.callbacks.append(count)
    memory.append(Case())
    most = max(most, Case.alive)
print(json.dumps([looks, most]))
"""


def looks_and_most_alive(how: str) -> tuple[int, int]:
    """Open cases in a program; return how often it looked through all once full, and how many it held at most."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, how], check=True, capture_output=True, text=True, timeout=100)
    looks, most = json.loads(ran.stdout)
    return looks, most


@pytest.fixture(scope="module")
def rarely() -> tuple[int, int]:
    return looks_and_most_alive("rarely")


def test_a_worker_looks_through_its_cases_once_half_of_them_have_been_replaced(rarely: tuple[int, int]) -> None:
    replaced_halves = (OPENED - CASES_IN_MEMORY) // (CASES_IN_MEMORY // 2)
    assert 0 < rarely[0] <= replaced_halves
    assert looks_and_most_alive("as Python does")[0] > replaced_halves


def test_a_worker_holds_at_most_half_as_many_cases_again_as_it_is_to_keep(rarely: tuple[int, int]) -> None:
    assert CASES_IN_MEMORY < rarely[1] <= CASES_IN_MEMORY * 1.7
