"""Measure how long commands take, from their start to their end: ``python -m benchmarks.commands``.

They are programs of their own, as in a terminal, beside an embedded server with open cases, their worker, and a ledger
with a month of cases.  The commands take turns; ``act`` decides another case each time.  Printed is the table of
``docs/benchmarks.md``: the median with the middle half and the worst, the CPU time of the command alone, and whether
the median keeps what is promised.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from aftersales.bootstrap import default_dependencies, make_worker
from aftersales.ledger.month_report import this_month
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.settings import Settings
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.embedded_server import embedded_server
from benchmarks.cases import RESHIP, facts, run_until_stopped, server_ports
from cases.ledger import CaseOutcome, CaseRecord, DecisionRecord, LedgerEntry
from cases.messages import Opening
from workflows.opening import start_case

PROGRAM = (sys.executable, "-m", "aftersales.cli.main")
ENTERED = 1000
"""Cases of the month in the ledger."""
WITHOUT_SERVER, DECIDING = 0.5, 1.0
"""What is promised, in seconds: of a command that asks no server, and of ``act``."""
PROMISED = {
    "--help": WITHOUT_SERVER,
    "rulebook": WITHOUT_SERVER,
    "month": WITHOUT_SERVER,
    "list": None,
    "show": None,
    "act": DECIDING,
}


class Took(NamedTuple):
    """The seconds of a command: by the clock, and of a processor."""

    wall: float
    cpu: float


def commands(number: int) -> dict[str, tuple[str, ...]]:
    """Return the commands of a round."""
    case = f"{RESHIP.name}/C{number}"
    return {
        "--help": ("--help",),
        "rulebook": ("rulebook", RESHIP.name),
        "month": ("month",),
        "list": ("list",),
        "show": ("show", case),
        "act": ("act", case, "agree"),
    }


def entered(number: int, now: datetime) -> Iterator[CaseRecord]:
    """Yield the records of cases that ended in the month, of which each has lost something."""
    for at in range(number):
        case = {"case_id": f"claim_1688/L{at}", "process": "claim_1688", "shop_id": f"S{at % 10}"}
        loss = LedgerEntry(
            key=f"claim_1688/L{at}/CL-3/O{at}",
            case_id=case["case_id"],
            shop_id=case["shop_id"],
            clause="CL-3",
            at=now,
            amount=Decimal("9.90"),
        )
        outcome = CaseOutcome(
            **case,
            order=f"O{at}",
            opened_at=now - timedelta(days=2),
            closed_at=now,
            state="established",
            state_label="系统判定成立",
            decided_by="clock",
            decided_before_deadline=bool(at % 10),
            clocks_run_out=1,
            lost=loss.amount,
        )
        decision = DecisionRecord(key="1", rule="appeal", at=now, party="merchant", actor="wang", way="desk")
        yield CaseRecord(
            **case,
            order=f"O{at}",
            as_of=now,
            opened_at=outcome.opened_at,
            entries=(loss,),
            decisions=(decision,),
            outcome=outcome,
        )


def took(arguments: tuple[str, ...], surroundings: dict[str, str]) -> Took:
    """Run a command to its end; raises SystemExit if it fails."""
    began = time.perf_counter()
    program = subprocess.Popen(  # noqa: S603 - ours  # nosec
        [*PROGRAM, *arguments], env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert program.stderr  # noqa: S101 - a pipe
    said = program.stderr.read()
    _, status, used = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed: {said.decode()}")
    return Took(time.perf_counter() - began, used.ru_utime + used.ru_stime)


async def measure(rounds: int, folder: Path) -> dict[str, list[Took]]:
    """Return how long each command took in every round; the first round only warms up what all need."""
    port, ui_port = server_ports()
    settings = Settings(data_dir=folder, pretend_platforms=True)
    now = datetime.now(UTC).replace(microsecond=0)
    found: dict[str, list[Took]] = defaultdict(list)
    surroundings = {
        name: value for name, value in os.environ.items() if not name.startswith(("AFTERSALES", "TEMPORAL", "PYTHON"))
    }
    surroundings |= {
        "AFTERSALES_DATA_DIR": str(folder),
        "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }
    async with embedded_server(folder / "temporal.db", port, ui_port) as server:
        with default_dependencies(settings) as dependencies, SqlLedger(settings.ledger_address) as ledger:
            for record in entered(ENTERED, now):
                ledger.record(record)
            async with make_worker(server.client, settings, dependencies):
                for number in range(rounds + 1):
                    opening = Opening(facts=facts(f"C{number}", applied_at=now.isoformat()))
                    await start_case(server.client, settings.task_queue, RESHIP, opening)
                for number in range(rounds + 1):
                    for name, arguments in commands(number).items():
                        one = await asyncio.to_thread(took, arguments, surroundings)
                        found[name] += [one] if number else []
    return found


def table(found: dict[str, list[Took]]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| | median | middle half | worst | CPU | promised | |"
    yield "|---|---|---|---|---|---|---|"
    for name, all_took in found.items():
        walls = [one.wall for one in all_took]
        low, middle, high = statistics.quantiles(walls, n=4, method="inclusive")
        cpu = statistics.median(one.cpu for one in all_took)
        promise = PROMISED[name]
        word = "" if promise is None else "met" if middle < promise else "**missed**"
        cells = (f"{middle:.2f} s", f"{low:.2f}-{high:.2f} s", f"{max(walls):.2f} s", f"{cpu:.2f} s")
        yield f"| `{name}` | {' | '.join(cells)} | {'' if promise is None else f'{promise:g} s'} | {word} |"


async def main(rounds: int) -> None:
    """Measure and print."""
    configure_logs("ERROR", "json")
    with tempfile.TemporaryDirectory() as folder:
        found = await measure(rounds, Path(folder))
    for line in table(found):
        print(line)
    print(f"{rounds} rounds, {this_month()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="rounds that count, 2 at least (default: 20)")
    asked = parser.parse_args()
    if asked.rounds < 2:  # noqa: PLR2004 - quartiles of one are none
        parser.error("expected --rounds 2 or more")
    run_until_stopped(main(asked.rounds))
    sys.stdout.flush()
    os._exit(0)  # the SDK's own threads now and then abort a process that winds down by itself
