"""Nothing that is sent to a case, however large, odd or often, wedges it or ends it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.embedded_server import SMALL_UPDATES
from cases.errors import BadForm
from cases.messages import Opening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.rules.stage import Stage
from tests.support.temporal.life import Life, Open, at, eventually, fired
from tests.support.temporal.servers import start_server
from workflows.opening import start_case
from workflows.registry import PROCESSES

MEGABYTE = 1_000_000
SUGGESTED_AFTER = 60
"""Events after which the second server suggests to continue as new."""


@pytest_asyncio.fixture
async def bounded(stage: Stage, settings: Settings) -> AsyncIterator[WorkflowEnvironment]:
    """Run a server that, as ours, refuses updates above 1 MiB, and soon suggests to continue as new."""
    flag = f"limit.historyCount.suggestContinueAsNew={SUGGESTED_AFTER}"
    server = await start_server(*SMALL_UPDATES, "--dynamic-config-value", flag)
    async with make_worker(server.client, settings, Dependencies(stage, stage, stage)):
        yield server
    await server.shutdown()


def evidence(pieces: int, length: int = 1) -> dict[str, Any]:
    return {"evidence": [{"kind": "sms", "url": "u" * length} for _ in range(pieces)]}


async def refused(life: Life, rule: str, form: dict[str, Any]) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await asyncio.wait_for(life.act(rule, form), PATIENCE_SECONDS)
    return str(failed.value.cause)


async def obeys(life: Life) -> None:
    """Assert that the case answers, its clock runs, and none of its workflow tasks has failed."""
    assert (await life.view())["status"] == "open"
    await life.reach("48h")
    assert at(await life.until_state("awaiting_shipment"), "auto_agree") == life.opened + timedelta(hours=48)
    assert await life.wedged() == []


@pytest.mark.parametrize("update", ["refuse", "retry_effect", "done_by_hand", "no_such_update"])
async def test_g_4_what_is_too_large_for_a_decision_is_refused_in_words_and_changes_nothing(
    open_case: Open, update: str
) -> None:
    life = await open_case()
    for size in (2_090_000, MEGABYTE // 10):
        told = await refused(life, update, {"reason": "无货", **evidence(size // 2000, 1965)})
        assert ("过大" in told) == (update != "no_such_update"), told
    assert fired(await life.view()) == []
    await obeys(life)


async def test_an_update_that_no_worker_could_accept_is_refused_by_our_server(
    bounded: WorkflowEnvironment, opening: Open
) -> None:
    life = await opening(of=bounded)
    await life.view()
    with pytest.raises(RPCError, match="in-flight"):
        await life.handle.execute_update("refuse", "x" * 3 * MEGABYTE)
    await obeys(life)


async def test_g_4_too_many_pieces_of_evidence_are_refused_in_words(open_case: Open) -> None:
    life = await open_case()
    told = await refused(life, "refuse", {"reason": "无货", **evidence(1000)})
    assert "evidence" in told
    assert "20" in told
    await obeys(life)


async def test_g_3_messages_that_are_too_large_are_kept_clipped(bounded: WorkflowEnvironment, opening: Open) -> None:
    life = await opening(of=bounded)
    later = (life.opened + timedelta(minutes=5)).isoformat()
    for number in range(5):
        await life.report(
            message_id=f"m{number}", rule="sign", occurred_at=later, form={"note": "x" * 950_000}, otherwise=["ship"]
        )
    seen = await life.until("taken", lambda seen: seen["ignored_in_all"] == 5)
    assert [message["message_id"] for message in seen["ignored"]] == [f"m{number}" for number in range(5)]
    assert len(json.dumps(seen)) < 20_000
    await obeys(life)


async def test_g_3_signals_of_unknown_names_do_not_fill_a_case(bounded: WorkflowEnvironment, opening: Open) -> None:
    life = await opening(of=bounded)
    await asyncio.gather(*(life.handle.signal(f"no_such_{number}", "x") for number in range(SUGGESTED_AFTER)))

    async def again() -> bool:
        return len(await life.histories()) > 1

    await life.until("taken", lambda seen: seen["status"] == "open")
    await eventually("a new run", again)
    assert (await life.view())["ignored"] == []
    await obeys(life)


async def test_a_case_that_is_too_large_to_open_is_refused_in_words(environment: WorkflowEnvironment) -> None:
    many = [{"sub_order_id": f"SO{number}", "goods_amount": "1.00", "violating": True} for number in range(30_000)]
    facts = {
        "shop_id": "S1",
        "claim_id": "C1",
        "order_id": "O1",
        "violation": "late_shipment",
        "opened_by": "buyer",
        "opened_at": "2026-01-05T01:00:00Z",
    }
    claims = PROCESSES["claim_1688"]
    with pytest.raises(BadForm, match="过大"):
        await start_case(environment.client, "none", claims, Opening(facts={**facts, "sub_orders": many}))
    with pytest.raises(BadForm, match=r"sub_orders.*200"):
        await start_case(environment.client, "none", claims, Opening(facts={**facts, "sub_orders": many[:201]}))
