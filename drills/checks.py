"""What must hold after a drill: nothing is lost, nothing is done twice, and every case stands where it should."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory

from aftersales.gateway.inbox import INBOX
from aftersales.notifications.notifier import LOG_FILE as NOTICE_LOG
from drills.acting import CALL, People, now
from drills.comparing import as_given, reship_wrong, story_wrong
from drills.histories import failed_sendings, history_wrong
from drills.left_behind import inbox_wrong, ledger_wrong, notices_wrong, outcomes_in
from drills.platform import NOTICES, SHIPPED, rows
from drills.reships import Reship
from drills.stage import Stage
from drills.stories import Story

LEDGER = "ledger.sqlite3"
AT_ONCE = 16
SHIPPING = "push_tracking_number"


@dataclass(frozen=True)
class Run:
    """A workflow run of a case."""

    case_id: str
    run_id: str
    started: datetime
    status: WorkflowExecutionStatus | None


class Checks:
    """All checks after the programs run undisturbed again; each says what it looked at."""

    def __init__(
        self, stage: Stage, people: People, stories: Sequence[Story], reships: Sequence[Reship], pushed: int
    ) -> None:
        """``pushed``: how many messages the sandbox has pushed."""
        self._stage, self._people, self._pushed = stage, people, pushed
        self._stories = {story.case_id: story for story in stories}
        self._reships = {reship.case_id: reship for reship in reships}
        self.runs: dict[str, list[Run]] = defaultdict(list)
        self.views: dict[str, Mapping[str, Any]] = {}
        self.checked: Counter[str] = Counter()
        self._failed_sendings: Counter[str] = Counter()

    async def all(self, within: float, say: Any) -> list[str]:
        """Return everything that is wrong; cases get some time to come to rest."""
        wrong = await self._cases(within, say)
        wrong += self._carried_out()
        wrong += await self._histories(say)
        return wrong + list(self._left_behind())

    async def list_runs(self) -> None:
        """List all runs of all cases."""
        self.runs.clear()
        processes = {case_id.partition("/")[0] for case_id in self._all_ids()}
        async for run in self._stage.client.list_workflows():
            process, slash, _ = run.id.partition("/")
            if slash and process in processes:
                started = run.start_time.replace(microsecond=0)
                self.runs[run.id].append(Run(run.id, run.run_id, started, run.status))

    def _all_ids(self) -> list[str]:
        return [*self._stories, *self._reships]

    async def _cases(self, within: float, say: Any) -> list[str]:
        left, faults, begun = self._all_ids(), dict[str, list[str]](), time.monotonic()
        faults_of_programs, before, slots = list[str](), len(left), asyncio.Semaphore(AT_ONCE)

        async def look(case_id: str) -> None:
            async with slots:
                faults[case_id] = await self._case(case_id)

        while left:
            faults_of_programs += await self._stage.revive()
            await self.list_runs()
            await asyncio.gather(*(look(case_id) for case_id in left))
            left = [case_id for case_id in left if faults[case_id]]
            say(f"{len(self._all_ids()) - len(left)} cases stand where they should, {len(left)} not yet")
            if len(left) < before:
                before, begun = len(left), time.monotonic()
            if time.monotonic() - begun > within:
                break
            if left:
                await asyncio.sleep(3)
        self.checked["cases"] = len(self._all_ids())
        self.checked["instants of clocks"] = sum(
            len(own) for own in (*(s.due for s in self._stories.values()), *(r.due for r in self._reships.values()))
        )
        return faults_of_programs + [f"{case_id}: {fault}" for case_id in left for fault in faults[case_id]]

    async def _case(self, case_id: str) -> list[str]:
        runs = self.runs.get(case_id)
        if not runs:
            return ["was never opened"]
        open_runs = [run for run in runs if run.status is WorkflowExecutionStatus.RUNNING]
        ended = [
            run.status
            for run in runs
            if run.status in (WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.TIMED_OUT)
        ]
        if len(open_runs) > 1 or ended:
            return [f"{len(open_runs)} runs are open, ended: {ended}"]
        seen = await self._people.settle(case_id)
        at = now().replace(microsecond=0)
        if seen is None:
            return ["is still at work, or does not answer"]
        self.views[case_id] = seen
        if case_id in self._reships:
            record = await self._people.record(self._reships[case_id])
            if not record:
                return ["the platform has no record"]
            return reship_wrong(self._reships[case_id], record, seen, at, ended=not open_runs)
        taken = self._people.taken.get(case_id, ())
        story = self._stories[case_id]
        wrong = story_wrong(story, self._started(case_id), seen, taken, at)
        return wrong if len(taken) == len(story.decided) else [*wrong, f"{len(taken)} decisions were taken"]

    def _started(self, case_id: str) -> datetime:
        return min(run.started for run in self.runs[case_id])

    def _carried_out(self) -> Iterator[str]:
        """Compare JD's journal with the decisions that ship."""
        shipped = Counter(row["order_id"] for row in rows(self._stage.folder / SHIPPED))
        wanted: Counter[str] = Counter()
        for case_id, taken in self._people.taken.items():
            if case_id in self._stories:
                story, at = self._stories[case_id], max(one.answered for one in taken)
                calm = story.calm(self._started(case_id), at, [as_given(one) for one in taken])
                done = sum(one.effect == SHIPPING and one.status == "done" for one in calm.state.decisions)
                wanted.update({str(story.facts["order_id"]): done} if done else {})
        self.checked["decisions carried out on JD"] = sum(wanted.values())
        self.checked["decisions carried out on Douyin"] = sum(
            sum(reship.journey.done.values()) for reship in self._reships.values()
        )
        for order in shipped | wanted:
            if shipped[order] != wanted[order]:
                yield f"order {order} was shipped {shipped[order]} times instead of {wanted[order]}"

    async def _histories(self, say: Any) -> list[str]:
        wrong: list[str] = []
        runs = [run for own in self.runs.values() for run in own]
        self.checked["histories"] = len(runs)
        for number, run in enumerate(runs):
            history = await _history(self._stage.client, run)
            self._failed_sendings += failed_sendings(history)
            wrong += [f"{run.case_id}: {fault}" for fault in await history_wrong(history, self.checked)]
            if number % 100 == 99:
                say(f"{number + 1} of {len(runs)} histories replay")
        return wrong

    def _left_behind(self) -> Iterator[str]:
        data, ledger = self._stage.data, self._stage.data / LEDGER
        yield from ledger_wrong(ledger, self.views, self.checked)
        yield from inbox_wrong(data / INBOX, self._pushed, self.checked)
        taken = Counter(row["key"] for row in rows(self._stage.folder / NOTICES))
        outcomes = outcomes_in(ledger)
        yield from notices_wrong(data / NOTICE_LOG, taken, self._failed_sendings, self.views, outcomes, self.checked)


async def _history(client: Client, run: Run) -> WorkflowHistory:
    return await client.get_workflow_handle(run.case_id, run_id=run.run_id).fetch_history(rpc_timeout=CALL * 4)
