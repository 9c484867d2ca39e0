"""Check the core against its promises in everything that can happen to a case: ``python -m proofs.model_check``.

Every process is opened as its samples say, and all interleavings of decisions, clocks and messages, each also told late
and twice, are followed to a depth (``proofs/model/``).

``rules`` are those that fired, of all that a case may fire.  Counts are exact, times are CPU times.  The exit status is
1 if a promise is broken: the way to it is printed, one step a line.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from proofs.model.search import Searched, search
from tests.support.processes.splits import split_facts
from tests.support.rules.telling import OPENINGS
from workflows.registry import PROCESSES

DEPTH, DEPTH_OF_ORDERS = 3, 2
"""Cases about several orders have many more ways to go on."""
PULSE_SECONDS = 20
COLUMNS = "{:<22} {:>7} {:>6} {:>7} {:>8} {:>12} {:>15} {:>7} {:>8}"
HEADERS = ("process", "opening", "depth", "rules", "states", "transitions", "configurations", "ended", "CPU s")


def openings(process: str) -> list[dict[str, Any]]:
    """Return the facts with which cases of a process are opened; those about orders have up to three."""
    samples = OPENINGS[process]
    return [*samples, split_facts(3, "A1")] if PROCESSES[process].order_chart else samples


def check(process: str, number: int, depth: int) -> Searched:
    """Search one opening of a process."""
    return search(PROCESSES[process], openings(process)[number], depth, opening=number)


def line(seen: Searched) -> str:
    """Return what was searched as a line of the table."""
    rules = PROCESSES[seen.process].rules.values()
    fired = f"{len(seen.fired)}/{sum(not rule.forbidden for rule in rules)}"
    figures = (seen.states, seen.transitions, seen.configurations, seen.ended, f"{seen.seconds:.1f}")
    return COLUMNS.format(seen.process, seen.opening, seen.depth, fired, *figures)


def checked(tasks: list[tuple[str, int, int]], workers: int) -> Iterator[Searched]:
    """Yield what was searched, as it gets ready; say now and then what is still to come."""
    with ProcessPoolExecutor(workers) as pool:
        todo: set[Future[Searched]] = {pool.submit(check, *task) for task in tasks}
        try:
            while todo:
                done, todo = wait(todo, PULSE_SECONDS, FIRST_COMPLETED)
                if not done:
                    print(f"... {len(todo)} of {len(tasks)} to come", file=sys.stderr, flush=True)
                yield from (one.result() for one in done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def main(arguments: list[str] | None = None) -> int:
    """Search, and print a line for every opening, then the ways to what is broken."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m proofs.model_check", description=description)
    parser.add_argument("--process", action="append", choices=list(PROCESSES), help="only this one; may be repeated")
    parser.add_argument(
        "--depth", type=depth_of, help=f"events in a row (default {DEPTH}; of several orders {DEPTH_OF_ORDERS})"
    )
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 2), help="processes (default 2)")
    asked = parser.parse_args(arguments)
    tasks = [
        (process, number, asked.depth or (DEPTH_OF_ORDERS if PROCESSES[process].order_chart else DEPTH))
        for process in asked.process or PROCESSES
        for number in range(len(openings(process)))
    ]
    print(COLUMNS.format(*HEADERS), flush=True)
    findings = []
    try:
        for seen in checked(tasks, asked.workers):
            print(line(seen), flush=True)
            findings += [f"{seen.process}, opening {seen.opening}: {finding}" for finding in seen.findings]
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    for finding in findings:
        print(f"BROKEN {finding}")
    print(f"{len(findings)} broken" if findings else "every promise holds, to that depth")
    return 1 if findings else 0


def depth_of(text: str) -> int:
    """Read a depth; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
