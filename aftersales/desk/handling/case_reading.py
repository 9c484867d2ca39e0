"""Reading cases for a user: who may not see a case's shop is told that there is no such case."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Final

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.desk.access.users import User
from cases.case import Facts
from cases.errors import CaseError
from cases.models import read
from workflows.engine.view import CaseView
from workflows.registry import process_of

NO_ANSWER: Final = "案件现在没有应答,请稍后刷新;一直这样,请告诉管理员"
READING_PATIENCE: Final = timedelta(seconds=10)
"""How long a page waits for a worker's answer."""
LISTING_PATIENCE: Final = timedelta(seconds=2)
"""How long a list does: cases that no worker answers for must not keep it from reading the others."""
READ_AT_ONCE: Final = 16
"""Cases read at the same time for lists; a case's own page does not wait for them."""
FRESH_SECONDS: Final = 5.0
"""How long a list shows what was read before; a case's own page always reads it again."""
UNCHANGED_SECONDS: Final = 30.0
"""How long it does if the server lists the case as it did then: to read a case costs more than to list fifteen."""
MOST_VIEWS: Final = 2000


@dataclass(frozen=True)
class _Kept:
    """What was read of a case, when, and what the server listed of it then, if that is known."""

    at: float
    case: CaseView
    looks: Hashable


class CaseReader:
    """Reads cases, and keeps for a few seconds what lists show of them."""

    def __init__(self, client: Client) -> None:
        """Read with this client."""
        self._client, self._reading = client, asyncio.Semaphore(READ_AT_ONCE)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._being_read: dict[str, asyncio.Task[CaseView | None]] = {}

    async def read(self, user: User, case_id: str) -> CaseView | None:
        """Return a case; None if there is none that the user sees.  Raises CaseError if no worker answers."""
        seen = self._keep(case_id, await self._read(case_id))
        return seen if seen and user.sees(facts_of(seen).shop) else None

    async def read_some(
        self, case_ids: Iterable[str], within: float, looks: Mapping[str, Hashable] = MappingProxyType({})
    ) -> dict[str, CaseView]:
        """Return those of the cases that can be read within some seconds, or were read before.

        What comes later is kept for next time.  ``looks``: what the server lists of the cases, as far as it is known; a
        case that looks as it did when it was read is not read again so soon, and one that looks different at once.
        """
        wanted = list(dict.fromkeys(case_ids))
        fresh = {
            name: kept.case for name in wanted if (kept := self._kept.get(name)) and _is_fresh(kept, looks.get(name))
        }
        tasks = {name: self._started(name, looks.get(name)) for name in wanted if name not in fresh}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=within)
        read = {name: task.result() for name, task in tasks.items() if task.done()}
        late = {name: kept.case for name in tasks if name not in read and (kept := self._kept.get(name))}
        return fresh | late | {name: seen for name, seen in read.items() if seen is not None}

    def forget(self, case_id: str) -> None:
        """Read a case again when it is listed next, since it has been changed."""
        self._kept.pop(case_id, None)
        self._being_read.pop(case_id, None)

    def _started(self, case_id: str, looks: Hashable) -> asyncio.Task[CaseView | None]:
        """Return the task that reads a case, which those who ask for it at the same time share."""
        task = self._being_read.get(case_id)
        if task is None:
            task = self._being_read[case_id] = asyncio.create_task(self._try(case_id, looks))
            task.add_done_callback(partial(self._ended, case_id))
        return task

    def _ended(self, case_id: str, task: asyncio.Task[CaseView | None]) -> None:
        if self._being_read.get(case_id) is task:
            del self._being_read[case_id]

    async def _try(self, case_id: str, looks: Hashable) -> CaseView | None:
        try:
            async with self._reading:
                return self._keep(case_id, await self._read(case_id, LISTING_PATIENCE), looks)
        except CaseError:
            return None  # the list shows what the server knows of it

    async def _read(self, case_id: str, patience: timedelta = READING_PATIENCE) -> CaseView | None:
        try:
            seen: CaseView = await self._client.get_workflow_handle(case_id).query(
                "view", result_type=CaseView, rpc_timeout=patience
            )
        except RPCError as failed:
            if failed.status is RPCStatusCode.NOT_FOUND:
                return None
            raise CaseError(f"{NO_ANSWER} / no worker answers: {failed.message}") from failed
        except WorkflowQueryFailedError as failed:
            raise CaseError(f"{case_id}: 无法读取 / cannot be read: {failed}") from failed
        return seen

    def _keep(self, case_id: str, seen: CaseView | None, looks: Hashable = None) -> CaseView | None:
        if seen is not None:
            self._kept[case_id] = _Kept(time.monotonic(), seen, looks)
            self._kept.move_to_end(case_id)
            while len(self._kept) > MOST_VIEWS:
                self._kept.popitem(last=False)
        return seen


def _is_fresh(kept: _Kept, looks: Hashable) -> bool:
    age = time.monotonic() - kept.at
    if looks is None or kept.looks is None:
        return age < FRESH_SECONDS
    return kept.looks == looks and age < UNCHANGED_SECONDS


def facts_of(case: CaseView) -> Facts:
    """Return the facts with which a case was opened."""
    return read(process_of(case.process).case.facts_type(), case.facts, "facts")
