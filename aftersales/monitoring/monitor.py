"""The monitor of a process: the parts that it works with, and what it measures now and then or when it is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog
from prometheus_client import generate_latest
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.worker import Worker

from aftersales.monitoring.figures import FIGURE_REGISTRY, LEDGER_FAILURES, REACHABLE
from aftersales.monitoring.readiness import Readiness, ReadinessCheck
from aftersales.monitoring.sdk_figures import SdkFigures
from aftersales.monitoring.temporal_checks import check_pollers, check_temporal
from aftersales.runtime.telemetry.log_privacy import in_words
from cases.errors import CaseError

SCRAPE_SECONDS: Final = 3.0
"""How long a scrape waits for what is read for it."""
FIGURES_FAIL, FIGURES_WORK = "figures cannot be read", "figures are read again"

Measure = Callable[[], Awaitable[object]]
"""Reads figures and shows them; raises if it cannot."""


class WatchedLedger(Protocol):
    """A ledger that can be watched."""

    on_failure: Callable[[str], None] | None

    def check(self) -> None:
        """Raise if the database does not answer."""


class Monitor:
    """The checks and figures of one process, to which its parts add theirs."""

    def __init__(self, sdk: SdkFigures | None = None) -> None:
        """Measure only if somebody can read it, as ``sdk`` says."""
        self.readiness = Readiness()
        self._sdk, self._begun = sdk, asyncio.Event()
        self._scraped: list[tuple[str, Measure]] = []
        self._failing: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_read(self) -> bool:
        """Whether somebody can read the figures."""
        return self._sdk is not None

    @property
    def runtime(self) -> Runtime | None:
        """The runtime for the process's clients of Temporal, None for the usual one."""
        return self._sdk.runtime if self._sdk else None

    def check(self, part: str, ask: Measure, *, needs: bool = True) -> None:
        """Let readiness depend on a part, or only show it."""
        self.readiness.add(ReadinessCheck(part, ask, needs))

    def watch_temporal(self, client: Client) -> None:
        """Let readiness depend on Temporal's answering."""
        self.check("temporal", lambda: check_temporal(client))

    def watch_worker(self, client: Client, worker: Worker) -> None:
        """Let readiness depend on Temporal, and on what it hears of the worker's pollers."""
        self.watch_temporal(client)
        self.check("pollers", lambda: check_pollers(client, worker))

    def watch_ledger(self, ledger: WatchedLedger) -> None:
        """Show whether the ledger answers, and count when it does not; the process is ready without it."""
        ledger.on_failure = lambda access: LEDGER_FAILURES.labels(access).inc()
        self.check("ledger", lambda: asyncio.to_thread(ledger.check), needs=False)

    def measure(self, what: str, measure: Measure, every: float) -> None:
        """Measure something again and again, beginning once the process has started."""
        if self.is_read:
            self._tasks.append(asyncio.create_task(self._repeat(what, measure, every)))

    def read_when_scraped(self, what: str, read: Measure) -> None:
        """Read something that is near at hand whenever the figures are asked for."""
        self._scraped.append((what, read))

    def started(self) -> None:
        """Note that the process has started: from now on it is ready if its parts are."""
        self.readiness.has_started = True
        self._begun.set()

    async def scrape(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        parts = await self.readiness.parts()
        REACHABLE.show({(part,): float(works) for part, works in parts.items()})
        for what, read in self._scraped:
            await self._tried(what, read, SCRAPE_SECONDS)
        own = generate_latest(FIGURE_REGISTRY)
        of_sdk = await self._sdk.read() if self._sdk else b""
        return own + of_sdk

    async def close(self) -> None:
        """Measure no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, what: str, measure: Measure, every: float) -> None:
        await self._begun.wait()
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._tried(what, measure, None)
            await asyncio.sleep(max(0.0, began + every - loop.time()))

    async def _tried(self, what: str, measure: Measure, patience: float | None) -> None:
        """Measure; of failures in a row only the first is logged."""
        try:
            async with asyncio.timeout(patience):
                await measure()
        except Exception as failed:  # noqa: BLE001 - figures must not end the process; the age of the last shows it
            if what not in self._failing:
                unexpected = None if isinstance(failed, CaseError | OSError) else type(failed).__name__
                log = structlog.get_logger("monitor")
                log.warning(FIGURES_FAIL, figures=what, why=in_words(failed), fault=unexpected)
            self._failing.add(what)
        else:
            if what in self._failing:
                structlog.get_logger("monitor").info(FIGURES_WORK, figures=what)
            self._failing.discard(what)
