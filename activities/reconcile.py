"""The activity that reports to the cases what no message reported."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from temporalio import activity

from cases.errors import BadForm
from cases.messages import CatchUp, CatchUpCall, CatchUpProgress
from cases.ports import Reconcile

BEAT: Final = timedelta(seconds=10)
"""How often a look tells Temporal how far it is; a worker that died is noticed by its silence."""
MOST_KEPT: Final = 20_000
"""Cases named in a heartbeat, which may not be longer than 2 MB; those above are looked at again."""


class Progress:
    """The progress of a look, kept by Temporal with every heartbeat for an attempt that has to go on."""

    def __init__(self, so_far: CatchUpProgress) -> None:
        self._opened, self._failed = so_far.opened, so_far.failed
        self._records = so_far.records
        self._done = dict.fromkeys(so_far.done)

    def has_looked(self, case_id: str) -> bool:
        """Return whether the record of a case has been looked at."""
        return case_id in self._done

    def looked(self, case_id: str, *, opened: bool | None) -> None:
        """Note that a record has been looked at, and tell Temporal."""
        self._records += 1
        self._opened += bool(opened)
        self._failed += opened is None
        if len(self._done) < MOST_KEPT:
            self._done[case_id] = None
        self.beat()

    def beat(self) -> None:
        """Tell Temporal how far the look is; the SDK sends only some of these calls on."""
        activity.heartbeat(CatchUpProgress(**self.counts.model_dump(), done=tuple(self._done)))

    @property
    def counts(self) -> CatchUp:
        """The counts so far."""
        return CatchUp(records=self._records, opened=self._opened, failed=self._failed)


@asynccontextmanager
async def _kept_alive(progress: Progress) -> AsyncIterator[None]:
    """Beat while a slow list or record is read."""

    async def beat() -> None:
        while True:
            progress.beat()
            await asyncio.sleep(BEAT.total_seconds())

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        progress.beat()


def catch_up_activity(reconcilers: Mapping[str, Reconcile]) -> Callable[..., Any]:
    """Return the activity that reconciles a shop with its marketplace."""

    @activity.defn(name="catch_up")
    async def catch_up(call: CatchUpCall) -> CatchUp:
        reconcile = reconcilers.get(call.platform)
        if reconcile is None:
            names = ", ".join(reconcilers) or "-"
            raise BadForm(f"platform: 不能补查 / cannot be reconciled: {call.platform!r}; expected one of: {names}")
        kept = activity.info().heartbeat_details
        progress = Progress(CatchUpProgress.model_validate(kept[0], strict=False) if kept else CatchUpProgress())
        async with _kept_alive(progress):
            await reconcile(call, progress)
        return progress.counts

    return catch_up
