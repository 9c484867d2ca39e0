"""Bulk openings: no more are ahead of a decision than a worker takes at once; without a worker none is held back."""

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from aftersales.importing import batch
from aftersales.importing.batch import open_cases
from aftersales.runtime.temporal import opening_pace
from aftersales.runtime.temporal.opening_pace import ASKED_EVERY, OpeningPace
from cases.messages import Opening
from tests.support.records.register import Register
from tests.support.temporal.life import PROCESS, facts
from workflows.registry import PROCESSES


class Workers:
    """A client whose workers answer for a case once they are let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.reached, self.answer = asyncio.Event(), asyncio.Event()
        self.fails: RPCError | None = None

    def get_workflow_handle(self, case_id: str) -> Any:
        workers = self

        class Handle:
            async def query(self, *_: Any, **__: Any) -> None:
                workers.asked.append(case_id)
                workers.reached.set()
                if workers.fails:
                    raise workers.fails
                await workers.answer.wait()

        return Handle()


async def test_openings_wait_for_a_worker_that_is_behind() -> None:
    workers, pace, count = Workers(), OpeningPace(), 0

    async def opening() -> None:
        nonlocal count
        for number in range(ASKED_EVERY * 3):
            count += 1
            await pace.opened(workers, f"c{number}")  # type: ignore[arg-type]

    task = asyncio.create_task(opening())
    await workers.reached.wait()
    assert (count, task.done()) == (ASKED_EVERY, False)
    workers.answer.set()
    await task
    assert len(workers.asked) == 3


async def test_where_no_worker_answers_openings_are_not_held_back_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    workers, pace = Workers(), OpeningPace()
    workers.fails = RPCError("no poller", RPCStatusCode.FAILED_PRECONDITION, b"")
    for number in range(ASKED_EVERY * 10):
        await pace.opened(workers, f"c{number}")  # type: ignore[arg-type]
    assert len(workers.asked) == 1
    monkeypatch.setattr(opening_pace, "UNPACED_SECONDS", 0.0)
    pace = OpeningPace()
    for number in range(ASKED_EVERY * 10):
        await pace.opened(workers, f"c{number}")  # type: ignore[arg-type]
    assert len(workers.asked) == 11


async def test_cases_opened_together_are_paced(
    environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def note(_: OpeningPace, client: Client, case_id: str) -> None:
        assert client is environment.client
        asked.append(case_id)

    monkeypatch.setattr(batch.OpeningPace, "opened", note)
    cases = [(PROCESSES[PROCESS], Opening(facts=facts(uuid.uuid4().hex[:12]))) for _ in range(3)]
    with environment.with_time_skipping_disabled():
        opened = await open_cases(environment.client, "nobody's", Register(), [*cases, cases[0]])
    assert sorted(asked) == sorted(row["case_id"] for row in opened if row["opened"])
