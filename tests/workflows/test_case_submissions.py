"""Decisions count once the platform has taken them (G-10)."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from tests.support.rules.stage import BUSINESS, UNREACHABLE, Scene
from tests.support.temporal.life import Life, Open, at, due, fired
from tests.support.temporal.task_queues import Queue

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
REFUSAL = {"reason": "已签收"}


async def attributes(life: Life) -> dict[str, Any]:
    pairs = (await life.handle.describe()).typed_search_attributes
    return {pair.key.name: pair.value for pair in pairs if pair.key.name.startswith("Case")}


def decided(seen: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the decisions and what became of them."""
    return [(decision["rule"], decision["status"]) for decision in seen["decisions"]]


async def test_g_10_what_the_platform_takes_fires_and_is_answered_with_its_words(open_case: Open) -> None:
    life = await open_case(scene=Scene(says="已受理"))
    answer = await life.act("agree", key="k1")
    assert (answer["decision"], answer["said"], answer["state"]) == ("taken", "已受理", ["awaiting_shipment"])
    answer = await life.act("ship", SHIPMENT, key="k2")
    assert (answer["decision"], answer["state"]) == ("taken", ["in_transit"])
    assert "serial" not in answer
    assert [(call.effect, call.key, call.form) for call in life.scene.calls] == [
        ("agree_on_platform", f"{life.id}/agree_on_platform/k1", {}),
        ("push_tracking_number", f"{life.id}/push_tracking_number/k2", SHIPMENT),
    ]
    seen = await life.view()
    assert decided(seen) == [("agree", "taken"), ("ship", "taken")]
    assert not [kind for kind in await life.kinds() if kind.startswith("ACTIVITY")]  # local calls alone


async def test_g_10_what_the_platform_refuses_fails_with_its_words_and_nothing_has_moved(open_case: Open) -> None:
    life = await open_case()
    await life.act("agree")
    before, shown = await life.view(), await attributes(life)
    life.scene.fails["push_tracking_number"] = BUSINESS
    refused = await life.refused("ship", SHIPMENT)
    assert (refused.type, refused.message) == ("PlatformRefused", str(BUSINESS))
    seen = await life.view()
    for unmoved in ("state", "deadlines", "timeline", "effects", "notifications", "needs_operator"):
        assert seen[unmoved] == before[unmoved], unmoved
    assert decided(seen) == [("agree", "taken"), ("ship", "refused")]
    assert seen["decisions"][1]["why"] == str(BUSINESS)
    assert await attributes(life) == shown
    assert life.scene.troubles == []  # whoever decided has been answered
    await life.reach("47h")
    life.scene.fails.clear()
    assert (await life.act("ship", SHIPMENT))["decision"] == "taken"


async def test_g_10_the_clock_of_a_refused_decision_runs_out_at_its_instant(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"refuse_on_platform": BUSINESS}))
    await life.reach("47h")
    await life.refused("refuse", REFUSAL)
    await life.reach("48h")
    seen = await life.until_state("awaiting_shipment")
    assert (fired(seen), at(seen, "auto_agree")) == (["auto_agree"], life.opened + timedelta(hours=48))


async def test_g_10_without_an_answer_it_is_being_submitted_and_its_clock_runs_on(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": UNREACHABLE}))
    answer = await life.act("agree", key="k1")
    assert (answer["decision"], answer["state"]) == ("being_submitted", ["awaiting_merchant"])
    assert "task" not in answer
    seen = await life.view()
    assert due(seen) == life.opened + timedelta(hours=48)
    assert (decided(seen), fired(seen), seen["busy"]) == ([("agree", "being_submitted")], [], True)
    assert [(effect["effect"], effect["status"]) for effect in seen["effects"]] == [("agree_on_platform", "pending")]
    assert seen["effects"][0]["serial"] == answer["serial"]
    assert "提交中" in (await life.refused("refuse", REFUSAL)).message
    await life.reach("30m")
    life.scene.fails.clear()
    await life.pass_time("6m")
    seen = await life.until_state("awaiting_shipment")
    assert decided(seen) == [("agree", "taken")]
    assert at(seen, "agree") > life.opened + timedelta(minutes=30)  # when the platform took it
    assert [call.key for call in life.scene.calls] == [f"{life.id}/agree_on_platform/k1"]
    assert life.scene.troubles == []


async def test_g_10_sent_again_under_its_key_it_is_answered_and_not_submitted_again(open_case: Open) -> None:
    life = await open_case()
    for _ in range(2):
        assert (await life.act("agree", key="k1"))["decision"] == "taken"
    assert (fired(await life.view()), life.scene.performed) == (["agree"], ["agree_on_platform"])


async def test_g_10_refused_after_the_answer_it_is_dropped_and_operators_are_told_once(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": UNREACHABLE}))
    await life.act("agree")
    life.scene.fails["agree_on_platform"] = BUSINESS
    await life.pass_time("5m")
    seen = await life.until(
        "told", lambda seen: [notification["delivered"] for notification in seen["notifications"]] == [True]
    )
    assert (decided(seen), seen["state"], seen["effects"]) == ([("agree", "refused")], ["awaiting_merchant"], [])
    assert due(seen) == life.opened + timedelta(hours=48)
    (told,) = life.scene.troubles
    assert (told.serial, str(BUSINESS) in (told.why or "")) == (seen["decisions"][0]["serial"], True)
    assert not seen["waits_for_operator"]
    life.scene.fails.clear()
    await life.pass_time("10m")
    assert (await life.act("agree"))["decision"] == "taken"
    assert len(life.scene.troubles) == 1


async def test_g_10_a_clock_that_runs_out_meanwhile_drops_it_and_operators_are_told(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"refuse_on_platform": UNREACHABLE}))
    await life.reach("47h50m")
    await life.act("refuse", REFUSAL)
    await life.reach("48h")
    seen = await life.until_state("awaiting_shipment")
    assert (fired(seen), decided(seen)) == (["auto_agree"], [("refuse", "dropped")])
    await life.until("told", lambda seen: seen["notifications"] and seen["notifications"][0]["delivered"])
    (told,) = life.scene.troubles
    assert "超时自动同意" in (told.why or "")
    life.scene.fails.clear()
    await life.pass_time("2h")
    assert life.scene.performed == []  # nothing more is sent for it
    assert fired(await life.until_state("awaiting_shipment")) == ["auto_agree"]


async def test_g_10_what_is_being_submitted_is_not_carried_out_on_a_later_application(open_case: Open) -> None:
    life = await open_case(reason="short_shipped", scene=Scene(fails={"refuse_on_platform": UNREACHABLE}))
    await life.act("refuse", REFUSAL, key="first")
    await life.pass_time("1m")
    await life.report(message_id="m1", rule="refuse", form=REFUSAL)  # in the platform's own console
    await life.until("refused there", lambda seen: seen["state"] == ["refused"])
    await life.report(message_id="m2", rule="modify", form={"reason": "other"})
    seen = await life.until("applied for again", lambda seen: seen["state"] == ["awaiting_merchant"])
    assert fired(seen) == ["refuse", "modify"]
    life.scene.fails.clear()
    await life.pass_time("2h")
    seen = await life.until_state("awaiting_merchant")
    assert (life.scene.performed, fired(seen)) == ([], ["refuse", "modify"])
    assert (await life.act("agree"))["decision"] == "taken"


async def test_g_10_out_of_its_budget_it_waits_for_an_operator_who_submits_it_again(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": UNREACHABLE}))
    await life.act("agree", key="k1")
    await life.pass_time("61m")
    seen = await life.until("needs operator", lambda seen: seen["needs_operator"])
    assert (decided(seen), seen["state"]) == ([("agree", "being_submitted")], ["awaiting_merchant"])
    assert "PlatformUnreachable" in seen["effects"][0]["why"]
    assert due(seen) == life.opened + timedelta(hours=48)
    assert (await attributes(life))["CaseNeedsOperator"] is True
    life.scene.fails.clear()
    await life.act("retry_effect")
    seen = await life.until_state("awaiting_shipment")
    assert [call.key for call in life.scene.calls] == [f"{life.id}/agree_on_platform/k1"]
    assert (decided(seen), seen["needs_operator"]) == ([("agree", "taken")], False)


async def test_g_10_done_by_hand_what_could_not_be_submitted_counts(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"agree_on_platform": UNREACHABLE}))
    await life.act("agree")
    await life.pass_time("61m")
    await life.until("needs operator", lambda seen: seen["needs_operator"])
    answer = await life.act("done_by_hand", {"note": "后台已处理"})
    assert answer["state"] == ["awaiting_shipment"]
    seen = await life.view()
    assert (decided(seen), seen["effects"][0]["note"]) == ([("agree", "taken")], "后台已处理")
    assert life.scene.performed == []


async def test_g_6_a_default_decision_that_the_platform_refuses_is_told_and_the_clock_decides(open_case: Open) -> None:
    life = await open_case(policy={"default_decision": "agree"}, scene=Scene(fails={"agree_on_platform": BUSINESS}))
    await life.reach("47h31m")
    seen = await life.until(
        "told", lambda seen: [notification["delivered"] for notification in seen["notifications"]] == [True]
    )
    assert (decided(seen), seen["state"]) == ([("agree", "refused")], ["awaiting_merchant"])
    (told,) = life.scene.troubles
    assert str(BUSINESS) in (told.why or "")
    await life.reach("48h")
    assert fired(await life.until_state("awaiting_shipment")) == ["auto_agree"]


async def test_g_10_a_confirmation_that_overtakes_the_answer_is_no_loss(open_case: Open) -> None:
    """The platform took the decision, and its message comes before the call's own answer."""
    life = await open_case(scene=Scene(fails={"agree_on_platform": UNREACHABLE}))
    await life.act("agree")
    await life.report(message_id="m1", rule="agree")
    seen = await life.until("agreed", lambda seen: seen["state"] == ["awaiting_shipment"])
    assert fired(seen) == ["agree"]
    assert decided(seen) == [("agree", "taken")]
    life.scene.fails.clear()
    await life.pass_time("2h")
    seen = await life.until_state("awaiting_shipment")
    assert (decided(seen), life.scene.troubles, seen["notifications"]) == ([("agree", "taken")], [], [])


@pytest.mark.parametrize("patient", [True, False])
async def test_a_shop_that_has_had_its_share_of_local_calls_is_served_by_a_regular_activity(
    queue: Queue, opening: Open, *, patient: bool
) -> None:
    shop, limit = uuid.uuid4().hex, {"max_activities_per_shop_per_second": 0.001} if patient else {}
    async with queue.worker(**limit):
        first, second = [await opening(task_queue=queue.name, shop_id=shop) for _ in range(2)]
        assert (await first.act("agree"))["decision"] == "taken"
        answer = await second.act("agree")
        assert answer["decision"] == ("being_submitted" if patient else "taken")
        seen = await second.until_state("awaiting_shipment")
        assert (decided(seen), second.scene.performed) == ([("agree", "taken")], ["agree_on_platform"])
        regular = [kind for kind in await second.kinds() if kind == "ACTIVITY_TASK_SCHEDULED"]
        assert len(regular) == (1 if patient else 0)
