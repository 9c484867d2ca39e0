"""How often a worker looks through the cases in its memory, in a program of its own."""

import json
import subprocess
import sys
from typing import NamedTuple

CASES_IN_MEMORY = 1_000
OPENED = 8_000
OBJECTS_OF_A_CASE = 400
PROGRAM = f"""
import asyncio, gc, json, sys
from collections import deque

from aftersales.runtime import garbage_collection
from aftersales.runtime.garbage_collection import garbage_searched_rarely


class Case:
    alive = 0

    def __init__(self):
        self.parts = [[self if lost else None] for _ in range({OBJECTS_OF_A_CASE})]
        Case.alive += 1

    def __del__(self):
        Case.alive -= 1


how, lost = sys.argv[1], sys.argv[2] == "lost"
memory, most, everything, longest = deque(maxlen={CASES_IN_MEMORY}), 0, 0, 0


def searched(phase, info):
    global everything, longest
    generation = info["generation"]
    if phase == "stop":
        everything += generation == 2
    elif generation < 2:
        longest = max(longest, sum(len(gc.get_objects(younger)) for younger in range(generation + 1)))


async def open_cases():
    global most
    for number in range({OPENED}):
        if number == {CASES_IN_MEMORY}:
            gc.callbacks.append(searched)
        memory.append(Case())
        most = max(most, Case.alive)
        if number % 50 == 0:
            await asyncio.sleep(0)
    return [[] for _ in range(1_000)]  # a few more than were freed: now Python begins a search


async def work():
    if how == "rarely":
        async with garbage_searched_rarely({CASES_IN_MEMORY}):
            await open_cases()
        assert gc.get_freeze_count() == 0
    else:
        await open_cases()


garbage_collection.SECONDS_BETWEEN_SEARCHES = 0
garbage_collection.SEARCHES_BETWEEN_COUNTS = 2
gc.collect()
asyncio.run(work())
print(json.dumps([everything, longest, most]))
"""


class Searched(NamedTuple):
    everything: int
    """How often the program searched all that it held, once its memory was full."""
    most_new: int
    """Objects that one of the other searches looked at, at most."""
    most_alive: int
    """Cases that the program held at once, at most."""


def searches(how: str, cases: str) -> Searched:
    """Open cases in a program, each of which is in the end freed or lost, as a cycle that only a search finds."""
    command = [sys.executable, "-c", PROGRAM, how, cases]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    return Searched(*json.loads(ended.stdout))


def test_a_worker_does_not_search_its_cases_while_evicted_ones_are_freed() -> None:
    found = searches("rarely", "freed")

    assert (found.everything, found.most_alive) == (0, CASES_IN_MEMORY)


def test_cases_in_memory_do_not_stay_among_the_newest_while_one_is_freed_for_each_that_is_opened() -> None:
    of_all_cases = CASES_IN_MEMORY * OBJECTS_OF_A_CASE

    assert searches("as Python does", "freed").most_new > of_all_cases // 2
    assert 0 < searches("rarely", "freed").most_new < of_all_cases // 10


def test_a_worker_finds_what_is_lost_before_it_holds_three_times_the_cases_that_it_is_to_keep() -> None:
    found = searches("rarely", "lost")

    assert 0 < found.everything <= OPENED // CASES_IN_MEMORY
    assert CASES_IN_MEMORY < found.most_alive <= CASES_IN_MEMORY * 3
    assert searches("as Python does", "lost").everything > 2 * found.everything
