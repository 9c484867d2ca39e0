"""Fuzzing for a time: inputs are drawn until it is over, and what is found is made small and kept."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from proofs.fuzzing import from_files, inbound, into_cases
from proofs.fuzzing.target import BadOutcome, FuzzTarget, try_input

CORPUS = Path(__file__).with_name("corpus")
"""What was found once, small: a folder for each target, replayed by the suite."""
TARGETS = {target.name: target for target in (*inbound.TARGETS, *into_cases.TARGETS, *from_files.TARGETS)}
ROUND = 300
"""Inputs drawn from one seed."""
Drawn = TypeVar("Drawn")


class TimeIsUp(BaseException):
    """Ends a round in its midst: hypothesis takes it for no failure."""


@dataclass(frozen=True)
class FailingInput:
    """An input that leads to what it must not, and what that is."""

    target: str
    content: bytes
    why: str


@dataclass
class Fuzzed:
    """What a campaign has done to a target."""

    target: str
    inputs: int = 0
    found: tuple[FailingInput, ...] = ()


def fuzz(target: FuzzTarget, seconds: float, first_seed: int) -> Fuzzed:
    """Draw inputs for a while; the first that is found ends it, made as small as can be."""
    done, until, number = Fuzzed(target.name), time.monotonic() + seconds, first_seed
    while time.monotonic() < until and not done.found:
        failed = fuzz_round(target.draws, partial(try_input, target), number, ROUND, until, done)
        done.found = (FailingInput(target.name, *failed),) if failed else ()
        number += 1
    return done


def fuzz_round(
    draws: st.SearchStrategy[Drawn],
    try_one: Callable[[Drawn], None],
    number: int,
    most: int,
    until: float,
    done: Fuzzed,
) -> tuple[Drawn, str] | None:
    """Draw inputs from one seed until the time is up; return the smallest that leads to BadOutcome, and to which."""
    failing: list[tuple[Drawn, str]] = []

    @seed(number)
    @settings(
        max_examples=most,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=draws)
    def draw(drawn: Drawn) -> None:
        if not failing and time.monotonic() > until:
            raise TimeIsUp
        done.inputs += 1
        try:
            try_one(drawn)
        except BadOutcome as bad:
            failing.append((drawn, str(bad)))
            raise

    try:
        draw()
    except TimeIsUp:
        return None
    except Exception:
        if not failing:
            raise
        return failing[-1]  # the last to fail is the smallest
    return None


def keep(found: FailingInput, corpus: Path = CORPUS) -> Path:
    """Write an input into the corpus, under a name that its content gives it."""
    path = corpus / found.target / hashlib.sha256(found.content).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(found.content)
    return path


def kept(names: Iterable[str] = TARGETS) -> Iterator[tuple[FuzzTarget, Path]]:
    """Yield the inputs of the corpus, with their targets."""
    for name in names:
        for path in sorted((CORPUS / name).glob("*")):
            yield TARGETS[name], path
