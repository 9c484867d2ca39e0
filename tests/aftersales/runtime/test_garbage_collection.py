"""How often a worker looks through the cases in its memory, in a program of its own."""

import json
import subprocess
import sys

CASES_IN_MEMORY = 1_000
OPENED = 8_000
PROGRAM = f"""
import gc, json, sys
from collections import deque

from aftersales.runtime.garbage_collection import collect_rarely


class Case:
    alive = 0

    def __init__(self):
        self.parts = [[self if lost else None] for _ in range(400)]
        Case.alive += 1

    def __del__(self):
        Case.alive -= 1


lost = sys.argv[2] == "lost"
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


def looks_and_most_alive(how: str, cases: str) -> tuple[int, int]:
    """Open cases in a program, each of which is in the end freed or lost, as a cycle that only a look finds.

    Return how often the program looked through all it held once its memory was full, and how many it held at most.
    """
    command = [sys.executable, "-c", PROGRAM, how, cases]
    looks, most = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout)
    return looks, most


def test_a_worker_does_not_look_through_its_cases_while_evicted_ones_are_freed() -> None:
    assert looks_and_most_alive("rarely", "freed") == (0, CASES_IN_MEMORY)


def test_a_worker_finds_what_is_lost_before_it_holds_three_times_the_cases_that_it_is_to_keep() -> None:
    looks, most = looks_and_most_alive("rarely", "lost")

    assert 0 < looks <= OPENED // CASES_IN_MEMORY
    assert CASES_IN_MEMORY < most <= CASES_IN_MEMORY * 3
    assert looks_and_most_alive("as Python does", "lost")[0] > 2 * looks
