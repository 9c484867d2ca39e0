"""What must hold after a drill: nothing is lost, nothing is done twice, and every case stands where it should."""

import asyncio
import re
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory

from aftersales.gateway.inbox import INBOX
from aftersales.ledger.store import SqlLedger
from aftersales.notifications.notifier import LOG_FILE as NOTICE_LOG
from aftersales.sandbox.douyin.model import AfterSaleRecord
from drills.acting import CALL, People, Taken, now
from drills.platform import NOTICES, SHIPPED, rows
from drills.reships import Reship
from drills.stage import Stage
from drills.stories import PlannedDecision, Story
from tests.support.life import failed_tasks
from tests.support.platforms.market import state_of
from workflows.engine.course import OBSOLETE
from workflows.engine.view import view
from workflows.replay.replayer import HistoryChanged, replay

SECOND = timedelta(seconds=1)
OVERDUE = timedelta(seconds=30)
"""A clock that has not run out so long after its instant is skipped."""
HELD_UP = timedelta(seconds=60)
"""How long after its answer a decision may count: a console task is confirmed only then."""
HARMLESS = ("RESET_WORKFLOW", "TMPRL1101")
"""Failed workflow tasks that lose nothing: the one that a reset leaves, and one whose worker was stopped meanwhile."""
MOMENT = timedelta(seconds=10)
"""The longest workflow task: by so much the time of a task may move that was ended early to answer a query."""
MOMENT_OFF = "of them with an instant that is a moment later now"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+\d\d:\d\d)")
AT_ONCE = 16
SHIPPING = "push_tracking_number"


@dataclass(frozen=True)
class Run:
    """A workflow run of a case."""

    case_id: str
    run_id: str
    started: datetime
    status: WorkflowExecutionStatus | None


def story_wrong(
    story: Story, started: datetime, seen: Mapping[str, Any], taken: Sequence[Taken], at: datetime
) -> list[str]:
    """Return where a case differs from the calm run of its story."""
    decided = [_as_given(one) for one in taken]
    calm, performed = (
        view(story.calm(started, at, decided, performed=performed), at).model_dump(mode="json")
        for performed in (False, True)
    )
    wrong = [
        f"{name}: {there!r} instead of {wanted!r}"
        for name, there, wanted in (
            ("state", sorted(seen["state"]), sorted(calm["state"])),
            ("status", seen["status"], calm["status"]),
            ("rules", _fired(seen), _fired(calm)),
            ("ledger", _booked(seen), _booked(calm)),
        )
        if there != wanted
    ]
    for entry, there in zip(calm["timeline"], seen["timeline"], strict=False):
        wrong += [] if _same_instant(entry, there, taken) else [f"{entry['rule']} at {there['at']}, not {entry['at']}"]
    # An effect that waits when its case ends is withdrawn: whether it was still performed depends on when it was told.
    wrong += [f"effects too many: {dict(over)}"] if (over := _needed(seen) - _needed(performed)) else []
    wrong += [f"effects missing: {dict(under)}"] if (under := _needed(calm) - _needed(seen)) else []
    return wrong + _clocks_wrong(seen, at)


def reship_wrong(reship: Reship, record: Mapping[str, Any], seen: Mapping[str, Any], at: datetime) -> list[str]:
    """Return where a reship differs from the end of its journey, in its case or in the platform's record."""
    wanted, of_record = reship.journey.state, state_of(AfterSaleRecord.model_validate(record, strict=False))
    wrong = [] if seen["state"] == [wanted] else [f"state: {seen['state']} instead of {wanted}"]
    wrong += [] if of_record == wanted else [f"record: {of_record} instead of {wanted}"]
    wrong += reship.wrong(record) + _clocks_wrong(seen, at)
    decided = Counter(name.removeprefix("operator ") for name, _ in reship.journey.steps)
    fired = Counter(entry["rule"] for entry in seen["timeline"])
    for rule, due in reship.due.items():
        there = [entry["at"] for entry in seen["timeline"] if entry["rule"] == rule]
        if [datetime.fromisoformat(one) for one in there] != [due]:
            wrong.append(f"{rule} at {there}, not {due.isoformat()}")
    wrong += [f"{rule} fired {fired[rule]} times" for rule in decided if rule in fired and fired[rule] != decided[rule]]
    return wrong


def _as_given(taken: Taken) -> PlannedDecision:
    return replace(taken.decided, at=taken.given.replace(microsecond=0))


def _fired(seen: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    return [(entry["rule"], entry["order"]) for entry in seen["timeline"]]


def _booked(seen: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    return sorted((entry["key"], entry["amount"]) for entry in seen["ledger"] if entry["status"] != "reversed")


def _needed(seen: Mapping[str, Any]) -> Counter[tuple[str, str, str | None]]:
    return Counter((one["effect"], one["rule"], one["order"]) for one in seen["effects"] if one["why"] != OBSOLETE)


def _same_instant(wanted: Mapping[str, Any], there: Mapping[str, Any], taken: Sequence[Taken]) -> bool:
    at, planned = (datetime.fromisoformat(entry["at"]) for entry in (there, wanted))
    if at == planned:
        return True
    return any(
        one.given - 2 * SECOND <= at <= one.answered + HELD_UP
        for one in taken  # what follows at once from a decision bears its instant
    )


def _clocks_wrong(seen: Mapping[str, Any], at: datetime) -> list[str]:
    overdue = [one for one in seen["deadlines"] if datetime.fromisoformat(one["due"]) < at - OVERDUE]
    return [f"{one['rule']} was due at {one['due']}" for one in overdue]


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

    async def all(self, within: float, say: Any) -> list[str]:
        """Return everything that is wrong; cases get some time to come to rest."""
        wrong = await self._cases(within, say)
        wrong += list(self._carried_out())
        wrong += [*self._ledger(), *self._inbox(), *self._notices()]
        return wrong + await self._histories(say)

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
            return reship_wrong(self._reships[case_id], record, seen, at) if record else ["the platform has no record"]
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
                calm = story.calm(self._started(case_id), at, [_as_given(one) for one in taken])
                done = sum(one.effect == SHIPPING and one.status == "done" for one in calm.state.decisions)
                wanted.update({str(story.facts["order_id"]): done} if done else {})
        self.checked["decisions carried out on JD"] = sum(wanted.values())
        self.checked["decisions carried out on Douyin"] = sum(
            sum(reship.journey.done.values()) for reship in self._reships.values()
        )
        for order in shipped | wanted:
            if shipped[order] != wanted[order]:
                yield f"order {order} was shipped {shipped[order]} times instead of {wanted[order]}"

    def _ledger(self) -> Iterator[str]:
        with SqlLedger(self._stage.data / "ledger.sqlite3") as ledger:
            entries, outcomes = ledger.entries(date.min, date.max), ledger.outcomes(date.min, date.max)
            known = ledger.known(self._all_ids())
        booked = defaultdict[str, list[tuple[str, str | None]]](list)
        for entry in entries:
            if entry.status != "reversed":
                booked[entry.case_id].append((entry.key, None if entry.amount is None else str(entry.amount)))
        ended = Counter(outcome.case_id for outcome in outcomes)
        for case_id, seen in self.views.items():
            if sorted(booked[case_id]) != _booked(seen):
                yield f"{case_id}: the ledger has {sorted(booked[case_id])}, the case {_booked(seen)}"
            if ended[case_id] != (seen["status"] == "closed"):
                yield f"{case_id}: is {seen['status']}, the ledger has {ended[case_id]} outcomes"
            if case_id not in known:
                yield f"{case_id}: the ledger does not know it"
        self.checked["rows of the ledger"] = len(entries) + len(outcomes)

    def _inbox(self) -> Iterator[str]:
        with closing(sqlite3.connect(self._stage.data / INBOX)) as inbox:
            states = dict(inbox.execute("SELECT state, count(*) FROM messages GROUP BY 1").fetchall())
            received = {row[0] for row in inbox.execute("SELECT message_id FROM messages")}
            again = inbox.execute("SELECT coalesce(sum(again), 0) FROM messages").fetchone()[0]
        self.checked["messages pushed"], self.checked["of them pushed again"] = len(received), again
        if set(states) - {"done"}:
            yield f"messages are left in the inbox: {states}"
        if len(received) != self._pushed:
            yield f"{self._pushed} messages were pushed, the inbox has {len(received)}"

    def _notices(self) -> Iterator[str]:
        """Compare what the operators' program took with what the cases say was delivered."""
        taken = Counter(row["key"] for row in rows(self._stage.folder / NOTICES))
        with closing(sqlite3.connect(self._stage.data / NOTICE_LOG)) as log:
            sent = {
                mark.rpartition("@")[0]
                for mark, became in log.execute("SELECT mark, became FROM closed")
                if became == "sent"
            }
        for key in sorted(sent - taken.keys()):
            yield f"notice {key} is lost"
        for key in sorted(taken.keys() - sent):
            yield f"notice {key} was taken, but is not in the log"
        for case_id, seen in self.views.items():
            undelivered = [
                one for one in (*seen["reminders"], *seen["notifications"]) if one["delivered"] is False and one["why"]
            ]
            for one in undelivered:
                yield f"{case_id}: a notice was not delivered: {one['why']}"
            delivered = sum(bool(one["delivered"]) for one in (*seen["reminders"], *seen["notifications"]))
            there = sum(key.startswith(f"{case_id}/") for key in sent)
            if there < delivered:
                yield f"{case_id}: {delivered} notices were delivered, {there} have been sent"
        self.checked["notices"] = len(taken)
        self.checked["notices taken twice, since the answer was lost"] = sum(taken.values()) - len(taken)

    async def _histories(self, say: Any) -> list[str]:
        wrong: list[str] = []
        runs = [run for own in self.runs.values() for run in own]
        self.checked["histories"] = len(runs)
        for number, run in enumerate(runs):
            history = await _history(self._stage.client, run)
            wrong += [
                f"{run.case_id}: {fault}"
                for fault in failed_tasks(history)
                if not any(word in fault for word in HARMLESS)
            ]
            try:
                await replay(history)
            except HistoryChanged as changed:
                if all(map(a_moment_off, changed.differences)):
                    self.checked[MOMENT_OFF] += 1
                else:
                    wrong.append(f"{run.case_id}: {changed}")
            if number % 100 == 99:
                say(f"{number + 1} of {len(runs)} histories replay")
        return wrong


def a_moment_off(difference: str) -> bool:
    """Return whether what was recorded and what is now differ only by an instant, and that by a moment."""
    found = re.search(r"recorded '(.*)', now '(.*)'$", difference, re.DOTALL)
    if found is None:
        return False
    texts, instants = zip(*((INSTANT.sub("@", text), INSTANT.findall(text)) for text in found.groups()), strict=True)
    if texts[0] != texts[1] or not instants[0]:
        return False
    pairs = zip(*(map(datetime.fromisoformat, own) for own in instants), strict=True)
    return all(abs(was - is_now) <= MOMENT for was, is_now in pairs)


async def _history(client: Client, run: Run) -> WorkflowHistory:
    return await client.get_workflow_handle(run.case_id, run_id=run.run_id).fetch_history(rpc_timeout=CALL * 4)
