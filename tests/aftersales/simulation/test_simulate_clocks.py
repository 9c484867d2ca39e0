"""Clocks and truth under simulation: G-1 to G-8."""

import asyncio

from tests.support.rules.playing import HOUR, Play, act, expect, refuse, report, ship


async def test_g_1_the_platforms_own_deadline_replaces_ours(play: Play) -> None:
    longer, shorter = await asyncio.gather(
        play(report("1h", None, "m1", deadline="+50h"), act("49h", "agree"), until="50h"),
        play(report("1h", None, "m1", deadline="+10h"), act("10h", "agree"), until="11h"),
    )
    assert longer.fired == [(49 * HOUR, "agree")]
    assert (shorter.fired, shorter.refused) == ([(10 * HOUR, "auto_agree")], [(10 * HOUR, "agree")])


async def test_g_2_what_really_happened_counts(play: Play) -> None:
    played = await play(platform={"settle": {"auto_agree": "withdraw"}})
    assert (played.state, played.fired, played.clauses) == ("withdrawn", [(48 * HOUR, "withdraw")], ["DR-12"])


async def test_g_2_it_is_not_done_on_the_platform_again(play: Play) -> None:
    played = await play(platform={"settle": {"auto_agree": "agree"}}, until="49h")
    assert (played.fired, played.effects) == ([(48 * HOUR, "agree")], [])


async def test_g_2_when_it_happened_counts(play: Play) -> None:
    answer = {"rule": "agree", "occurred_at": "+40h"}
    played = await play(platform={"settle": {"auto_agree": answer}}, until="100h")
    assert played.fired == [(40 * HOUR, "agree"), (88 * HOUR, "miss_shipment")]


async def test_g_2_the_clock_runs_until_the_platforms_deadline(play: Play) -> None:
    settle = {"settle": {"auto_agree": {"deadline": "+50h"}}}
    silent, used, too_late = await asyncio.gather(
        play(platform=settle, until="51h"),
        play(act("49h59m59s", "agree"), platform=settle, until="51h"),
        play(act("50h", "agree"), platform=settle, until="51h"),
    )
    assert silent.fired == too_late.fired == [(50 * HOUR, "auto_agree")]
    assert used.fired == [(50 * HOUR - 1, "agree")]
    assert too_late.refused == [(50 * HOUR, "agree")]


async def test_g_2_an_answer_that_cannot_be_needs_an_operator(play: Play) -> None:
    played = await play(platform={"settle": {"auto_agree": "sign"}}, until="49h")
    assert (played.state, played.effects) == ("awaiting_merchant", [(48 * HOUR, "resolve_expiry", "needs_operator")])


async def test_g_2_a_platform_that_refuses_to_answer_needs_an_operator(play: Play) -> None:
    played = await play(act("49h", "agree"), platform={"fail": {"settle": "business"}})
    assert (played.state, played.status, played.fired) == ("awaiting_merchant", "open", [])
    assert (played.refused, played.effects) == (
        [(49 * HOUR, "agree")],
        [(48 * HOUR, "resolve_expiry", "needs_operator")],
    )


async def test_g_2_a_platform_that_never_answers_needs_an_operator_after_a_day(play: Play) -> None:
    played = await play(act("49h", "agree"), platform={"fail": {"settle": "unreachable"}}, until="73h")
    assert (played.state, played.refused, played.fired) == ("awaiting_merchant", [(49 * HOUR, "agree")], [])
    assert played.effects == [(48 * HOUR, "resolve_expiry", "needs_operator")]


async def test_g_3_a_message_twice_changes_nothing(play: Play) -> None:
    modify = {"form": {"reason": "other"}}
    played = await play(
        refuse("1h"),
        report("2h", "modify", "m1", **modify),
        refuse("3h"),
        report("4h", "modify", "m1", **modify),
        reason="other",
        until="5h",
    )
    assert (played.state, played.ignored) == ("refused", [])
    assert [rule for _, rule in played.fired] == ["refuse", "modify", "refuse"]


async def test_g_3_what_does_not_apply_is_kept_with_the_reason(play: Play) -> None:
    played = await play(report("1h", "sign", "m1"), report("2h", "lapse"), until="3h")
    assert played.ignored == [(HOUR, "m1"), (2 * HOUR, None)]
    assert all("awaiting_merchant" in entry["why"] for entry in played.result["ignored"])
    assert played.fired == []


async def test_g_3_a_form_that_cannot_be_read_is_kept_as_ignored(play: Play) -> None:
    played = await play(refuse("1h"), report("2h", "modify", "m1", form={"reason": "lost"}), reason="other", until="3h")
    assert (played.state, played.ignored) == ("refused", [(2 * HOUR, "m1")])


async def test_g_3_a_late_message_counts_from_when_it_happened(play: Play) -> None:
    played = await play(
        act("0s", "agree"), ship("1h"), report("40h", "sign", "m1", occurred_at="+30h"), expect("40h", "completed")
    )
    assert (played.failed, played.fired[-1]) == ([], (30 * HOUR, "sign"))


async def test_g_4_a_refusal_names_the_state_and_what_is_allowed(play: Play) -> None:
    played = await play(ship("1h"), until="2h")
    (error,) = [entry["error"] for entry in played.result["refused"]]
    assert "awaiting_merchant" in error
    assert "agree" in error
    assert "refuse" in error


async def test_g_4_a_closed_case_refuses_and_ignores(play: Play) -> None:
    played = await play(report("1h", "withdraw", "m1"), act("2h", "agree"), report("3h", "sign", "m2"))
    assert (played.state, played.refused, played.ignored) == ("withdrawn", [(2 * HOUR, "agree")], [(3 * HOUR, "m2")])


async def test_g_5_reminded_twelve_and_two_hours_before(play: Play) -> None:
    played = await play(until="96h", reminded=True)
    assert played.reminders == [(at * HOUR, due * HOUR) for at, due in ((36, 48), (46, 48), (84, 96), (94, 96))]


async def test_g_5_never_of_a_state_already_left(play: Play) -> None:
    between, before, last = await asyncio.gather(
        play(act("40h", "agree"), ship("41h"), until="96h", reminded=True),
        play(act("10h", "agree"), until="50h", reminded=True),
        play(act("35h59m59s", "agree"), ship("50h"), until="96h", reminded=True),
    )
    assert between.reminders == [(36 * HOUR, 48 * HOUR)]
    assert before.reminders == [(46 * HOUR, 58 * HOUR)]
    assert last.reminders == []


async def test_g_5_only_of_the_merchants_deadlines(play: Play) -> None:
    played = await play(refuse("0s"), reason="other", reminded=True)
    assert (played.state, played.reminders) == ("lapsed", [])


async def test_g_5_the_times_are_a_figure(play: Play) -> None:
    some, none = await asyncio.gather(
        play(policy={"reminders_before": ["24h", "1h", "10m"]}, until="48h"),
        play(policy={"reminders_before": []}, until="48h"),
    )
    assert [at for at, _ in some.reminders] == [24 * HOUR, 47 * HOUR, 48 * HOUR - 600]
    assert none.reminders == []


async def test_g_5_a_case_opened_late_is_reminded_of_at_once(play: Play) -> None:
    played = await play(applied_at="-45h", until="2h", reminded=True)
    assert played.reminders == [(0, 3 * HOUR), (HOUR, 3 * HOUR)]


async def test_g_6_a_default_decision_half_an_hour_before(play: Play) -> None:
    taken, decided, earlier = await asyncio.gather(
        play(policy={"default_decision": "agree"}, until="48h"),
        play(refuse("47h29m59s"), policy={"default_decision": "agree"}, until="48h"),
        play(policy={"default_decision": "agree", "decide_before": "1h"}, until="48h"),
    )
    assert taken.fired == [(47 * HOUR + 1800, "agree")]
    assert taken.result["timeline"][0]["by"] == "default"
    assert taken.effects == [(47 * HOUR + 1800, "agree_on_platform", "done")]
    assert decided.fired == [(48 * HOUR - 1801, "refuse")]
    assert earlier.fired == [(47 * HOUR, "agree")]


async def test_g_6_a_default_decision_with_its_form(play: Play) -> None:
    policy = {"default_decision": "refuse", "default_form": {"reason": "已补发过一次"}}
    played = await play(policy=policy, reason="other", until="48h")
    assert (played.state, played.fired) == ("refused", [(47 * HOUR + 1800, "refuse")])


async def test_g_10_a_decision_that_the_platform_refuses_is_refused_and_its_clock_runs_on(play: Play) -> None:
    played = await play(act("1h", "agree"), platform={"fail": {"agree_on_platform": "business"}}, until="50h")
    assert (played.refused, played.effects) == ([(HOUR, "agree")], [])
    assert played.fired == [(48 * HOUR, "auto_agree")]
    (decision,) = played.result["decisions"]
    assert (decision["at"], decision["rule"], decision["status"]) == (HOUR, "agree", "refused")
    assert decision["why"]


async def test_g_10_a_decision_without_an_answer_is_being_submitted_until_its_clock_runs_out(play: Play) -> None:
    failing = {"fail": {"agree_on_platform": "unreachable"}}
    steps = act("1h", "agree"), refuse("1h30m")
    waiting, dropped = await asyncio.gather(
        play(*steps, platform=failing, until="3h"), play(*steps, platform=failing, until="50h")
    )
    ((at, effect, status),) = waiting.effects
    assert (effect, status) == ("agree_on_platform", "needs_operator")
    assert at - HOUR in range(HOUR - 300, HOUR + 1)  # after the last try its budget leaves time for no other
    assert (waiting.fired, waiting.refused) == ([], [(5400, "refuse")])
    assert [decision["status"] for decision in waiting.result["decisions"]] == ["being_submitted"]
    assert dropped.fired == [(48 * HOUR, "auto_agree")]
    assert [decision["status"] for decision in dropped.result["decisions"]] == ["dropped"]


async def test_g_8_a_console_task_is_done_at_once_or_waits_for_a_person(play: Play) -> None:
    steps, wait = [act("1h", "mark_out_of_stock"), act("2h", "retry_effect")], {"console": "wait"}
    at_once, waiting, by_hand = await asyncio.gather(
        play(*steps, until="4h"),
        play(*steps, until="4h", platform=wait),
        play(*steps, act("3h", "done_by_hand", note="已联系"), until="4h", platform=wait),
    )
    assert at_once.effects == [(HOUR, "contact_buyer", "done")]
    assert waiting.effects == [(HOUR, "contact_buyer", "console_task")]
    assert by_hand.effects == [(3 * HOUR, "contact_buyer", "done")]
    assert [played.refused for played in (at_once, waiting, by_hand)] == [[(2 * HOUR, "retry_effect")]] * 3
