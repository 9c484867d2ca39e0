"""The effects of a case (G-7, G-8): performed in order, beside its clocks, and never lost."""

from tests.support.rules.stage import UNREACHABLE
from tests.support.temporal.life import Open

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}


async def test_dr_10_the_penalty_is_entered_in_the_ledger(open_case: Open) -> None:
    life = await open_case()
    await life.reach("96h")
    assert (await life.until_closed())["state"] == ["refunded"]
    assert {entry.clause: entry.amount and str(entry.amount) for entry in life.scene.entries.values()} == {
        "DR-10": "3.00",
        "DR-11": None,
    }


async def test_g_7_with_nothing_stuck_there_is_nothing_to_retry(open_case: Open) -> None:
    life = await open_case()
    before = await life.kinds()
    for update in ("retry_effect", "done_by_hand"):
        assert "无 (none)" in (await life.refused(update)).message
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


async def test_g_8_a_task_that_the_end_of_the_case_made_moot_is_withdrawn(open_case: Open) -> None:
    life = await open_case()
    await life.act("mark_out_of_stock")
    await life.until("console task", lambda seen: seen["waits_for_operator"])
    await life.act("withdraw")
    assert (await life.until_over())["state"] == ["withdrawn"]
    seen = await life.view()
    assert (seen["effects"], seen["waits_for_operator"], seen["finished"]) == ([], False, True)
    attributes = (await life.handle.describe()).typed_search_attributes
    assert {pair.key.name: pair.value for pair in attributes}["CaseNeedsOperator"] is False


async def test_g_7_a_ledger_that_is_down_is_tried_again(open_case: Open) -> None:
    life = await open_case()
    await life.reach("49h")
    await life.until_recorded()
    life.scene.fails["ledger"] = UNREACHABLE
    await life.reach("96h2m")
    seen = await life.until_closed()
    assert (life.scene.entries, life.scene.outcomes) == ({}, [])
    life.scene.fails.clear()
    await life.pass_time("6m")
    await life.until_recorded("refunded")
    assert sorted(life.scene.entries) == sorted(entry["key"] for entry in seen["ledger"])
