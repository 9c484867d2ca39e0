"""A batch whose plan somebody has changed, or that meets a fault: each step stands for itself."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.users import Role, User
from aftersales.desk.batch.batch_plan import BatchOrder, BatchStep, steps_as_text
from aftersales.desk.batch.batch_runs import RUNS_KEPT, BatchRuns
from aftersales.desk.handling.deciding import new_update_id
from aftersales.desk.services import DeskServices
from aftersales.ledger.store import SqlLedger
from tests.aftersales.desk.conftest import As, OpenOnDesk
from tests.aftersales.desk.test_batch import another_desk, results
from workflows.engine.view import CaseView

CLERK = User(name="张三", role=Role.SUPERVISE)


def plan_of(*steps: BatchStep, token: str = "0" * 32) -> dict[str, Any]:
    ticked = [str(number) for number in range(len(steps))]
    return {"token": token, "act": "x", "label": "x", "plan": steps_as_text(steps), "step": ticked}


def step(case_id: str, rule: str = "agree", **fields: Any) -> BatchStep:
    return BatchStep(case_id=case_id, rule=rule, update_id=new_update_id(rule.replace("-", "_")), **fields)


class NoCases:
    """A reader for which there are no cases, and which fails for some."""

    async def read(self, user: User, case_id: str) -> CaseView | None:
        del user
        if "broken" in case_id:
            raise ZeroDivisionError
        await asyncio.sleep(0)
        return None


def runs() -> BatchRuns:
    nobody: Any = None
    reader: Any = NoCases()
    return BatchRuns(reader, nobody, nobody)


def order(number: int, *case_ids: str) -> BatchOrder:
    return BatchOrder(token=f"{number:032x}", act="x", label="x", steps=tuple(map(step, case_ids)))


async def test_as_many_results_are_kept_as_is_promised_and_no_more(services: DeskServices) -> None:
    batches = runs()
    for number in range(RUNS_KEPT + 20):
        run = batches.start(order(number, "douyin_reship/1"), CLERK, services.client)
        assert run is not None
        assert run.task is not None
        await run.task
        first = batches.of(f"{0:032x}", CLERK)
        assert (first is not None) is (number < RUNS_KEPT)

    assert batches.of(f"{20:032x}", CLERK) is not None


async def test_a_fault_in_one_case_leaves_the_others_as_they_are(services: DeskServices) -> None:
    run = runs().start(order(1, "a/1", "a/broken", "a/3"), CLERK, services.client)
    assert run is not None
    assert run.task is not None
    await run.task

    assert [one.outcome and one.outcome.kind for one in run.steps] == ["forbidden", "unknown", "forbidden"]


async def test_a_plan_decides_about_the_order_that_was_looked_at_and_no_other(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await open_on_desk(
        "anxinjian_split",
        provider_id="P1",
        merchant_id="S1",
        item_id="I-forged-1",
        authentication_fee="20.00",
        freight_fee="12.00",
        sub_orders=[{"order_id": name, "carries_item": name == "O1"} for name in ("O1", "O2")],
    )
    forged = step(case_id, "sign_in", order="O2", argument={"order": "O1"})

    done = await results(desk, await desk.post("/batch/run", data=plan_of(forged), follow_redirects=True))

    assert "1 项成功" in done.text
    seen = await environment.client.get_workflow_handle(case_id).query("view", result_type=CaseView)
    assert [(entry.rule, entry.order) for entry in seen.timeline] == [("sign_in", "O2")]


@pytest.mark.parametrize("clerk", ["", "  ", "x" * 65, "a\nb", "a\x00b"])
async def test_a_case_is_given_to_nobody_who_has_no_name(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger, clerk: str
) -> None:
    case_id = await open_on_desk()
    forged = step(case_id, "assign", argument={"clerk": clerk, "instead_of": None})

    done = await results(desk, await desk.post("/batch/run", data=plan_of(forged), follow_redirects=True))

    assert "处理人:须为 1 至 64 个字" in done.text
    assert ledger.claims([case_id]) == {}


async def test_a_clerk_does_not_take_a_case_from_another_by_a_changed_plan(
    services: DeskServices, desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    case_id = await open_on_desk()
    await desk.post(f"/case/{case_id}", data={"desk-do": "claim"})
    async with another_desk(services, As(User(name="王五", role=Role.HANDLE))) as browser:
        for instead_of in (None, "", "张三", ["张三"]):
            plan = plan_of(step(case_id, "assign", argument={"clerk": "王五", "instead_of": instead_of}))
            plan["token"] = f"{abs(hash(json.dumps(instead_of))):032x}"
            await results(browser, await browser.post("/batch/run", data=plan, follow_redirects=True))

    assert ledger.claims([case_id])[case_id].clerk == "张三"
