"""What the drill would notice of a case: whatever differs from the calm run of its story or its journey."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersales.sandbox.douyin import transitions
from aftersales.sandbox.douyin.actions import ACTIONS, reason_text
from aftersales.sandbox.douyin.model import AfterSaleRecord, Change
from drills.comparing import OF_OPERATORS, reship_wrong, story_wrong
from drills.reships import BY_OPERATOR, JOURNEYS, Reship, reships
from drills.stories import PlannedMessage, Story, Window, stories
from workflows.engine.view import view
from workflows.registry import PROCESSES

BEGINS = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
WINDOW = Window(BEGINS, BEGINS + timedelta(minutes=10))
AFTER = WINDOW.ends + timedelta(minutes=1)
NAMES = [name for name in PROCESSES if name != "douyin_reship"]
OF_EACH_JOURNEY = list(reships(1, len(JOURNEYS), WINDOW))
ORDER = "6900000000000000001"
Plant = Callable[[dict[str, Any]], object]


def drawn(each: int = 2) -> list[Story]:
    return list(stories(1, NAMES * each, WINDOW))


def of_story(story: Story) -> dict[str, Any]:
    return view(story.calm(WINDOW.begins, AFTER, ()), AFTER).model_dump(mode="json")


def of_reship(reship: Reship) -> dict[str, Any]:
    return view(reship.calm(ORDER, AFTER), AFTER).model_dump(mode="json")


def platform_record(reship: Reship) -> dict[str, Any]:
    """Return what the sandbox has of a reship at the end of its journey."""
    applied = int(reship.applied_at.timestamp())
    begun = AfterSaleRecord(
        shop_id=reship.shop_id,
        after_sale_id=reship.own_id,
        order_id=ORDER,
        sku_order_id=ORDER,
        product_id="1",
        amount=9990,
        reason=reason_text(reship.journey.reason),
        applied_at=applied,
        updated_at=applied,
    )
    record = transitions.apply(begun).record
    for number, (name, form) in enumerate(reship.steps, start=1):
        record = _step(record, name, form, applied + 120 * number).record
    for _ in reship.journey.clocks:
        record = transitions.elapse(record).record
    return record.model_dump(mode="json")


def _step(record: AfterSaleRecord, name: str, form: Mapping[str, Any], now: int) -> Change:
    urls = tuple(piece["url"] for piece in form.get("evidence", ()))
    match name.removeprefix(BY_OPERATOR) if name.startswith(BY_OPERATOR) else None:
        case "agree":
            return transitions.agree(record, now)
        case "refuse":
            return transitions.refuse(record, now, form["reason"], urls)
        case "ship":
            return transitions.ship(record, now, form["carrier"], form["tracking_no"])
        case "submit_evidence":
            return transitions.submit_evidence(record, now, "", urls)
    return ACTIONS[name].read(dict(form), name)(record, now)


def wrong_with(reship: Reship, plant: Plant = lambda _: None, *, ended: bool = False) -> list[str]:
    there = deepcopy(of_reship(reship))
    plant(there)
    return reship_wrong(reship, platform_record(reship), there, AFTER, ended=ended)


# Stories.


def test_the_calm_run_itself_is_not_wrong() -> None:
    for story in drawn():
        assert story_wrong(story, WINDOW.begins, of_story(story), (), AFTER) == []


def test_what_is_owed_when_a_clock_ends_the_case_has_been_performed_before_it() -> None:
    ordered = BEGINS - timedelta(days=7)
    consent = {"evidence": [{"kind": "buyer_consent", "url": "https://example.com/1.png"}]}
    told = (("report_phone_cancel", 5, {"form": consent}), ("cancel_order", 8, {}))
    messages = [
        {"message_id": rule, "rule": rule, "occurred_at": (ordered + timedelta(minutes=minutes)).isoformat(), **form}
        for rule, minutes, form in told
    ]
    facts = {"shop_id": "S1", "order_id": "1", "ordered_at": ordered.isoformat(), "kind": "stock"}
    story = Story(
        PROCESSES["jd_shipment"], "1", facts, told=tuple(PlannedMessage(message, BEGINS) for message in messages)
    )
    ends = BEGINS + timedelta(minutes=8)
    calm = view(story.calm(BEGINS, ends, (), performed=True), ends)

    assert [entry.rule for entry in calm.timeline][-2:] == ["cancel_order", "await_no_longer"]
    assert [(effect.effect, effect.status) for effect in calm.effects] == [("tell_end", "done")]


def _lose_a_rule(there: dict[str, Any]) -> None:
    there["timeline"].pop()


def _double_a_rule(there: dict[str, Any]) -> None:
    there["timeline"].append(there["timeline"][-1])


def _move_a_clock(there: dict[str, Any]) -> None:
    there["timeline"][0]["at"] = (BEGINS + timedelta(seconds=3)).isoformat()


def _move_the_state(there: dict[str, Any]) -> None:
    there["state"] = ["elsewhere"]


def _skip_a_clock(there: dict[str, Any]) -> None:
    there["deadlines"] = [{"rule": "a clock", "due": BEGINS.isoformat()}]


def _double_an_effect(there: dict[str, Any]) -> None:
    there["effects"].append({"effect": "call", "rule": "a rule", "order": None, "why": None})


@pytest.mark.parametrize(
    "fault", [_lose_a_rule, _double_a_rule, _move_a_clock, _move_the_state, _skip_a_clock, _double_an_effect]
)
def test_what_a_story_has_lost_doubled_or_skipped_is_noticed(fault: Plant) -> None:
    story = next(story for story in drawn() if len(of_story(story)["timeline"]) > 1)
    there = deepcopy(of_story(story))
    fault(there)
    assert story_wrong(story, WINDOW.begins, there, (), AFTER) != []


def test_a_booking_of_a_story_that_is_lost_or_doubled_is_noticed() -> None:
    story = next(story for story in drawn(each=6) if of_story(story)["ledger"])
    for change in ([], of_story(story)["ledger"] * 2):
        assert story_wrong(story, WINDOW.begins, {**of_story(story), "ledger": change}, (), AFTER) != []


# Reships.


@pytest.mark.parametrize("reship", OF_EACH_JOURNEY)
def test_the_calm_run_of_every_journey_ends_where_the_journey_says(reship: Reship) -> None:
    assert wrong_with(reship) == []


@pytest.mark.parametrize("reship", OF_EACH_JOURNEY)
def test_a_rule_that_never_fired_and_one_that_fired_twice_are_noticed(reship: Reship) -> None:
    timeline = of_reship(reship)["timeline"]
    assert timeline
    for number, entry in enumerate(timeline):
        times = sum(other["rule"] == entry["rule"] for other in timeline)
        lost = wrong_with(reship, lambda there, at=number: there["timeline"].pop(at))  # type: ignore[misc]
        assert f"{entry['rule']} fired {times - 1} times instead of {times}" in lost
        of_ended = wrong_with(reship, lambda there, at=number: there["timeline"].pop(at), ended=True)  # type: ignore[misc]
        assert any("fired" in one for one in of_ended) is (entry["rule"] in OF_OPERATORS)
        another = {**entry, "form": {"until": AFTER.isoformat()}}
        twice = wrong_with(reship, lambda there, one=another: there["timeline"].append(one))  # type: ignore[misc]
        assert f"{entry['rule']} fired {times + 1} times instead of {times}" in twice


def test_evidence_that_message_and_record_ask_for_until_one_instant_is_asked_for_once() -> None:
    reship = next(one for one in OF_EACH_JOURNEY if one.journey.state == "dismissed")
    (asked,) = [entry for entry in of_reship(reship)["timeline"] if entry["rule"] == "ask_evidence"]
    assert wrong_with(reship, lambda there: there["timeline"].append(asked)) == []


def test_a_rule_that_no_journey_leads_to_is_noticed() -> None:
    reship = OF_EACH_JOURNEY[0]
    stranger = {**of_reship(reship)["timeline"][0], "rule": "withdraw"}
    wrong = wrong_with(reship, lambda there: there["timeline"].append(stranger))
    assert wrong == ["withdraw fired 1 times instead of 0"]


@pytest.mark.parametrize("fault", [_move_a_clock, _move_the_state, _skip_a_clock])
def test_a_reship_that_stands_elsewhere_or_whose_clock_was_moved_or_skipped_is_noticed(fault: Plant) -> None:
    assert wrong_with(OF_EACH_JOURNEY[2], fault) != []


@pytest.mark.parametrize("what", ["ledger", "effects"])
def test_what_a_reship_has_booked_or_told_never_or_twice_is_noticed(what: str) -> None:
    reship = next(one for one in OF_EACH_JOURNEY if one.journey.clocks and one.journey.state == "refunded")
    there = of_reship(reship)[what]
    assert there
    for change in (there[1:], there[:-1], there * 2):
        wrong = reship_wrong(reship, platform_record(reship), {**of_reship(reship), what: change}, AFTER, ended=False)
        assert [line.partition(":")[0] for line in wrong] == [what]


def test_a_record_that_stands_elsewhere_is_noticed() -> None:
    agreed, refunded = OF_EACH_JOURNEY[0], OF_EACH_JOURNEY[2]
    wrong = reship_wrong(agreed, platform_record(refunded), of_reship(agreed), AFTER, ended=False)
    assert wrong == ["record: 'refunded' instead of 'awaiting_shipment'"]


def test_what_the_platform_carried_out_twice_or_never_is_noticed() -> None:
    (reship,) = [one for one in OF_EACH_JOURNEY if one.journey.done == {"拒绝补寄": 1, "提交凭证": 2}]
    lines = [{"role": "商家", "action": action} for action in ("拒绝补寄", "提交凭证", "提交凭证")]
    assert reship.wrong({"log": lines}) == []
    assert reship.wrong({"log": [*lines, lines[-1]]}) == ["提交凭证: 3 times instead of 2"]
    assert reship.wrong({"log": lines[1:]}) == ["拒绝补寄: 0 times instead of 1"]
