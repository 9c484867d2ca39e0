"""Try to lose a case: ``python -m drills.chaos [--cases 1000] [--events 100] [--seed N] [--minutes M]``.

Cases of all processes are opened by messages, files and exports, and live their stories (``drills/stories.py``,
``drills/reships.py``) while a worker of this build and one of a newer build, the gateway, the sandbox and the Temporal
server are killed, stopped and restarted at random, and while people look at cases and reset them.  Afterwards every
case must stand where the calm run puts it (``drills/checks.py``).  ``--without`` runs it on builds that lack one of
the safeguards: it must fail then (``drills/sabotage.py``).
"""

import argparse
import asyncio
import csv
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from aftersales.runtime.telemetry.logs import configure_logs
from cases.errors import CaseError
from drills.acting import NeverPossible, People, now, until_at
from drills.builds import WITHOUT, builds
from drills.checks import Checks
from drills.platform import RECORDS
from drills.reships import Reship, reships
from drills.stage import ALL, SHOP, WAYS, WORKERS, Stage, staged
from drills.stories import Story, Window, stories
from workflows.registry import PROCESSES

PUSHED = 0.3
"""The share of cases that the platform's messages open."""
BULK = ("jd_shipment", "jd_delay_card", "jd_abnormal_order", "jd_presale_shortage")
"""The processes whose cases are opened from exports; the others are opened from case files."""
FILES_AT_ONCE = 60
GIVE_UP_SECONDS = 20.0
REST_SECONDS = 90.0
"""How long it may take for one more case to come to rest once nothing is killed any more."""
START_SECONDS = 45
WAITING_SECONDS = 30.0
"""How often the drill says what it still waits for, once nothing is killed any more."""


@dataclass(frozen=True)
class Plan:
    """What a drill does; ``minutes``: how long programs are killed."""

    cases: int
    events: int
    seed: int
    minutes: float
    without: str | None = None

    @property
    def command(self) -> str:
        """The command that repeats it."""
        without = f" --without {self.without}" if self.without else ""
        return (
            f"python -m drills.chaos --cases {self.cases} --events {self.events} --seed {self.seed} "
            f"--minutes {self.minutes:g}{without}"
        )


def say(text: str) -> None:
    """Print a line of progress."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


class Drill:
    """One run of the drill."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._over = asyncio.Event()

    async def run(self) -> list[str]:
        """Run it, and return what is wrong."""
        plan = self.plan
        projects = await builds(self.folder, plan.without)
        begins = now().replace(microsecond=0) + timedelta(seconds=START_SECONDS + plan.cases * 0.05)
        window = Window(begins, begins + timedelta(minutes=plan.minutes))
        of_push = round(plan.cases * PUSHED)
        names = [name for name in PROCESSES if name != "douyin_reship"]
        own = list(stories(plan.seed, [names[number % len(names)] for number in range(plan.cases - of_push)], window))
        pushed = list(reships(plan.seed, of_push, window))
        due = sum(len(story.due) for story in own) + sum(len(reship.due) for reship in pushed)
        say(f"{len(own)} stories and {len(pushed)} reships are drawn; {due} clocks run out while programs are killed")
        async with staged(self.folder, projects, plan.seed) as stage:
            say("all programs run")
            await self._play(stage, own, pushed, window)
        return self.wrong

    async def _play(self, stage: Stage, own: Sequence[Story], pushed: Sequence[Reship], window: Window) -> None:
        people = People(stage, random.Random(f"{self.plan.seed}/people"), self.plan.minutes * 6)
        living: list[Coroutine[Any, Any, None]] = [
            self._open(stage, own),
            *(people.live(story) for story in own),
            *(people.apply(reship) for reship in pushed),
        ]
        beside = [
            asyncio.create_task(self._strike(stage, people, window, own, pushed)),
            asyncio.create_task(self._look(people, own, pushed)),
            asyncio.create_task(self._reset(people, own, pushed, window)),
        ]
        lived: asyncio.Future[Any] = asyncio.gather(*living, return_exceptions=True)
        try:
            await beside[0]  # the last program runs again
            while not lived.done():
                await asyncio.wait([lived], timeout=WAITING_SECONDS)
                say(_counts(people.did))
                for what, since in list(people.waiting.items())[:5]:
                    say(f"waits for {(now() - since).total_seconds():.0f} s: {what[:160]}")
            for failed in await lived:
                if isinstance(failed, NeverPossible):
                    self.wrong.append(f"never possible: {failed}")
                elif failed is not None:
                    raise failed
        finally:
            self._over.set()  # a call that is cancelled does not always say so
            beside[0].cancel()
            lived.cancel()
            lived.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            ending: list[asyncio.Future[Any]] = [*beside, lived]
            await asyncio.wait(ending, timeout=GIVE_UP_SECONDS)
        say("the stories have been told; nothing is killed any more")
        await until_at(window.ends)
        self.wrong += await self._check(stage, people, own, pushed)
        self.done.update(people.did)

    async def _check(self, stage: Stage, people: People, own: Sequence[Story], pushed: Sequence[Reship]) -> list[str]:
        answer = await stage.control("/idle", {"timeout": 60})
        say(f"the sandbox has delivered its messages: {answer.json() if answer else 'no answer'}")
        messages = json.loads((self.folder / RECORDS).read_text(encoding="utf-8"))["numbered"]
        checks = Checks(stage, people, own, pushed, messages)
        wrong = await checks.all(REST_SECONDS, say)
        say("checked: " + ", ".join(f"{name}: {many:,}" for name, many in checks.checked.items()))
        return wrong

    # Openings.

    async def _open(self, stage: Stage, own: Sequence[Story]) -> None:
        """Open all cases from files, some by exports, again and again until a command succeeds."""
        for number, arguments in enumerate(self._files(own)):
            for _ in range(60):
                status, printed = await stage.command("open", *arguments, "--yes")
                if status == 0:
                    break
                self.done["openings tried again"] += 1
                (self.folder / f"open-{number}.log").write_text(printed, encoding="utf-8")
                await asyncio.sleep(1)
            else:
                raise NeverPossible(f"open {arguments[0]}: {printed[-400:]}")
            self.done["files of openings"] += 1

    def _files(self, own: Sequence[Story]) -> Iterator[list[str]]:
        """Write case files and exports; yield the arguments that open them."""
        folder = self.folder / "openings"
        folder.mkdir()
        for process in BULK:
            of_process = [story for story in own if story.process.name == process]
            if of_process:
                yield _export(folder, process, of_process)
        single = [story for story in own if story.process.name not in BULK]
        for first in range(0, len(single), FILES_AT_ONCE):
            paths = []
            for story in single[first : first + FILES_AT_ONCE]:
                path = folder / f"{story.process.name}-{story.own_id}.json"
                path.write_text(json.dumps({"process": story.process.name, "opening": story.facts}), encoding="utf-8")
                paths.append(str(path))
            yield paths

    # What happens in between.

    async def _strike(
        self, stage: Stage, people: People, window: Window, own: Sequence[Story], pushed: Sequence[Reship]
    ) -> None:
        """Kill, stop and restart programs at random instants of the window."""
        draw = random.Random(f"{self.plan.seed}/strikes")
        instants = sorted(window.at(draw.uniform(0, 0.95)) for _ in range(self.plan.events))
        due = sorted((at, case.case_id) for case in own for at in case.due) + [
            (at, reship.case_id) for reship in pushed for at in reship.due.values()
        ]
        striking: set[asyncio.Task[None]] = set()
        for number, at in enumerate(instants):
            name, how = draw.choice(ALL), draw.choice(WAYS)
            await until_at(at)
            while name in stage.down or (name in WORKERS and stage.down.intersection(WORKERS) and draw.random() < 0.7):
                await asyncio.sleep(0.2)
            self.done[f"{name}: {how}"] += 1
            striking.add(asyncio.create_task(stage.strike(name, how, draw)))
            if name in WORKERS:
                near = [case for when, case in due if timedelta(0) < when - now() < timedelta(seconds=15)]
                striking.add(asyncio.create_task(self._look_near(people, near)))
            if number % 10 == 9:
                say(f"{number + 1} of {len(instants)} events; {_counts(people.did)}")
        for done in await asyncio.gather(*striking, return_exceptions=True):
            if isinstance(done, BaseException):
                raise done

    async def _look_near(self, people: People, near: Sequence[str]) -> None:
        """Look at cases whose clock is about to run out, while the worker that has them is not there."""
        for _ in range(4):
            await asyncio.gather(*(people.view(case_id) for case_id in near))
            await asyncio.sleep(3)

    async def _look(self, people: People, own: Sequence[Story], pushed: Sequence[Reship]) -> None:
        draw = random.Random(f"{self.plan.seed}/looks")
        ids = [*(story.case_id for story in own), *(reship.case_id for reship in pushed)]
        while not self._over.is_set():
            await people.view(draw.choice(ids))
            for fault in await people.stage.revive():
                say(f"WRONG {fault}")
                self.wrong.append(fault)
            await asyncio.sleep(0.3)

    async def _reset(self, people: People, own: Sequence[Story], pushed: Sequence[Reship], window: Window) -> None:
        draw = random.Random(f"{self.plan.seed}/resets")
        ids = [*(story.case_id for story in own), *(reship.case_id for reship in pushed if reship.may_be_reset)]
        for at in sorted(window.at(draw.uniform(0.2, 0.9)) for _ in range(max(2, self.plan.cases // 50))):
            await until_at(at)
            if self._over.is_set():
                return
            await people.reset(draw.choice(ids))


def _export(folder: Path, process: str, own: Sequence[Story]) -> list[str]:
    """Write an export of cases, and its mapping; return the arguments that open them."""
    fields = list(dict.fromkeys(name for story in own for name in story.facts if name != "shop_id"))
    mapping, table = folder / f"{process}.yaml", folder / f"{process}.csv"
    columns = {"process": process, "columns": {name: name for name in fields}, "constants": {"shop_id": SHOP}}
    mapping.write_text(yaml.safe_dump(columns), encoding="utf-8")
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        for story in own:
            facts = {name: _written(value) for name, value in story.facts.items() if name != "shop_id"}
            writer.writerow(facts)
    return [str(table), "--mapping", str(mapping)]


def _written(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _counts(did: Counter[str]) -> str:
    return ", ".join(f"{name}: {many:,}" for name, many in sorted(did.items()))


async def drill(plan: Plan, folder: Path) -> int:
    """Run a drill until it ends or somebody stops it; return the exit status."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    drilled, begun = Drill(plan, folder), time.monotonic()
    say(f"seed {plan.seed}; folder {folder}")
    wrong = await drilled.run()
    say(f"done: {_counts(drilled.done)}")
    for fault in wrong[:50]:
        say(f"WRONG {fault}")
    say(f"{len(wrong)} faults; seed {plan.seed}; {time.monotonic() - begun:.0f} s")
    return 1 if wrong else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; a run that fails keeps its folder and says how to repeat it."""
    parser = argparse.ArgumentParser(prog="python -m drills.chaos", description="Try to lose a case.")
    parser.add_argument("--cases", type=int, default=1000, help="how many cases (1000)")
    parser.add_argument(
        "--events", type=int, default=100, help="how often a program is killed, stopped, restarted (100)"
    )
    parser.add_argument("--seed", type=int, default=None, help="repeats what an earlier run drew (default: a new one)")
    parser.add_argument("--minutes", type=float, default=15, help="how long programs are killed (15)")
    parser.add_argument("--without", choices=WITHOUT, help="on builds that lack a safeguard: the drill must fail")
    asked = parser.parse_args(arguments)
    if asked.cases < 10 or asked.events < 0 or asked.minutes <= 0:
        parser.error("expected --cases of 10 or more, --events of 0 or more, --minutes above 0")
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000)
    plan = Plan(asked.cases, asked.events, seed, asked.minutes, asked.without)
    folder = Path(tempfile.mkdtemp(prefix="drill-"))
    configure_logs("ERROR", "console")
    status = 1
    try:
        status = asyncio.run(drill(plan, folder))
    except CaseError as bad:
        say(f"the drill cannot run: {bad}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("stopped; all programs have ended")
        status = 130
    if status in (0, 130):
        with suppress(OSError):
            shutil.rmtree(folder)
    else:
        say(f"what it left is in {folder}; repeat it with: {plan.command}")
    return status


if __name__ == "__main__":
    sys.exit(main())
