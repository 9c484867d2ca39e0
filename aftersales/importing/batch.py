"""Opening many cases on a server, several at once and every case only once ever."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from aftersales.ledger import open_existing
from aftersales.runtime.settings import Settings
from cases.messages import Opening
from workflows.engine.process import Process
from workflows.opening import start_case

_CONCURRENT = 10


def case_id(process: Process, opening: Opening) -> str:
    """Return the id of the case that an opening starts."""
    return f"{process.name}/{process.open_case(opening).facts.own_id}"


async def open_cases(
    client: Client,
    settings: Settings,
    cases: Iterable[tuple[Process, Opening]],
    on_result: Callable[[dict[str, Any]], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Open cases, leaving those opened before as they are; ``on_result`` is called with the result of every case."""
    named = [(case_id(process, opening), process, opening) for process, opening in cases]
    ended = await asyncio.to_thread(_ended, settings, [name for name, *_ in named]) if named else set()
    results: dict[int, dict[str, Any]] = {}
    waiting = iter(enumerate(named))

    async def work() -> None:
        for number, (name, process, opening) in waiting:
            new = name not in ended and await _start(client, settings.task_queue, process, opening)
            results[number] = {"case_id": name, "opened": new}
            on_result(results[number])

    tasks = [asyncio.create_task(work()) for _ in range(_CONCURRENT)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [results[number] for number in sorted(results)]


def _ended(settings: Settings, case_ids: Sequence[str]) -> set[str]:
    """Return the cases that ended: Temporal forgets them after a while and would open them again (JD-1)."""
    with open_existing(settings.ledger_address) as ledger:
        return {name for name, case in ledger.known(case_ids).items() if case.ended_at} if ledger else set()


async def _start(client: Client, task_queue: str, process: Process, opening: Opening) -> bool:
    try:
        await start_case(client, task_queue, process, opening)
    except WorkflowAlreadyStartedError:
        return False
    return True
