"""Measure what the replay of a case is spent on: ``python -m benchmarks.replay_shares``.

The recorded histories are replayed by one thread under Python's profiler, which counts CPU time and adds its own to
every call of a Python function: shares of code that calls much are a little too large.  What is written in C counts
for the function that calls it.  The event loop's own thread, which only waits, and the SDK's core are not counted.
"""

import argparse
import asyncio
import cProfile
import pstats
import statistics
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from aftersales.runtime.telemetry.logs import configure_logs
from workflows.replay.replayer import case_replayer, recorded
from workflows.worker_options import CaseRunner

ROUNDS = 5
ROOT = Path(__file__).resolve().parents[1]
HISTORIES = ROOT / "tests" / "histories"
PARTS: Mapping[str, tuple[str, ...]] = {
    "the SDK: activations, payloads, protocol buffers": ("temporalio", "google"),
    "pydantic": ("pydantic", "pydantic_core"),
    "the statechart library": ("statemachine",),
    "charts and what their rules do": ("statecharts", "cases", "workflows/engine/fired_rules"),
    "inputs, kept and judged in their order (G-11)": tuple(
        f"workflows/engine/{name}" for name in ("arrivals", "inputs", "course", "reports", "decisions", "state")
    ),
    "the loop that compares what a case needs with what runs": tuple(
        f"workflows/engine/{name}"
        for name in ("activity_calls", "background_tasks", "case_workflow", "machine", "notifications", "situation")
    ),
    "the rest of the engine": ("workflows",),
}
"""The parts of a replay, by the beginnings of modules; a module belongs to the first that fits."""
OTHERS = "Python's library and the rest"
LIBRARIES = [f"{sysconfig.get_path('purelib')}/", f"{ROOT}/"]

Function = tuple[str, int, str]


def part_of(function: Function) -> str:
    """Return the part to which a function belongs."""
    file = function[0]
    for folder in LIBRARIES:
        if file.startswith(folder):
            name = file.removeprefix(folder).removesuffix(".py")
            return next((part for part, starts in PARTS.items() if name.startswith(starts)), OTHERS)
    return OTHERS


def spent(profile: cProfile.Profile) -> Iterator[tuple[str, float]]:
    """Yield the parts and seconds of all functions; those of functions in C for each that called them."""
    stats: dict[Function, tuple[Any, ...]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for function, (_, _, own, _, callers) in stats.items():
        if function[0] == "~" and callers:
            yield from ((part_of(caller), figures[2]) for caller, figures in callers.items())
        else:
            yield part_of(function), own


async def replay_all(histories: list[WorkflowHistory], thread: ThreadPoolExecutor) -> None:
    """Replay histories, one after the other."""
    replayer = case_replayer(CaseRunner(), workflow_task_executor=thread)
    for history in histories:
        await replayer.replay_workflow(history)


async def shares(histories: list[WorkflowHistory]) -> dict[str, float]:
    """Return the share of every part of a replay."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        await replay_all(histories, thread)
        profile = cProfile.Profile(time.thread_time)
        thread.submit(profile.enable).result()
        await replay_all(histories, thread)
        thread.submit(profile.disable).result()
    found: Counter[str] = Counter()
    for part, seconds in spent(profile):
        found[part] += seconds
    return {part: found[part] / found.total() for part in (*PARTS, OTHERS)}


async def main() -> None:
    """Measure and print: the median of every share, with the least and the most."""
    configure_logs("ERROR", "json")
    histories = [recorded(path) for path in sorted(HISTORIES.glob("*.json"))]
    found = [await shares(histories) for _ in range(ROUNDS)]
    print(f"| of {len(histories)} histories | share |\n|---|---|")
    for part in found[0]:
        each = [one[part] for one in found]
        print(f"| {part} | {statistics.median(each):.0%} ({min(each):.0%}-{max(each):.0%}) |")
    print(f"{ROUNDS} rounds")


if __name__ == "__main__":
    argparse.ArgumentParser(description="Measure what the replay of a case is spent on.").parse_args()
    asyncio.run(main())
