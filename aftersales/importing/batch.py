"""Opening many cases on a server, several at once and every case only once ever (G-14)."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from aftersales.runtime.client.known_cases import CaseRegister, find_workflow, known_from, opened_case, where_it_ended
from aftersales.runtime.temporal.opening_pace import OpeningPace
from cases.ledger import KnownCase, OpenedCase
from cases.messages import Opening
from cases.ports import Ledger
from workflows.engine.process import Process
from workflows.opening import start_case

_CONCURRENT: Final = 4
"""Openings at the same time: more of them would only stand before the operators' decisions."""
_ENTERED_TOGETHER: Final = 100
_AT_ONCE: Final = 1000
"""Cases that are read into memory and looked up together."""


def case_id(process: Process, opening: Opening) -> str:
    """Return the id of the case that an opening starts."""
    return f"{process.name}/{process.open_case(opening).facts.own_id}"


async def open_cases(
    client: Client,
    task_queue: str,
    ledger: Ledger,
    cases: Iterable[tuple[Process, Opening]],
    on_result: Callable[[dict[str, Any]], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Open cases, leaving those opened before as they are; ``on_result`` is called with the result of every case.

    The result of a case that was opened before and has ended says ``why`` it is not opened.  Raises LedgerUnreachable:
    a case may have ended and been forgotten by Temporal, which only the ledger knows.
    """
    opener, waiting, results = _Opener(client, task_queue, CaseRegister(ledger), on_result), iter(cases), list[Any]()
    while some := [(opened_case(process, opening), process, opening) for process, opening in islice(waiting, _AT_ONCE)]:
        results += await opener.open(some)
    return results


async def known_case_ids(ledger: Ledger, cases: Iterable[tuple[Process, Opening]]) -> set[str]:
    """Return the ids of those cases that were ever opened; raises LedgerUnreachable."""
    register, waiting, known = CaseRegister(ledger), iter(cases), set[str]()
    while some := [case_id(process, opening) for process, opening in islice(waiting, _AT_ONCE)]:
        known.update(await register.known(some))
    return known


class _Opener:
    def __init__(
        self, client: Client, task_queue: str, register: CaseRegister, on_result: Callable[[dict[str, Any]], None]
    ) -> None:
        self._client, self._task_queue, self._register, self._on_result = client, task_queue, register, on_result
        self._known: dict[str, KnownCase] = {}
        self._new: list[OpenedCase] = []
        self._results: dict[int, dict[str, Any]] = {}

    async def open(self, cases: list[tuple[OpenedCase, Process, Opening]]) -> list[dict[str, Any]]:
        self._known = await self._register.known([case.case_id for case, *_ in cases])
        self._results = {}
        waiting = iter(enumerate(cases))

        async def work() -> None:
            pace = OpeningPace()
            for number, (case, process, opening) in waiting:
                self._results[number] = await self._open(case, process, opening)
                if self._results[number]["opened"]:
                    await pace.opened(self._client, case.case_id)
                self._on_result(self._results[number])
                if len(self._new) >= _ENTERED_TOGETHER:
                    await self._enter()

        tasks = [asyncio.create_task(work()) for _ in range(_CONCURRENT)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._enter()
        return [self._results[number] for number in sorted(self._results)]

    async def _open(self, case: OpenedCase, process: Process, opening: Opening) -> dict[str, Any]:
        known = self._known.get(case.case_id)
        if known is None:
            try:
                await start_case(self._client, self._task_queue, process, opening)
            except WorkflowAlreadyStartedError:
                found = await find_workflow(self._client, case.case_id)
                known = known_from(found) if found else None
            else:
                self._new.append(case)
                return {"case_id": case.case_id, "opened": True}
        ended = known if known and known.ended_at else None
        return {"case_id": case.case_id, "opened": False} | ({"why": where_it_ended(ended)} if ended else {})

    async def _enter(self) -> None:
        """Enter in the ledger what was opened; what a crash loses here is entered by the look for ended cases."""
        new, self._new = self._new, []
        if new:
            await self._register.opened(new)
