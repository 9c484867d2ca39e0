"""Fuzz every way into the product for a time: ``python -m proofs.fuzz [--minutes N] [--target NAME]``.

What is drawn are documents that were good until something in them was replaced (``proofs/fuzzing/``).  An input may be
refused in words; it must never lead to any other error, an answer of 5xx, a traceback, or much time or memory.  With
schemathesis (the extra ``fuzz``) the gateway and the desk are fuzzed over HTTP too; with atheris every target is fuzzed
once more, guided by coverage.  What is found is made small and written to the corpus, a request over HTTP only printed;
the exit status is then 1.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from hypothesis.errors import HypothesisWarning

from aftersales.runtime.telemetry.logs import configure_logs
from proofs.fuzzing.campaign import CORPUS, TARGETS, FailingInput, Fuzzed, fuzz, keep

SITES = ("desk", "gateway")
Task = tuple[str, Callable[[float], Fuzzed]]


def has(module: str) -> bool:
    """Return whether a library is installed."""
    return importlib.util.find_spec(module) is not None


def guided(name: str, seconds: float) -> Fuzzed:
    """Fuzz a target guided by coverage, in a process of its own, which a failing input ends."""
    done = Fuzzed(f"{name} (atheris)")
    with tempfile.TemporaryDirectory(prefix="aftersales-fuzz-") as name_of_folder:
        folder = Path(name_of_folder)
        grown = folder / "grown"
        grown.mkdir()
        options = (f"-max_total_time={max(1, int(seconds))}", "-max_len=4096", f"-artifact_prefix={folder}/")
        command = (sys.executable, "-m", "proofs.fuzzing.coverage", name, *options, str(grown), str(CORPUS / name))
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
        failing = next(folder.glob("crash-*"), None)
        lines = [line for line in ran.stderr.splitlines() if "BadOutcome" in line]
        if failing:
            done.found = (FailingInput(name, failing.read_bytes(), lines[-1] if lines else ran.stderr[-500:]),)
        elif ran.returncode:
            raise RuntimeError(f"atheris ended with {ran.returncode}: {ran.stderr[-2000:]}")
        counted = [line.split()[1] for line in ran.stderr.splitlines() if line.startswith("Done ")]
        done.inputs = int(counted[-1]) if counted else 0
    return done


def tasks(names: list[str], seed: int) -> Iterator[Task]:
    """Yield what is to be fuzzed, each with the function that does it for some seconds."""
    for name in names:
        if name in TARGETS:
            yield name, partial(fuzz, TARGETS[name], first_seed=seed)
            if has("atheris"):
                yield f"{name} (atheris)", partial(guided, name)


def main(arguments: list[str] | None = None) -> int:
    """Fuzz, and print a line for every target."""
    parser = argparse.ArgumentParser(prog="python -m proofs.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=minutes, default=10.0, help="how long in all (default 10)")
    parser.add_argument("--target", action="append", choices=[*TARGETS, *SITES], help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="where drawing begins (default: the time)")
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore", HypothesisWarning)
    configure_logs("CRITICAL", "json")
    names = asked.target or [*TARGETS, *SITES]
    over_http = [name for name in names if name in SITES]
    if over_http and not has("schemathesis"):
        print("without HTTP: schemathesis is not installed (the extra `fuzz`)", file=sys.stderr)
        over_http = []
    plain = list(tasks(names, asked.seed))
    share = asked.minutes * 60 / max(1, len(plain) + len(over_http))
    print(f"seed {asked.seed}, {share:.0f} s each", flush=True)
    found: list[FailingInput] = []
    try:
        for name, run in plain:
            found += _told(name, run(share))
        if over_http:
            from proofs.fuzzing.http import fuzz_site, sites  # noqa: PLC0415 - needs the extra

            with sites() as served:
                for site in served:
                    if site.name in over_http:
                        found += _told(site.name, fuzz_site(site, share, asked.seed))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print(f"{len(found)} found" if found else "nothing found")
    return 1 if found else 0


def _told(name: str, done: Fuzzed) -> tuple[FailingInput, ...]:
    print(f"{name:<24} {done.inputs:>8} inputs", flush=True)
    for one in done.found:
        if one.target in TARGETS:
            print(f"FOUND {one.why}\n    {one.content[:300]!r}\n    kept as {keep(one)}")
        else:  # it is kept nowhere else
            print(f"FOUND {one.why}\n    {one.content.decode('utf-8', 'replace')}")
    return done.found


def minutes(text: str) -> float:
    """Read a length of time; raises ArgumentTypeError."""
    try:
        read = float(text)
    except ValueError:
        read = 0.0
    if not 0 < read <= 24 * 60:
        raise argparse.ArgumentTypeError(f"expected minutes, more than 0 and at most 1440, got {text!r}")
    return read


if __name__ == "__main__":
    sys.exit(main())
