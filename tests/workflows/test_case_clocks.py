"""Clocks, reminders and default decisions of a living case (G-1, G-2, G-5, G-6)."""

from datetime import timedelta

from cases.durations import parse_duration
from tests.support.rules.stage import BUSINESS, NOT_YET, Scene
from tests.support.temporal.life import Open, at, due, fired, settled, whole_now


async def test_g_2_a_silent_case_goes_its_whole_way_by_its_clocks(open_case: Open) -> None:
    life = await open_case(reason="short_shipped")
    await life.reach("7d")
    seen = await life.until_closed()
    assert (seen["state"], seen["finished"]) == (["lapsed"], False)  # assumed: a late fact may still put it right
    await life.reach("13d")
    assert (await life.until_over())["state"] == ["lapsed"]
    assert [(entry["rule"], entry["at"]) for entry in seen["timeline"]] == [
        (rule, (life.opened + timedelta(hours=hours)).isoformat().replace("+00:00", "Z"))
        for rule, hours in (("auto_agree", 48), ("miss_shipment", 96), ("lapse", 144))
    ]
    assert [question.rule for question in life.scene.questions] == ["auto_agree", "miss_shipment", "lapse"]
    assert life.scene.performed == []


async def test_dr_19_a_case_whose_last_clock_is_our_own_ends_by_itself(open_case: Open) -> None:
    life = await open_case()
    await life.act("agree")
    await life.act("ship", {"carrier": "SF", "tracking_no": "SF1"})
    await life.pass_time("10d")
    assert (await life.until_closed())["state"] == ["completed"]
    await life.pass_time("7d")
    assert (await life.until_over())["state"] == ["completed"]


async def test_dr_2_a_late_application_is_closed_at_once(open_case: Open) -> None:
    life = await open_case(received_at="2020-01-01T00:00:00Z")
    assert (await life.until_over())["state"] == ["ineligible"]


async def test_dr_4_until_the_last_second_the_merchant_decides(open_case: Open) -> None:
    life = await open_case()
    await life.reach("47h59m58s")
    await life.act("agree")
    seen = await life.view()
    assert fired(seen) == ["agree"]
    assert due(seen) == at(seen, "agree") + timedelta(hours=48)


async def test_g_1_the_platforms_own_deadline_rearms_the_timer(open_case: Open) -> None:
    life = await open_case()
    await life.report(message_id="m1", deadline=(life.opened + timedelta(hours=20)).isoformat())
    seen = await life.until("own deadline", lambda seen: due(seen) == life.opened + timedelta(hours=20))
    await life.reach("20h")
    seen = await life.until_state("awaiting_shipment")
    assert at(seen, "auto_agree") == life.opened + timedelta(hours=20)
    assert due(seen) == life.opened + timedelta(hours=68)


async def test_g_1_a_later_deadline_outlives_the_computed_one(open_case: Open) -> None:
    life = await open_case()
    await life.report(deadline=(life.opened + timedelta(hours=60)).isoformat())
    await life.reach("59h")
    assert fired(await life.view()) == []
    await life.act("agree")


async def test_g_2_what_really_happened_is_taken(open_case: Open) -> None:
    life = await open_case(scene=Scene(settle={"auto_agree": settled("withdraw")}))
    await life.reach("48h")
    assert (await life.until_over())["state"] == ["withdrawn"]
    assert life.scene.performed == []
    assert [outcome.state for outcome in life.scene.outcomes] == ["withdrawn"]


async def test_g_2_a_platform_that_has_not_settled_is_asked_again(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"settle": NOT_YET}))
    await life.reach("49h")
    await life.until("asked several times", lambda _: len(life.scene.questions) > 3)
    assert (await life.view())["state"] == ["awaiting_merchant"]
    life.scene.fails.clear()
    await life.pass_time("20m")
    seen = await life.until_state("awaiting_shipment")
    assert at(seen, "auto_agree") == life.opened + timedelta(hours=48)
    assert {question.key for question in life.scene.questions} == {
        f"{life.id}//auto_agree/{(life.opened + timedelta(hours=48)).isoformat()}"
    }


async def test_g_2_a_platform_that_will_not_say_needs_an_operator_who_can_ask_again(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"settle": BUSINESS}))
    await life.reach("48h")
    seen = await life.until("needs operator", lambda seen: seen["needs_operator"])
    assert seen["expiries"][0]["why"] == f"PlatformRefused: {BUSINESS}"
    assert [action["rule"] for action in seen["actions"]] == ["withdraw"]  # to be recorded as seen
    life.scene.fails.clear()
    await life.act("retry_effect")
    await life.until_state("awaiting_shipment")


async def test_g_2_the_platform_gives_more_time(open_case: Open) -> None:
    scene = Scene()
    life = await open_case(scene=scene)
    scene.settle["auto_agree"] = settled(deadline=(life.opened + timedelta(hours=50)).isoformat())
    await life.reach("49h")
    seen = await life.until("new deadline", lambda seen: due(seen) == life.opened + timedelta(hours=50))
    assert seen["expiries"] == []
    scene.settle.clear()
    await life.reach("50h")
    assert at(await life.until_state("awaiting_shipment"), "auto_agree") == life.opened + timedelta(hours=50)


async def test_g_5_reminders_come_twelve_and_two_hours_before(open_case: Open) -> None:
    life = await open_case()
    await life.reach("47h")
    seen = await life.until(
        "both delivered", lambda seen: [reminder["delivered"] for reminder in seen["reminders"]] == [True] * 2
    )
    assert [reminder.deadline for reminder in life.scene.reminders] == [life.opened + timedelta(hours=48)] * 2
    assert [reminder["at"] for reminder in seen["reminders"]] == [
        (life.opened + parse_duration(offset)).isoformat().replace("+00:00", "Z") for offset in ("36h", "46h")
    ]


async def test_g_5_none_for_a_state_already_left(open_case: Open) -> None:
    life = await open_case()
    await life.reach("35h")
    await life.act("agree")
    await life.reach("47h")
    assert life.scene.reminders == []


async def test_g_5_a_reminder_still_on_its_way_is_called_off_when_the_state_is_left(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"remind": NOT_YET}))
    await life.reach("36h1m")
    await life.until("on its way", lambda seen: seen["reminders"])
    await life.act("agree")
    await life.until("called off", lambda seen: seen["reminders"][0]["delivered"] is False)
    life.scene.fails.clear()
    await life.reach("38h")
    assert life.scene.reminders == []


async def test_g_5_a_case_opened_late_is_reminded_of_once(open_case: Open) -> None:
    life = await open_case(applied_at=(whole_now() - timedelta(hours=47)).isoformat())
    await life.until("reminded", lambda seen: seen["reminders"] and seen["reminders"][0]["delivered"])
    assert len(life.scene.reminders) == 1


async def test_g_6_the_default_decision_is_taken_half_an_hour_ahead(open_case: Open) -> None:
    life = await open_case(policy={"default_decision": "agree"})
    await life.reach("47h30m")
    seen = await life.until_state("awaiting_shipment")
    assert (seen["timeline"][0]["by"], at(seen, "agree")) == ("default", life.opened + timedelta(hours=47, minutes=30))
    assert life.scene.performed == ["agree_on_platform"]


async def test_g_6_not_when_an_operator_has_decided(open_case: Open) -> None:
    life = await open_case(policy={"default_decision": "agree"})
    await life.act("refuse", {"reason": "已签收"})
    await life.reach("48h")
    assert fired(await life.view()) == ["refuse"]
