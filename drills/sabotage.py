"""Prove that the drill finds what it is made for: ``python -m drills.sabotage [--only SAFEGUARD]``.

Each safeguard in turn is switched off (``drills/builds.py``).  The drill must then fail, and by the fault that the
safeguard prevents: any other could be chance.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drills.chaos import Plan, say
from tests.support.places import ROOT


@dataclass(frozen=True)
class Sabotage:
    """A drill without a safeguard, and the line by which it must fail."""

    plan: Plan
    sign: str

    def found_in(self, printed: Iterable[str]) -> bool:
        """Return whether the drill has found what the safeguard prevents."""
        return any(re.search(f"WRONG .*{self.sign}", line) for line in printed)


SABOTAGES: Mapping[str, Sabotage] = {
    # Of this seed most calls that hand in evidence lose their answer, the first one too.
    "idempotency": Sabotage(Plan(60, 15, 4, 2, "idempotency"), r"提交凭证: \d+ times instead of \d+"),
    "deduplication": Sabotage(Plan(60, 15, 2, 2, "deduplication"), r"rules: \[.*\] instead of \["),
    "timer-rule": Sabotage(Plan(120, 30, 3, 3, "timer-rule"), "TMPRL1100"),
}


def is_found(name: str) -> bool:
    """Run the drill without a safeguard, and return whether it fails as it must."""
    sabotage = SABOTAGES[name]
    command = [sys.executable, *shlex.split(sabotage.plan.command)[1:]]
    printed = []
    # A drill that fails keeps its folder: here it must fail, and nobody looks into it.
    with tempfile.TemporaryDirectory(prefix="sabotage-", ignore_cleanup_errors=True) as folder:
        surroundings = {**os.environ, "TMPDIR": folder}
        with subprocess.Popen(  # noqa: S603 - a command of ours
            command, cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
        ) as drill:
            assert drill.stdout is not None
            for line in drill.stdout:
                sys.stdout.write(line)
                sys.stdout.flush()
                printed.append(line)
    return drill.returncode == 1 and sabotage.found_in(printed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the status is 1 if the loss of a safeguard was not found."""
    parser = argparse.ArgumentParser(
        prog="python -m drills.sabotage", description="Prove that the drill fails without each of its safeguards."
    )
    parser.add_argument("--only", action="append", choices=SABOTAGES, help="only this one; may be repeated")
    names = parser.parse_args(arguments).only or list(SABOTAGES)
    missed = []
    try:
        for name in names:
            say(f"without {name}: {SABOTAGES[name].plan.command}")
            missed += [] if is_found(name) else [name]
    except KeyboardInterrupt:
        say("stopped")
        return 130
    for name in names:
        say(f"without {name}: " + ("NOT FOUND" if name in missed else "found"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
