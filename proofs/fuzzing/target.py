"""What is fuzzed: a way into the product that takes bytes from outside, and what it may do with them."""

import atexit
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from cases.errors import CaseError

MOST_CPU_SECONDS = 5.0
MOST_MEMORY_MB = 400
"""By how much one input may raise the peak of the process; workbooks are read in a process of their own."""


class BadOutcome(AssertionError):
    """What an input must not lead to."""


@dataclass(frozen=True)
class FuzzTarget:
    """A way in: what is drawn for it, and the function that takes it in.

    ``take`` may raise the product's own errors: they are what a person is told, in words.
    """

    name: str
    draws: st.SearchStrategy[bytes]
    take: Callable[[bytes], None]


@cache
def folder() -> Path:
    """Return a folder for what the targets of this process write; it goes with the process."""
    made = tempfile.TemporaryDirectory(prefix="aftersales-fuzz-", ignore_cleanup_errors=True)
    atexit.register(made.cleanup)
    return Path(made.name)


def try_input(target: FuzzTarget, content: bytes) -> None:
    """Let a target take an input in; raises BadOutcome if it fails, or takes too long or too much."""
    began, peak = time.process_time(), _peak_mb()
    try:
        target.take(content)
    except CaseError as told:
        check_told(told)
    except BadOutcome:
        raise
    except Exception as error:
        raise BadOutcome(f"{target.name}: {type(error).__name__}: {error}") from error
    used, grown = time.process_time() - began, _peak_mb() - peak
    if used > MOST_CPU_SECONDS:
        raise BadOutcome(f"{target.name}: {len(content)} bytes took {used:.1f} s of CPU")
    if grown > MOST_MEMORY_MB:
        raise BadOutcome(f"{target.name}: {len(content)} bytes took {grown} MB of memory")


def check_told(told: CaseError) -> None:
    """Raise BadOutcome for an error that tells a person nothing, or that cannot be shown."""
    text = str(told)
    if not text.strip():
        raise BadOutcome(f"{type(told).__name__} says nothing")
    try:
        text.encode()
    except UnicodeEncodeError as bad:
        raise BadOutcome(f"{type(told).__name__} cannot be written as UTF-8: {text[:80]!r}") from bad
    if "Traceback" in text:
        raise BadOutcome(f"{type(told).__name__} shows a traceback")


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
