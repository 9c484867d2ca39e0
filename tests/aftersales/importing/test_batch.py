"""Opening many cases: each once for ever, entered in the ledger, and nothing blindly."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from aftersales.importing import batch
from aftersales.importing.batch import open_cases
from aftersales.runtime.client.known_cases import find_workflow
from aftersales.runtime.temporal import opening_pace
from cases.errors import LedgerUnreachable
from cases.ledger import OpenedCase
from cases.messages import Opening
from tests.support.records.booking import ended
from tests.support.records.register import Register
from tests.support.temporal.early_ends import forgotten
from tests.support.temporal.life import PROCESS, facts
from workflows.engine.process import Process
from workflows.registry import PROCESSES

NOBODYS = "nobody's"


@pytest.fixture
def client(environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of a server without a worker, which is therefore not waited for."""
    monkeypatch.setattr(opening_pace, "PROBE_PATIENCE", timedelta(milliseconds=100))
    with environment.with_time_skipping_disabled():
        yield environment.client


@pytest.fixture
def ledger() -> Register:
    return Register()


def cases(*own_ids: str) -> list[tuple[Process, Opening]]:
    return [(PROCESSES[PROCESS], Opening(facts=facts(own_id))) for own_id in own_ids]


def ids(count: int) -> list[str]:
    return [uuid.uuid4().hex[:12] for _ in range(count)]


async def test_g_14_a_case_that_temporal_has_forgotten_is_not_opened_again(client: Client, ledger: Register) -> None:
    over, new = ids(2)
    await open_cases(client, NOBODYS, ledger, cases(over))
    await client.get_workflow_handle(f"{PROCESS}/{over}").terminate()
    ledger.record_outcome(ended(over, "withdrawn", process=PROCESS))
    await forgotten(client, f"{PROCESS}/{over}")
    (first, second) = await open_cases(client, NOBODYS, ledger, cases(over, new))
    assert (first["opened"], second) == (False, {"case_id": f"{PROCESS}/{new}", "opened": True})
    assert first["why"] == "此前已新建,已于 2026-11-05 09:00 结束 / opened before, ended: 买家已撤销 withdrawn"
    assert await find_workflow(client, f"{PROCESS}/{over}") is None


async def test_a_case_that_only_temporal_knows_says_how_it_ended(client: Client) -> None:
    """The ledger has not heard of it: the program that started it died before it could enter it."""
    halted, open_one = ids(2)
    await open_cases(client, NOBODYS, Register(), cases(halted, open_one))
    await client.get_workflow_handle(f"{PROCESS}/{halted}").terminate()
    (first, second) = await open_cases(client, NOBODYS, Register(), cases(halted, open_one))
    assert first["why"].endswith(f"its workflow terminated: aftersales revive {PROCESS}/{halted}")
    assert second == {"case_id": f"{PROCESS}/{open_one}", "opened": False}


async def test_every_case_opened_is_entered_in_the_ledger_many_together(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_ENTERED_TOGETHER", 10)

    class Counting(Register):
        writes: Sequence[int] = ()

        def opened(self, cases: Sequence[OpenedCase]) -> None:
            self.writes = (*self.writes, len(cases))
            super().opened(cases)

    ledger, own_ids = Counting(), ids(15)
    await open_cases(client, NOBODYS, ledger, cases(*own_ids))
    assert {case.case_id for case in ledger.entered} == {f"{PROCESS}/{own_id}" for own_id in own_ids}
    assert len(ledger.writes) == 2
    assert not any(row["opened"] for row in await open_cases(client, NOBODYS, ledger, cases(*own_ids)))


async def test_g_14_while_the_ledger_is_away_nothing_is_opened_blindly(client: Client, ledger: Register) -> None:
    ledger.away = True
    own_ids = ids(3)
    with pytest.raises(LedgerUnreachable):
        await open_cases(client, NOBODYS, ledger, cases(*own_ids))
    assert [await find_workflow(client, f"{PROCESS}/{own_id}") for own_id in own_ids] == [None] * 3


async def test_what_was_opened_before_a_refusal_is_entered_all_the_same(
    client: Client, ledger: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = ids(2)
    start = batch.start_case

    async def refusing(client: Client, queue: str, process: Process, opening: Opening) -> Any:
        if opening.facts["after_sale_id"] == bad:
            raise RuntimeError("refused")
        return await start(client, queue, process, opening)

    monkeypatch.setattr(batch, "start_case", refusing)
    monkeypatch.setattr(batch, "_CONCURRENT", 1)
    with pytest.raises(RuntimeError):
        await open_cases(client, NOBODYS, ledger, cases(good, bad))
    assert [case.case_id for case in ledger.entered] == [f"{PROCESS}/{good}"]
