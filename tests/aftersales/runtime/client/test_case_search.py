"""Which of a case's runs counts, once it has been ended early, revived, and ended again."""

import uuid

import pytest
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from aftersales.runtime.client import case_search
from aftersales.runtime.client.case_search import ENDED_EARLY_STATUSES, newest_runs
from tests.support.temporal.life import eventually
from tests.support.temporal.listed import list_case
from workflows.engine import search_attributes as sa


async def test_a_run_that_ended_early_is_listed_unless_the_case_has_a_later_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_search, "_ASKED_AT_ONCE", 2)
    shop = uuid.uuid4().hex
    cases = [await list_case(client, shop) for _ in range(3)]
    revived, ended_twice, _ = cases

    async def runs(number: int) -> list[WorkflowExecution]:
        """Return the runs that ended early, once the server lists so many."""
        listed: list[WorkflowExecution] = []

        async def are_listed() -> bool:
            query = f"{sa.SHOP.name} = '{shop}' AND {ENDED_EARLY_STATUSES}"
            listed[:] = [run async for run in client.list_workflows(query)]
            return len(listed) == number

        await eventually(f"{number} runs ended early", are_listed)
        return listed

    for case_id in cases:
        await client.get_workflow_handle(case_id).terminate()
    first = await runs(3)
    assert {run.id for run in await newest_runs(client, first)} == {*cases}

    for case_id in (revived, ended_twice):
        await list_case(client, shop, case_id=case_id)
    await client.get_workflow_handle(ended_twice).terminate()
    both = await runs(4)
    newest = {run.id: run.run_id for run in await newest_runs(client, both)}
    assert {*newest} == {*cases} - {revived}
    assert newest[ended_twice] not in {run.run_id for run in first}
    assert ended_twice not in {run.id for run in await newest_runs(client, first)}


async def test_however_many_ended_early_the_server_is_asked_a_few_times(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = uuid.uuid4().hex
    cases = [await list_case(client, shop) for _ in range(5)]
    for case_id in cases:
        await client.get_workflow_handle(case_id).terminate()
    listed = [await client.get_workflow_handle(case_id).describe() for case_id in cases]
    asked: list[str | None] = []
    ask = type(client).list_workflows

    def counted(own: Client, query: str | None = None, **options: object) -> object:
        asked.append(query)
        return ask(own, query, **options)  # type: ignore[arg-type]

    async def describe(*_: object, **__: object) -> None:
        raise RPCError("each case is asked for by itself", None, b"")  # type: ignore[arg-type]

    monkeypatch.setattr(type(client), "list_workflows", counted)
    monkeypatch.setattr(type(client.get_workflow_handle("x")), "describe", describe)

    assert len(await newest_runs(client, listed)) == len(cases)
    assert len(asked) == 1
