"""Facts count when they happened (G-11): what was told late puts the ledger and the outcome right."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.settings import Settings
from cases.errors import LedgerUnreachable
from tests.support.processes.delays import delay_facts
from tests.support.rules.stage import Scene, Stage
from tests.support.temporal.life import Life, Open, at, eventually, fired, whole_now

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
OpenDelay = Callable[..., Awaitable[Life]]


@pytest.fixture
def open_delay(worker: None, environment: WorkflowEnvironment, settings: Settings, stage: Stage) -> OpenDelay:
    """Open JD delay cards."""

    async def opened(**changes: str) -> Life:
        own_id, began = uuid.uuid4().hex[:12], whole_now()
        case_id = f"jd_delay_card/{own_id}"
        scene = stage.scenes[case_id] = Scene()
        with environment.with_time_skipping_disabled():
            handle = await environment.client.start_workflow(
                "jd_delay_card",
                {"facts": delay_facts(began, own_id, **changes)},
                id=case_id,
                task_queue=settings.task_queue,
            )
        life = Life(environment, handle, scene, began)
        await life.view()
        return life

    return opened


def instant(life: Life, offset_hours: float) -> str:
    return (life.opened + timedelta(hours=offset_hours)).isoformat()


async def recorded(life: Life, holds: Callable[[Any], bool]) -> Any:
    async def look() -> Any:
        return life.scene.records[-1] if life.scene.records and holds(life.scene.records[-1]) else None

    return await eventually(f"{life.id}: recorded", look)


async def test_g_11_a_parcel_shipped_in_time_and_told_late_takes_its_violation_back(open_delay: OpenDelay) -> None:
    life = await open_delay(sent_at="0s", promised_ship_at="20d", proposed_ship_at="48h")
    await life.report(message_id="m1", rule="accept")
    await life.until_state("approved")
    await life.reach("49h")
    assert (await life.until_state("late"))["state"] == ["late"]
    await life.act("ship", {**SHIPMENT, "occurred_at": instant(life, 47)})
    seen = await life.until_closed()
    assert (seen["state"], seen["ledger"]) == (["shipped_on_time"], [])
    assert [entry["rule"] for entry in seen["taken_back"]] == ["miss_agreed_ship"]
    await life.until_recorded("shipped_on_time")
    assert life.scene.entries == {}


async def test_g_11_an_entry_that_was_recorded_is_reversed_in_the_ledger(open_case: Open) -> None:
    life = await open_case(reason="other")
    await life.act("agree")
    await life.pass_time("49h")
    seen = await life.until_state("overdue")
    await recorded(life, lambda record: len(record.entries) == 2)
    shipped = at(seen, "agree") + timedelta(hours=47)
    await life.report(message_id="m1", rule="ship", form=SHIPMENT, occurred_at=shipped.isoformat())
    seen = await life.until_state("in_transit")
    assert [(entry["clause"], entry["status"]) for entry in seen["ledger"]] == [
        ("DR-10", "reversed"),
        ("DR-11", "reversed"),
    ]
    record = await recorded(life, lambda record: record.entries == ())
    assert record.outcome is None
    assert at(seen, "ship") == shipped


async def test_g_11_a_case_ended_by_assumption_is_put_right_and_its_outcome_told_again(open_case: Open) -> None:
    life = await open_case()
    await life.reach("96h")
    seen = await life.until_closed()
    assert (seen["state"], seen["finished"]) == (["refunded"], False)
    await life.until_recorded("refunded")
    await life.reach("5d")
    shipped = instant(life, 95)
    await life.report(message_id="m1", rule="ship", form=SHIPMENT, occurred_at=shipped)
    seen = await life.until_state("in_transit")
    record = await recorded(life, lambda record: record.outcome is None)
    assert (record.entries, seen["status"]) == ((), "open")
    await life.report(message_id="m2", rule="sign")
    await life.until_recorded("refunded", "completed")
    assert (await life.until_over())["state"] == ["completed"]
    told = [ending.key for ending in life.scene.endings]
    assert len(told) == len(set(told)) == 2
    assert [ending.state for ending in life.scene.endings] == ["refunded", "completed"]
    assert life.scene.entries == {}
    assert await life.wedged() == []


async def test_g_11_a_case_put_right_while_it_stays_closed_is_recorded_again(open_case: Open) -> None:
    life = await open_case()
    await life.reach("96h")
    await life.until_recorded("refunded")
    await life.report(message_id="m1", rule="withdraw", occurred_at=instant(life, 95))
    await life.until_recorded("refunded", "withdrawn")
    assert (await life.until_over())["state"] == ["withdrawn"]
    assert [ending.state for ending in life.scene.endings] == ["refunded", "withdrawn"]
    assert len({ending.key for ending in life.scene.endings}) == 2
    assert life.scene.entries == {}
    attributes = (await life.handle.describe()).typed_search_attributes
    assert {pair.key.name: pair.value for pair in attributes}["CaseState"] == "买家已撤销"


async def test_g_11_what_changes_nothing_is_not_told_again(open_case: Open) -> None:
    life = await open_case()
    await life.reach("96h")
    await life.until_recorded("refunded")
    recorded = len(life.scene.records)
    for number in range(3):
        await life.report(message_id=f"m{number}", rule="sign", occurred_at=instant(life, 90 + number))
    await life.until("ignored", lambda seen: seen["ignored_in_all"] == 3)
    await life.pass_time("8d")
    assert (await life.until_over())["state"] == ["refunded"]
    assert (len(life.scene.records), len(life.scene.endings)) == (recorded, 1)


async def test_g_11_a_case_ended_by_a_fact_completes_at_once(open_case: Open) -> None:
    life = await open_case()
    await life.report(message_id="m1", rule="withdraw")
    assert (await life.until_over())["state"] == ["withdrawn"]
    assert fired(await life.view()) == ["withdraw"]


async def test_a_case_is_closed_by_one_local_call(open_case: Open) -> None:
    life = await open_case()
    await life.report(message_id="m1", rule="withdraw")
    await life.until_over()
    kinds = await life.kinds()
    assert [kind for kind in kinds if kind.startswith("ACTIVITY")] == []
    assert kinds.count("MARKER_RECORDED") == 1
    assert ([outcome.state for outcome in life.scene.outcomes], len(life.scene.endings)) == (["withdrawn"], 1)


async def test_g_11_an_outcome_that_was_put_right_before_the_ledger_answered_is_never_told(open_case: Open) -> None:
    life = await open_case()
    await life.reach("49h")
    await life.until_recorded()
    life.scene.fails["ledger"] = LedgerUnreachable("away")
    await life.reach("97h")
    assert (await life.until_closed())["state"] == ["refunded"]
    await life.report(message_id="m1", rule="withdraw", occurred_at=instant(life, 95))
    await life.until_state("withdrawn")
    life.scene.fails.clear()
    await life.pass_time("30m")
    await life.until_recorded("withdrawn")
    assert (await life.until_over())["state"] == ["withdrawn"]
    assert [ending.state for ending in life.scene.endings] == ["withdrawn"]
    assert life.scene.entries == {}
