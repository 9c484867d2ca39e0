"""Whether a process is ready for its work: a check of each part that it works with."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

PATIENCE_SECONDS: Final = 3.0
"""How long a part may take to answer; orchestrators wait for some seconds only."""
ANSWER_KEPT_SECONDS: Final = 5.0
"""How long an answer counts, so that whoever asks often costs a part nothing."""

Ask = Callable[[], Awaitable[object]]
"""Asks a part; raises if it cannot be worked with."""


@dataclass(frozen=True)
class ReadinessCheck:
    """A part of what a process works with; without one that it ``needs`` it is not ready, others are only shown."""

    part: str
    ask: Ask
    needs: bool = True


class Readiness:
    """The checks of a process, each asked once at a time however many want to know."""

    def __init__(
        self,
        *checks: ReadinessCheck,
        patience: float = PATIENCE_SECONDS,
        kept: float = ANSWER_KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with these checks; the process is not ready before it has ``started``."""
        self._checks = {check.part: check for check in checks}
        self._patience, self._kept, self._clock = patience, kept, clock
        self._under_way: dict[str, asyncio.Task[bool]] = {}
        self._answers: dict[str, tuple[float, bool]] = {}
        self.has_started = False

    def add(self, check: ReadinessCheck) -> None:
        """Add a check; of two of the same part the first counts."""
        self._checks.setdefault(check.part, check)

    async def parts(self, *, needed_alone: bool = False) -> dict[str, bool]:
        """Return of every part, or of those that are needed, whether it can be worked with."""
        checks = [check for check in self._checks.values() if check.needs or not needed_alone]
        answers = await asyncio.gather(*map(self._works, checks))
        return {check.part: works for check, works in zip(checks, answers, strict=True)}

    def is_ready(self, parts: dict[str, bool]) -> bool:
        """Return whether the process is ready, by the state of its parts."""
        return self.has_started and all(works or not self._checks[part].needs for part, works in parts.items())

    async def _works(self, check: ReadinessCheck) -> bool:
        kept = self._answers.get(check.part)
        if kept is not None and self._clock() - kept[0] < self._kept:
            return kept[1]
        if check.part not in self._under_way:
            self._under_way[check.part] = asyncio.create_task(self._ask(check))
        done, _ = await asyncio.wait([self._under_way[check.part]], timeout=self._patience)
        # What has not answered in time is not asked a second time meanwhile: it may hold a thread.
        return done.pop().result() if done else False

    async def _ask(self, check: ReadinessCheck) -> bool:
        try:
            await check.ask()
        except Exception:  # noqa: BLE001 - why is in the log of whoever works with the part; here only that
            works = False
        else:
            works = True
        finally:
            del self._under_way[check.part]
        self._answers[check.part] = (self._clock(), works)
        return works
