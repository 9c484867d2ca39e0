"""The effects of a case (G-7, G-8): performed in order, beside its clocks, and never lost."""

import pytest
from temporalio.client import WorkflowUpdateFailedError

from tests.support.life import Open, fired
from tests.support.stage import BUSINESS, UNREACHABLE, Scene

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}


async def test_effects_are_performed_in_order_with_keys_of_their_own(open_case: Open) -> None:
    life = await open_case()
    await life.act("agree")
    await life.act("ship", SHIPMENT)
    await life.until("performed", lambda seen: not seen["busy"])
    assert [(call.effect, call.key) for call in life.scene.calls] == [
        ("agree_on_platform", f"{life.id}/1"),
        ("push_tracking_number", f"{life.id}/2"),
    ]
    assert life.scene.calls[1].form == SHIPMENT


async def test_dr_10_the_penalty_is_entered_in_the_ledger(open_case: Open) -> None:
    life = await open_case()
    await life.reach("96h")
    assert (await life.until_closed())["state"] == ["refunded"]
    assert {entry.clause: entry.amount and str(entry.amount) for entry in life.scene.entries.values()} == {
        "DR-10": "3.00",
        "DR-11": None,
    }


async def test_g_7_a_business_refusal_needs_an_operator_at_once_and_the_clock_runs_on(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": BUSINESS}))
    await life.act("agree")
    seen = await life.until("needs operator", lambda seen: seen["needs_operator"])
    assert seen["effects"][0]["status"] == "needs_operator"
    assert seen["effects"][0]["why"] == f"PlatformRefused: {BUSINESS}"
    await life.reach("49h")
    seen = await life.until("refunded", lambda seen: seen["state"] == ["refunded"])
    assert not seen["finished"]  # somebody still has to look after the refused step


async def test_g_7_an_outage_of_the_platform_stops_no_clock_and_no_person(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": UNREACHABLE}))
    await life.act("agree")
    await life.reach("30m")
    seen = await life.view()
    assert (seen["busy"], seen["effects"][0]["status"]) == (True, "owed")
    await life.act("ship", SHIPMENT)  # a person goes on; the platform is called in order once it answers
    assert life.scene.performed == []
    life.scene.fails.clear()
    await life.pass_time("6m")
    await life.until("performed", lambda seen: not seen["busy"])
    assert life.scene.performed == ["agree_on_platform", "push_tracking_number"]


async def test_g_7_an_outage_past_the_budget_needs_an_operator_and_can_be_retried(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": UNREACHABLE}))
    await life.act("agree")
    await life.pass_time("61m")
    seen = await life.until("needs operator", lambda seen: seen["needs_operator"])
    assert "PlatformUnreachable" in seen["effects"][0]["why"]
    life.scene.fails.clear()
    await life.act("retry_effect")
    seen = await life.until("done", lambda seen: seen["effects"][0]["status"] == "done")
    assert [call.key for call in life.scene.calls] == [f"{life.id}/1"]
    assert not seen["needs_operator"]


async def test_g_7_a_clock_that_runs_out_in_an_outage_runs_out(open_case: Open) -> None:
    life = await open_case(
        reason="other", scene=Scene(fails={"agree_on_platform": UNREACHABLE}), policy={"shipping": "30m"}
    )
    await life.act("agree")
    await life.pass_time("31m")
    seen = await life.until("overdue", lambda seen: seen["state"] == ["overdue"])
    assert fired(seen) == ["agree", "miss_shipment"]
    assert seen["effects"][0]["status"] == "owed"


async def test_g_7_done_by_hand_lets_a_closed_case_end(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": BUSINESS}))
    await life.act("agree")
    await life.until("needs operator", lambda seen: seen["needs_operator"])
    await life.act("withdraw")
    assert (await life.view())["status"] == "closed"
    await life.act("done_by_hand", {"note": "后台已处理"})
    assert (await life.until_closed())["state"] == ["withdrawn"]
    attributes = (await life.handle.describe()).typed_search_attributes
    assert {pair.key.name: pair.value for pair in attributes}["CaseNeedsOperator"] is False


async def test_g_7_with_nothing_stuck_there_is_nothing_to_retry(open_case: Open) -> None:
    life = await open_case()
    before = await life.kinds()
    for update in ("retry_effect", "done_by_hand"):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await life.act(update)
        assert "无 (none)" in str(refused.value.cause)
    assert await life.kinds() == before


async def test_g_8_out_of_stock_is_a_task_in_the_console_that_the_operator_confirms(open_case: Open) -> None:
    life = await open_case()
    await life.act("mark_out_of_stock")
    seen = await life.until(
        "console task", lambda seen: seen["effects"] and seen["effects"][0]["status"] == "console_task"
    )
    assert "售后工作台" in seen["effects"][0]["task"]["page"]
    assert "撤销" in seen["effects"][0]["task"]["instruction"]
    assert not seen["needs_operator"]  # nothing went wrong
    assert life.scene.performed == []
    await life.act("done_by_hand", {"serial": seen["effects"][0]["serial"]})
    seen = await life.view()
    assert (seen["effects"][0]["status"], seen["needs_operator"]) == ("done", False)


async def test_g_7_a_ledger_that_is_down_is_tried_again(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"ledger": UNREACHABLE}))
    await life.reach("96h2m")
    seen = await life.until("owed", lambda seen: seen["status"] == "closed" and seen["busy"])
    life.scene.fails.clear()
    await life.pass_time("6m")
    await life.until_closed()
    assert sorted(life.scene.entries) == sorted(entry["key"] for entry in seen["ledger"])
