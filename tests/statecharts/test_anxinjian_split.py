"""The Anxinjian rule book, clause by clause and to the second, for the item and its orders."""

from datetime import timedelta
from typing import Any

import pytest

from cases.errors import BadForm, Refused
from statecharts.anxinjian_split import AnxinjianOrder, AnxinjianSplit
from statecharts.rules import Party
from tests.support.processes.splits import (
    BEFORE,
    ENDS,
    ITEM,
    ITEM_WAY,
    KEEP_ALL,
    KEEP_SINGLE,
    ONLINE_STATES,
    OPEN_STATES,
    SECOND,
    SPLIT,
    WAIVED_WAY,
    Split,
    after,
    form_of,
    order_ids,
    order_in,
)
from workflows.engine import decisions
from workflows.engine.details import current_details
from workflows.engine.sender import InputSender
from workflows.engine.view import view

H72, H24 = timedelta(hours=72), timedelta(hours=24)
OFFLINE_COSTS = ("无法确认收货", "商家收不到货款", "到期自动退款", "鉴定费 ¥30.00 不产生", "AX-3")


def kept(many: int = 2, way: dict[str, Any] | None = None, **receipts: str | None) -> Split:
    """Return an item of several orders whose way was chosen at once."""
    return Split(many, **receipts).choose("0s", way or KEEP_ALL)


def costs(split: Split) -> list[tuple[str, str]]:
    """Return the costs of choosing as the view shows them: amounts by way."""
    actions = view(split.machine, split.machine.state.latest).model_dump(mode="json")["actions"]
    (choose,) = [action for action in actions if action["rule"] == "choose"]
    return [(cost["choice"], cost["amount"]) for cost in choose["costs"]]


def test_the_states_of_order_and_item_are_those_of_the_rule_book() -> None:
    assert set(SPLIT.order_states) == {*OPEN_STATES, "failed", *ENDS}
    assert SPLIT.states == ("choosing", "working", "settled", "settled_with_loss")


# AX-1: every order that waits for sign-in is checked within 24 h


@pytest.mark.parametrize("state", ["awaiting_sign_in", "unverified"])
def test_ax_1_an_order_is_signed_in_also_after_the_platform_was_asked(state: str) -> None:
    split, order = order_in(state)

    split.act("2h", "sign_in", order)

    assert (split.where(order), split.clauses["sign_in"]) == ("signed_in", "AX-1")


def test_ax_1_an_order_unchecked_for_24_hours_goes_to_the_platform_not_a_second_before() -> None:
    split = kept().act("1h", "sign_in", ITEM).until("24h", by=-SECOND)
    assert split.where("O2") == "awaiting_sign_in"

    split.until("24h")

    assert (split.where("O2"), split.fired("O2")) == ("unverified", [("verify_overdue", after("24h"))])
    assert (split.clauses["verify_overdue"], split.where(ITEM)) == ("AX-1", "signed_in")
    assert split.pending == [("ask_platform", "O2")]


def test_ax_1_an_order_signed_in_at_the_last_second_does_not_go_to_the_platform() -> None:
    split = kept().until("24h", by=-SECOND)

    split.machine.decide("sign_in", {"order": "O2"}, after("24h") - SECOND)

    assert split.until("48h").where("O2") == "signed_in"


def test_ax_1_an_order_signed_in_at_24_hours_went_to_the_platform_first() -> None:
    split = kept().until("24h", by=-SECOND)

    split.machine.decide("sign_in", {"order": "O2"}, after("24h"))

    assert split.fired("O2") == [("verify_overdue", after("24h")), ("sign_in", after("24h"))]


def test_ax_1_each_order_is_checked_for_itself() -> None:
    split = Split(3).act("1h", "sign_in", "O2").act("1h", "explain_unsigned", "O3").until("24h")

    assert [split.where(order) for order in order_ids(3)] == ["unverified", "signed_in", "unverified"]


@pytest.mark.parametrize("state", ["awaiting_sign_in", "unverified"])
def test_ax_1_an_order_refunded_before_it_was_shipped_is_cancelled(state: str) -> None:
    split, order = order_in(state, "O2")

    split.act("2h", "explain_unsigned", order, {"why": "refunded_before_shipping"})

    assert (split.where(order), split.clauses["found_refunded"]) == ("cancelled", "AX-1")
    assert split.fired(order)[-1] == ("found_refunded", after("2h"))
    assert ("ask_platform", order) not in split.pending


def test_ax_1_an_order_in_transit_waits_without_going_to_the_platform() -> None:
    split = kept().act("23h", "explain_unsigned", "O2", {"why": "in_transit"}).until("10d")

    assert (split.where("O2"), split.fired("O2")) == ("awaiting_sign_in", [("explain_unsigned", after("23h"))])
    assert ("verify_overdue", "O2") not in split.clocks


def test_ax_1_an_order_found_in_transit_by_the_platform_waits_again() -> None:
    split, order = order_in("unverified")

    split.act("2h", "explain_unsigned", order, {"why": "in_transit"})

    assert (split.where(order), split.clauses["found_in_transit"]) == ("awaiting_sign_in", "AX-1")
    assert ("ask_platform", order) not in split.pending
    assert split.until("10d").where(order) == "awaiting_sign_in"


def test_ax_1_an_unknown_reason_goes_to_the_platform_at_once() -> None:
    split = kept().act("1h", "explain_unsigned", "O2", {"why": "unknown"})

    assert (split.where("O2"), split.clauses["found_unknown"]) == ("unverified", "AX-1")
    assert split.pending == [("ask_platform", "O2")]


def test_ax_1_one_that_was_in_transit_and_is_now_unknown_goes_to_the_platform() -> None:
    split = kept().act("1h", "explain_unsigned", "O2", {"why": "in_transit"}).act("30h", "explain_unsigned", "O2")

    assert split.where("O2") == "unverified"


def test_ax_1_what_is_still_unknown_stays_with_the_platform() -> None:
    split, order = order_in("unverified")

    split.act("2h", "explain_unsigned", order).until("10d")

    assert split.where(order) == "unverified"
    assert split.pending.count(("ask_platform", order)) == 1


def test_ax_1_the_platform_is_still_asked_about_one_when_another_is_signed_in() -> None:
    split = kept().act("1h", "explain_unsigned", ITEM).act("1h", "explain_unsigned", "O2")

    split.act("2h", "sign_in", ITEM)

    assert split.pending == [("ask_platform", "O2")]


@pytest.mark.parametrize("end", ["refund_order", "auto_refund"])
def test_ax_1_the_platform_need_not_be_asked_about_an_order_that_has_ended(end: str) -> None:
    split = kept(way=KEEP_SINGLE, O2="3d").act("1h", "explain_unsigned", "O2")
    assert ("ask_platform", "O2") in split.pending

    split.act("2h", "refund_order", "O2") if end == "refund_order" else split.until("3d")

    assert split.where("O2") in ("cancelled", "refunded")
    assert ("ask_platform", "O2") not in split.pending


@pytest.mark.parametrize("state", [state for state in OPEN_STATES if state not in ("awaiting_sign_in", "unverified")])
@pytest.mark.parametrize("rule", ["sign_in", "explain_unsigned"])
def test_ax_1_nothing_else_is_signed_in_or_explained(state: str, rule: str) -> None:
    split, order = order_in(state)

    assert "当前状态不允许" in split.refusal("1h", rule, order)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([("5h", "unknown", "3h"), ("6h", "in_transit", "2h")], "unverified"),
        ([("5h", "in_transit", "3h"), ("6h", "unknown", "2h")], "awaiting_sign_in"),
        ([("5h", "unknown", "3h"), ("6h", "in_transit", "4h")], "awaiting_sign_in"),
    ],
)
def test_ax_1_the_reason_that_was_found_last_counts_not_the_one_that_was_told_last(
    told: list[tuple[str, str, str]], state: str
) -> None:
    split = kept()

    for at, why, found in told:
        split.act(at, "explain_unsigned", "O2", {"why": why, "occurred_at": after(found).isoformat()})

    assert split.where("O2") == state


@pytest.mark.parametrize("state", ["awaiting_sign_in", "unverified"])
def test_ax_1_an_order_that_the_system_cannot_sign_in_goes_to_the_platform_and_returns_where_it_stood(
    state: str,
) -> None:
    split, order = order_in(state)

    split.act("2h", "report_blocked", order, {"step": "sign_in"})
    assert (split.where(order), split.clauses["report_blocked"]) == ("blocked", "AX-1")
    assert [effect for effect, of in split.pending if of == order] == ["report_to_operations"]
    assert split.until("26h", by=-SECOND).where(order) == "blocked"

    split.act("26h", "unblock", order)
    assert (split.where(order), split.clauses["unblock"]) == (state, "AX-1")
    assert split.act("27h", "sign_in", order).where(order) == "signed_in"


def test_ax_1_it_does_not_go_to_the_platform_twice_while_it_is_blocked_and_has_24_hours_once_it_is_mended() -> None:
    split = kept().act("1h", "report_blocked", "O2", {"step": "sign_in"}).until("48h")
    assert "verify_overdue" not in dict(split.fired("O2"))

    split.act("48h", "unblock", "O2").until("72h", by=-SECOND)
    assert split.where("O2") == "awaiting_sign_in"
    assert split.until("72h").where("O2") == "unverified"


@pytest.mark.parametrize("state", ["awaiting_sign_in", "unverified"])
@pytest.mark.parametrize("step", ["record", "inspect", "pack", "waybill"])
def test_ax_1_before_the_sign_in_nothing_else_can_be_blocked(state: str, step: str) -> None:
    split, order = order_in(state)

    assert "受阻的是签收 (at_sign_in)" in split.refusal("2h", "report_blocked", order, {"step": step})


@pytest.mark.parametrize("state", ONLINE_STATES)
def test_ax_1_an_order_that_is_signed_in_cannot_be_blocked_at_the_sign_in(state: str) -> None:
    split, order = order_in(state)

    assert "非「受阻的是签收」" in split.refusal("2h", "report_blocked", order, {"step": "sign_in"})


# AX-2: the online steps, and what cannot be done


def test_ax_2_the_steps_of_the_order_with_the_item_in_turn() -> None:
    split = kept()

    for number, rule in enumerate(ITEM_WAY, 1):
        split.act(f"{number}h", rule, ITEM)

    assert split.fired(ITEM) == [(rule, after(f"{number}h")) for number, rule in enumerate(ITEM_WAY, 1)]
    assert split.where(ITEM) == "confirmed"
    assert {split.clauses[rule] for rule in ("record", "pack", "print_waybill")} == {"AX-2"}


@pytest.mark.parametrize("state", OPEN_STATES)
@pytest.mark.parametrize("order", [ITEM, "O2"])
def test_ax_2_no_step_is_left_out_or_done_twice(state: str, order: str) -> None:
    if {state, order} in ({"authenticated", "O2"}, {"waived", ITEM}):
        return
    split, _ = order_in(state, order)
    steps = {
        "awaiting_sign_in": {"sign_in", "explain_unsigned", "report_blocked"},
        "unverified": {"sign_in", "explain_unsigned", "report_blocked"},
        "signed_in": {"record", "waive", "report_blocked"} - ({"waive"} if order == ITEM else set()),
        "recorded": {"authenticate" if order == ITEM else "waive", "report_blocked"},
        "authenticated": {"pack", "report_blocked"},
        "waived": {"pack", "print_waybill", "report_blocked"},
        "packed": {"print_waybill", "report_blocked"},
        "blocked": {"unblock"},
        "waybill_printed": {"pick_up"},
        "picked_up": {"deliver"},
        "delivered": {"confirm_receipt"},
    }

    open_rules = {choice.rule for choice in split.allowed if choice.order == order}

    assert open_rules == steps[state] | {"refund_order"}


@pytest.mark.parametrize("rule", ["pack", "print_waybill"])
def test_ax_2_a_waived_order_may_be_packed_or_printed_as_it_is(rule: str) -> None:
    split, order = order_in("waived")

    assert split.act("2h", rule, order).where(order) == {"pack": "packed", "print_waybill": "waybill_printed"}[rule]


@pytest.mark.parametrize("step", ["record", "inspect", "pack", "waybill"])
@pytest.mark.parametrize("state", ONLINE_STATES)
def test_ax_2_a_blocked_step_goes_to_operations_and_the_order_goes_on_where_it_stood(state: str, step: str) -> None:
    split, order = order_in(state)

    split.act("2h", "report_blocked", order, {"step": step})
    assert (split.where(order), split.clauses["report_blocked"]) == ("blocked", "AX-2")
    assert split.pending == [("report_to_operations", order)]

    split.act("3h", "unblock", order)
    assert (split.where(order), split.pending, split.clauses["unblock"]) == (state, [], "AX-2")
    assert AnxinjianOrder.rules["unblock"].party is Party.PLATFORM


@pytest.mark.parametrize("state", ONLINE_STATES)
def test_ax_2_also_when_it_is_blocked_twice_and_then_goes_on(state: str) -> None:
    split, order = order_in(state)
    for offset in ("2h", "3h"):
        split.walk(offset, order, "report_blocked", "unblock")
    assert split.where(order) == state

    way = ITEM_WAY if order == ITEM else WAIVED_WAY
    following = {"signed_in": 1, "recorded": 2, "authenticated": 3, "waived": 3, "packed": 4}[state]

    assert split.walk("4h", order, *way[following:]).where(order) == "confirmed"


def test_ax_2_blocked_again_further_on_it_returns_there() -> None:
    split = kept().walk("1h", ITEM, "sign_in", "report_blocked", "unblock", "record", "authenticate")

    split.walk("2h", ITEM, "report_blocked", "unblock")

    assert split.where(ITEM) == "authenticated"


def test_ax_2_each_blocked_order_returns_where_it_stood_itself() -> None:
    split = kept(3).walk("1h", ITEM, "sign_in", "record", "report_blocked")
    split.walk("1h", "O2", "sign_in", "record", "waive", "report_blocked").walk("1h", "O3", "sign_in", "report_blocked")

    for order in ("O3", ITEM, "O2"):
        split.act("2h", "unblock", order)

    assert [split.where(order) for order in order_ids(3)] == ["recorded", "waived", "signed_in"]


def test_ax_2_a_blocked_order_waits_for_nothing_but_the_platform() -> None:
    split, order = order_in("blocked")

    assert [rule for rule, of in split.clocks if of == order] == ["auto_refund"]
    assert split.until("29d").where(order) == "blocked"
    for rule in ("record", "authenticate", "pack", "print_waybill", "waive"):
        assert "当前状态不允许" in split.refusal("29d", rule, order)


@pytest.mark.parametrize("state", ["blocked", "waybill_printed", "picked_up", "delivered", "failed"])
def test_ax_2_only_an_online_step_can_be_blocked(state: str) -> None:
    split, order = order_in(state)

    assert "当前状态不允许" in split.refusal("1h", "report_blocked", order)


@pytest.mark.parametrize("end", ["refund_order", "auto_refund"])
def test_ax_2_operations_need_mend_nothing_for_an_order_that_has_ended(end: str) -> None:
    split = kept(way=KEEP_SINGLE, O2="3d").walk("1h", "O2", "sign_in", "report_blocked")

    split.act("2h", "refund_order", "O2") if end == "refund_order" else split.until("3d")

    assert ("report_to_operations", "O2") not in split.pending


# AX-3: never offline


@pytest.mark.parametrize("state", [*OPEN_STATES, "failed", *ENDS])
@pytest.mark.parametrize("named", [{"order": ITEM}, {"order": "O2"}, {"order": "O9"}, None])
def test_ax_3_shipping_offline_is_refused_in_every_state_with_all_it_costs(
    state: str, named: dict[str, str] | None
) -> None:
    split, _ = order_in(state)

    refusal = split.refusal("30d" if state == "refunded" else "1h", "ship_offline", form=named)

    assert "任何状态都不允许 / never allowed" in refusal
    assert all(cost in refusal for cost in OFFLINE_COSTS)


@pytest.mark.parametrize("many", [1, 2])
def test_ax_3_also_before_a_way_is_chosen_and_once_all_is_over(many: int) -> None:
    split = Split(many, O1="3d", **({"O2": "3d"} if many > 1 else {}))
    assert all(cost in split.refusal("1h", "ship_offline", ITEM) for cost in OFFLINE_COSTS)

    assert split.until("3d").machine.closed
    assert all(cost in split.refusal("3d", "ship_offline", ITEM) for cost in OFFLINE_COSTS)


@pytest.mark.parametrize("state", OPEN_STATES)
def test_ax_3_it_is_never_offered_and_a_message_about_it_is_ignored(state: str) -> None:
    split, order = order_in(state)
    before = split.machine.state.snapshot_of(order)

    split.report("1h", rule="ship_offline", order=order)

    assert "ship_offline" not in decisions.orders_by_rule(split.allowed)
    assert (split.machine.state.snapshot_of(order), len(split.ignored)) == (before, 1)


# AX-4: one authentication for one item


@pytest.mark.parametrize(
    ("verdict", "state", "clause"), [("pass", "authenticated", "AX-4"), ("fail", "failed", "AX-11")]
)
def test_ax_4_ax_11_the_order_with_the_item_is_authenticated_once_whatever_is_found(
    verdict: str, state: str, clause: str
) -> None:
    split, order = order_in("recorded")

    split.act("1h", "authenticate", order, {"verdict": verdict})

    assert (split.where(order), split.clauses["authenticate"]) == (state, clause)
    assert split.machine.case.authenticated_order == ITEM
    for form in ({"verdict": "pass"}, {"verdict": "fail"}):
        refusal = split.refusal("2h", "authenticate", order, form)
        assert "再鉴定一单将多扣鉴定费 ¥30.00 (AX-4)" in refusal


@pytest.mark.parametrize("state", [*ONLINE_STATES[2:], "blocked", "waybill_printed", "picked_up", "delivered"])
def test_ax_4_a_second_authentication_of_it_is_refused_with_the_fee_it_would_charge_again(state: str) -> None:
    split = kept().walk("1h", ITEM, *ITEM_WAY[:3])
    later = ("", "pack", "print_waybill", "pick_up", "deliver")
    if state == "blocked":
        split.act("1h", "report_blocked", ITEM)
    elif state != "waived":
        many = ("authenticated", "packed", "waybill_printed", "picked_up", "delivered").index(state)
        split.walk("1h", ITEM, *later[1 : many + 1])

    refusal = split.refusal("1h", "authenticate", ITEM)

    assert "再鉴定一单将多扣鉴定费 ¥30.00 (AX-4)" in refusal


@pytest.mark.parametrize("before", [True, False])
def test_ax_4_another_order_is_never_authenticated_neither_before_nor_after_the_item(*, before: bool) -> None:
    split = kept().walk("1h", "O2", "sign_in", "record")
    if not before:
        split.walk("1h", ITEM, *ITEM_WAY[:3])

    refusal = split.refusal("2h", "authenticate", "O2")

    assert "多扣鉴定费 ¥30.00 (AX-4)" in refusal
    assert "carries_item" in refusal or "none_authenticated" in refusal
    assert split.machine.case.authenticated_order == (None if before else ITEM)


def test_ax_4_a_message_about_a_second_authentication_is_ignored_and_one_about_ours_says_nothing_new() -> None:
    split = kept().walk("1h", ITEM, *ITEM_WAY[:3]).walk("1h", "O2", "sign_in", "record")

    for order in (ITEM, "O2"):
        split.report("2h", rule="authenticate", order=order, occurred_at="2h", form={"verdict": "pass"})

    assert [split.where(order) for order in order_ids(2)] == ["authenticated", "recorded"]
    assert len(split.ignored) == 1


# AX-5 and AX-6: the two ways


def test_ax_5_the_merchant_chooses_and_the_orders_go_on() -> None:
    split = Split().choose("1h", KEEP_SINGLE)

    assert (split.state, split.clauses["choose"]) == ("working", "AX-5")
    assert AnxinjianSplit.rules["choose"].party is Party.MERCHANT


def test_ax_5_one_order_has_nothing_to_choose() -> None:
    split = Split(1)

    assert (split.state, split.pending) == ("working", [])
    assert (split.fired(), split.clauses) == ([("close_choice", after("0s"))], {"close_choice": "AX-5"})
    assert "choose" not in decisions.orders_by_rule(split.allowed)
    split.walk("1h", ITEM, *ITEM_WAY)
    assert (split.state, split.booked) == ("settled", [])


@pytest.mark.parametrize("many", [2, 5, 20])
def test_ax_5_several_orders_have(many: int) -> None:
    split = Split(many)

    assert (split.state, split.pending) == ("choosing", [("ask_choice", None)])
    assert len(split.machine.states()) == 1 + many


def test_ax_5_the_choice_falls_away_once_the_other_orders_have_ended() -> None:
    split = Split(3, O3="2d").act("1h", "explain_unsigned", "O2", {"why": "refunded_before_shipping"}).until("47h")
    assert split.state == "choosing"

    split.until("2d")

    assert (split.state, split.fired()[-1]) == ("working", ("close_choice", after("2d")))
    assert not {("ask_choice", None), ("escalate_silence", None)} & set(split.pending)
    assert "非「没有其他未了结的订单」 (nothing_to_choose)" in split.refusal("49h", "choose", form=KEEP_SINGLE)


def test_ax_5_it_does_not_fall_away_with_the_order_that_carries_the_item() -> None:
    split = Split(2, O1="2d").until("2d")

    assert (split.where(ITEM), split.state) == ("refunded", "choosing")


@pytest.mark.parametrize(("first", "then"), [(KEEP_ALL, KEEP_SINGLE), (KEEP_SINGLE, KEEP_ALL)])
def test_ax_5_it_can_be_changed_until_it_has_been_acted_on(first: dict[str, Any], then: dict[str, Any]) -> None:
    split = kept(3, way=first).walk("1h", "O2", "sign_in").choose("2h", then)

    assert (split.state, split.machine.case.way) == ("working", then["way"])
    assert split.pending == ([("arrange_repurchase", None)] if then is KEEP_SINGLE else [])
    if then is KEEP_ALL:
        split.act("3h", "waive", "O2")
    else:
        split.report("3h", rule="refund_order", order="O2")
    for way in (KEEP_ALL, KEEP_SINGLE):
        refusal = split.refusal("4h", "choose", form=way)
        assert "非「已有订单按选定的方式退款或无需鉴定」 (choice_acted_on)" in refusal


def test_ax_5_what_happened_before_a_choice_or_to_the_item_has_not_acted_on_it() -> None:
    split = Split(4).report("1h", rule="refund_order", order="O2").choose("2h", KEEP_SINGLE)
    split.report("3h", rule="refund_order", order=ITEM)
    split.act("3h", "explain_unsigned", "O3", {"why": "refunded_before_shipping"})

    assert split.choose("4h", KEEP_ALL).machine.case.keeps_all


def test_ax_5_there_is_nothing_to_change_once_the_other_orders_have_ended() -> None:
    split = kept(way=KEEP_ALL).act("1h", "explain_unsigned", "O2", {"why": "refunded_before_shipping"})

    assert "非「没有其他未了结的订单」 (nothing_to_choose)" in split.refusal("2h", "choose", form=KEEP_SINGLE)


def test_ax_5_the_same_way_may_be_chosen_again_and_is_arranged_once() -> None:
    split = kept(way=KEEP_SINGLE).choose("2h", KEEP_SINGLE)

    assert split.pending == [("arrange_repurchase", None)]


@pytest.mark.parametrize("way", [None, KEEP_SINGLE])
def test_ax_5_ax_6_if_the_buyer_will_not_cancel_all_are_kept_without_anybodys_consent(
    way: dict[str, Any] | None,
) -> None:
    split = (Split() if way is None else kept(way=way)).act("1h", "buyer_keeps")

    assert (split.state, split.clauses["buyer_keeps"]) == ("working", "AX-6")
    assert split.machine.case.keeps_all
    assert not {("ask_choice", None), ("arrange_repurchase", None)} & set(split.pending)
    assert AnxinjianSplit.rules["buyer_keeps"].party is Party.BUYER
    split.walk("2h", "O2", *WAIVED_WAY)
    assert split.booked == [("AX-8", "O2", "12.00")]


def test_ax_5_the_buyer_may_say_so_also_when_one_order_was_refunded() -> None:
    split = kept(3, way=KEEP_SINGLE).report("1h", rule="refund_order", order="O2").act("2h", "buyer_keeps")

    assert split.walk("3h", "O3", "sign_in", "waive").where("O3") == "waived"


@pytest.mark.parametrize("many", [1, 2])
def test_ax_5_where_all_are_kept_or_nothing_is_left_there_is_nothing_for_the_buyer_to_keep(many: int) -> None:
    split = Split(1) if many == 1 else kept()

    assert "buyer_keeps" not in decisions.orders_by_rule(split.allowed)
    assert "buyer_keeps" in split.refusal("1h", "buyer_keeps")


def test_ax_5_a_buyer_who_cancels_after_all_is_asked_again() -> None:
    split = Split().act("1h", "buyer_keeps").choose("2h", KEEP_SINGLE)

    assert split.pending == [("arrange_repurchase", None)]
    assert not split.machine.case.keeps_all


def test_ax_5_to_keep_the_item_alone_the_merchant_is_asked_to_have_the_others_bought_again() -> None:
    assert kept(way=KEEP_SINGLE).pending == [("arrange_repurchase", None)]
    assert kept(way=KEEP_ALL).pending == []


@pytest.mark.parametrize("state", ["awaiting_sign_in", "unverified", "signed_in", "recorded", "blocked"])
def test_ax_5_in_keep_single_the_other_orders_are_refunded_from_wherever_they_stand(state: str) -> None:
    split = kept(way=KEEP_SINGLE)
    steps = {"unverified": ["explain_unsigned"], "signed_in": ["sign_in"], "recorded": ["sign_in", "record"]}
    split.walk("1h", "O2", *(["sign_in", "report_blocked"] if state == "blocked" else steps.get(state, [])))
    assert split.where("O2") == state

    split.report("2h", rule="refund_order", order="O2")

    assert (split.where("O2"), split.clauses["refund_order"], split.booked) == ("cancelled", "AX-12", [])
    assert AnxinjianOrder.rules["refund_order"].party is Party.PLATFORM


@pytest.mark.parametrize("recorded", [True, False])
def test_ax_5_in_keep_all_the_other_orders_need_no_authentication(*, recorded: bool) -> None:
    split = kept().walk("1h", "O2", "sign_in", *(["record"] if recorded else []))

    assert split.act("2h", "waive", "O2").where("O2") == "waived"
    assert split.clauses["waive"] == "AX-5"


@pytest.mark.parametrize("way", [None, KEEP_SINGLE])
@pytest.mark.parametrize("steps", [["sign_in"], ["sign_in", "record"]])
def test_ax_5_no_order_is_waived_outside_keep_all(way: dict[str, Any] | None, steps: list[str]) -> None:
    split = (Split() if way is None else kept(way=way)).walk("1h", "O2", *steps)

    assert "已定为全部保留 (keeps_all)" in split.refusal("2h", "waive", "O2")


@pytest.mark.parametrize("steps", [["sign_in"], ["sign_in", "record"]])
def test_ax_5_the_order_with_the_item_is_never_waived(steps: list[str]) -> None:
    split = kept().walk("1h", ITEM, *steps)

    assert "非「实物在此订单」 (carries_item)" in split.refusal("2h", "waive", ITEM)


@pytest.mark.parametrize("form", [{"way": "keep_all"}, {"way": "keep_all", "freight_consent": False}])
@pytest.mark.parametrize("way", [None, KEEP_SINGLE, KEEP_ALL])
def test_ax_6_keep_all_without_consent_is_refused_with_what_it_costs_and_changes_nothing(
    form: dict[str, Any], way: dict[str, Any] | None
) -> None:
    split = Split(3) if way is None else kept(3, way=way)

    refusal = split.refusal("1h", "choose", form=form)

    assert "只留实物订单,或商家已同意承担运费(freight_consent)" in refusal
    assert "全部保留须登记商家同意承担运费 ¥24.00(freight_consent),未同意不能选 (AX-6)" in refusal
    assert split.machine.case.way == (None if way is None else way["way"])


def test_ax_6_nor_is_it_taken_from_a_message_that_says_nothing_of_the_way() -> None:
    split = Split().report("1h", rule="choose").report("2h", rule="choose", form={"way": "keep_all"})

    assert (split.state, len(split.ignored)) == ("choosing", 2)


def test_ax_6_what_the_buyer_decides_costs_the_freight_and_the_case_says_so() -> None:
    split = Split(3)
    details = current_details(split.machine)
    assert "其余 2 单全部保留,运费 ¥24.00 由商家承担,无须商家同意 (AX-6)" in details

    split.act("1h", "buyer_keeps")

    (told,) = [effect for effect in split.machine.state.effects if effect.effect == "tell_freight"]
    assert SPLIT.effects()[told.effect].label == "买家不愿取消其余订单:全部保留,运费由商家承担,无须商家同意"
    assert [notice.serial for notice in split.machine.state.notifications if notice.notice] == [told.serial]


# AX-7: a waived order is confirmed only after its waybill was printed, picked up and signed for


@pytest.mark.parametrize(
    ("steps", "label"),
    [
        (3, "无需鉴定"),
        (4, "已打包"),
        (5, "已打单"),
        (6, "已揽收"),
    ],
)
def test_ax_7_a_waived_order_is_not_confirmed_before_and_the_refusal_says_where_it_stands_and_why(
    steps: int, label: str
) -> None:
    split = kept().walk("1h", "O2", *WAIVED_WAY[:steps])

    refusal = split.refusal("2h", "confirm_receipt", "O2")

    assert f"O2 {label} (O2.{split.where('O2')})" in refusal
    assert "无需鉴定的订单,面单须线上打出、揽收且签收后才能确认 (AX-7)" in refusal


def test_ax_7_nor_by_a_message() -> None:
    split = kept().walk("1h", "O2", *WAIVED_WAY[:6])

    split.report("2h", rule="confirm_receipt", order="O2")

    assert split.where("O2") == "picked_up"
    assert split.ignored[0].startswith("当前状态不适用")


def test_ax_7_after_pickup_and_delivery_it_is() -> None:
    split = kept().walk("1h", "O2", *WAIVED_WAY)

    assert (split.where("O2"), split.clauses["confirm_receipt"]) == ("confirmed", "AX-7")
    assert {split.clauses[rule] for rule in ("pick_up", "deliver")} == {"AX-7"}
    assert {AnxinjianOrder.rules[rule].party for rule in ("pick_up", "deliver")} == {Party.PLATFORM}


@pytest.mark.parametrize("steps", range(1, len(WAIVED_WAY)))
def test_ax_7_the_item_is_not_settled_while_one_order_is_open_and_the_view_says_which(steps: int) -> None:
    split = kept().walk("1h", ITEM, *ITEM_WAY).walk("1h", "O2", *WAIVED_WAY[:steps])

    assert (split.state, split.machine.closed) == ("working", False)
    assert f"`{split.where('O2')}`:O2" in current_details(split.machine)
    assert f"O2.{split.where('O2')}" in split.machine.states()


def test_ax_7_once_every_order_has_ended_the_item_is_settled_at_once() -> None:
    split = kept(3).walk("1h", ITEM, *ITEM_WAY).walk("2h", "O3", *WAIVED_WAY)
    split.act("2h", "explain_unsigned", "O2", {"why": "refunded_before_shipping"})

    assert (split.state, split.machine.closed, split.machine.states()) == ("settled", True, ["settled"])
    assert (split.fired()[-1], split.clauses["settle_item"]) == (("settle_item", after("2h")), "AX-7")
    assert split.clocks == {}


# AX-8: freight and fees


def test_ax_8_both_ways_are_shown_with_their_cost_before_one_is_chosen_and_no_longer_after() -> None:
    split = Split(5)

    assert costs(split) == [("keep_single", "0.00"), ("keep_all", "48.00")]
    details = current_details(split.machine)
    assert "额外鉴定费 ¥0.00,运费 ¥0.00" in details
    assert "额外鉴定费 ¥0.00,运费 ¥48.00" in details
    assert "💰" in current_details(split.choose("1h", KEEP_ALL).machine)
    split.walk("2h", "O2", "sign_in", "waive")
    assert "💰" not in current_details(split.machine)


def test_ax_8_an_order_that_has_ended_is_not_counted() -> None:
    split = Split(3).act("1h", "explain_unsigned", "O2", {"why": "refunded_before_shipping"})

    assert costs(split) == [("keep_single", "0.00"), ("keep_all", "12.00")]


def test_ax_8_freight_is_booked_on_completion_once_for_each_distinct_waybill() -> None:
    split = kept(3).walk("1h", ITEM, *ITEM_WAY)
    for order in ("O2", "O3"):
        split.walk("2h", order, *WAIVED_WAY[:-1])
    assert split.booked == []

    split.act("3h", "confirm_receipt", "O2").act("4h", "confirm_receipt", "O3")

    assert split.booked == [("AX-8", "O2", "12.00"), ("AX-8", "O3", "12.00")]
    assert [entry.at for entry in split.machine.state.ledger] == [after("3h"), after("4h")]
    assert {entry.shop_id for entry in split.machine.state.ledger} == {"M1"}


def shipped_with(split: Split, at: str = "1h", **numbers: str) -> Split:
    """Ship orders with waybills of these numbers; they have arrived and are to be confirmed."""
    for order, number in numbers.items():
        split.walk(at, order, *(ITEM_WAY if order == ITEM else WAIVED_WAY)[:4])
        split.act(at, "print_waybill", order, {"carrier": "YTO", "tracking_no": number})
        split.walk(at, order, "pick_up", "deliver")
    return split


def confirmed(split: Split, *orders: str) -> Split:
    for order in orders:
        split.act("2h", "confirm_receipt", order)
    return split


@pytest.mark.parametrize("orders", [("O1", "O2", "O3"), ("O2", "O3", "O1")])
def test_ax_8_an_order_that_travels_with_the_item_pays_nothing(orders: tuple[str, ...]) -> None:
    split = confirmed(shipped_with(kept(3), O1="YT1", O2="YT1", O3="YT3"), *orders)

    assert split.booked == [("AX-8", "O3", "12.00")]


@pytest.mark.parametrize("together", [True, False])
def test_ax_8_two_orders_in_one_parcel_apart_from_the_item_pay_once(*, together: bool) -> None:
    split = shipped_with(kept(3), O1="YT1", O2="YT2")
    if together:
        confirmed(shipped_with(split, O3="YT2"), *order_ids(3))
    else:
        confirmed(shipped_with(confirmed(split, "O1", "O2"), "2h", O3="YT2"), "O3")

    assert split.state == "settled"
    assert [(clause, amount) for clause, _, amount in split.booked] == [("AX-8", "12.00")]


def test_ax_8_one_that_reached_its_end_by_message_pays_as_well() -> None:
    split = kept().walk("1h", "O2", *WAIVED_WAY[:5])

    for number, rule in enumerate(WAIVED_WAY[5:], 2):
        split.report(f"{number}h", rule=rule, order="O2")

    assert split.booked == [("AX-8", "O2", "12.00")]


# AX-9: automatic receipt


def test_ax_9_an_order_unconfirmed_at_its_instant_is_refunded_and_lost_not_a_second_before() -> None:
    split = kept(O2="10d").until("10d", by=-SECOND)
    assert split.where("O2") == "unverified"

    split.until("10d")

    assert (split.where("O2"), split.fired("O2")[-1]) == ("refunded", ("auto_refund", after("10d")))
    assert (split.clauses["auto_refund"], split.booked) == ("AX-9", [("AX-9", "O2", None)])
    assert split.where(ITEM) == "unverified"


@pytest.mark.parametrize("state", OPEN_STATES)
def test_ax_9_from_every_state_in_which_it_is_not_confirmed(state: str) -> None:
    split, order = order_in(state)

    split.until("30d")

    assert split.where(order) == "refunded"
    assert [entry for entry in split.booked if entry[1] == order] == [("AX-9", order, None)]


def test_ax_9_confirmed_at_the_last_second_is_confirmed() -> None:
    split, order = order_in("delivered")
    split.until("30d", by=-SECOND)

    split.machine.decide("confirm_receipt", {"order": order}, after("30d") - SECOND)

    assert split.until("30d").where(order) == "confirmed"
    assert order not in {of for _, of, _ in split.booked}


def test_ax_9_at_the_instant_itself_the_platform_says_whether_it_was_confirmed() -> None:
    split, order = order_in("delivered")
    split.until("30d", by=-SECOND)

    with pytest.raises(Refused, match="正在向平台核实"):
        split.machine.decide("confirm_receipt", {"order": order}, after("30d"))

    assert split.until("30d").where(order) == "refunded"


@pytest.mark.parametrize("state", ["failed", *ENDS[:3]])
def test_ax_9_an_order_that_has_ended_is_not_lost(state: str) -> None:
    split, order = order_in(state)

    split.until("40d")

    assert split.where(order) == state
    assert split.booked == [("AX-9", "O2", None)]


@pytest.mark.parametrize("state", OPEN_STATES)
def test_ax_9_the_provider_is_reminded_72_and_24_hours_before_and_at_no_other_time(state: str) -> None:
    split, order = order_in(state)

    split.until("30d")

    reminded = [at for rule, of, at in split.reminded if (rule, of) == ("auto_refund", order)]
    assert reminded == [after("30d") - H72, after("30d") - H24]


@pytest.mark.parametrize(("before", "many"), [(H72, 1), (H24, 2)])
def test_ax_9_not_a_second_earlier(before: timedelta, many: int) -> None:
    split = kept(O2="10d")

    def reminders() -> int:
        return sum(rule == "auto_refund" and order == "O2" for rule, order, _ in split.reminded)

    split.until("10d", by=-before - SECOND)
    assert reminders() == many - 1
    split.until("10d", by=-before)
    assert reminders() == many


def test_ax_9_nobody_is_reminded_of_an_order_that_has_ended() -> None:
    split, _ = order_in("confirmed")

    split.until("29d")

    assert {order for rule, order, _ in split.reminded if rule == "auto_refund"} == {"O2"}


def test_ax_9_the_times_of_the_reminders_are_the_policys() -> None:
    split = Split(1, {"escalate_before": ["5h"]}, O1="10d").act("1h", "sign_in", ITEM).until("10d")

    assert split.reminded == [("auto_refund", ITEM, after("10d") - timedelta(hours=5))]


def test_ax_9_the_clock_is_the_platforms_and_the_only_one_of_its() -> None:
    settled = {name for chart in SPLIT.charts for name, clock in chart.clocks().items() if clock.resolved_by_platform}

    assert settled == {"auto_refund"}
    assert AnxinjianOrder.clocks()["auto_refund"].of is Party.PROVIDER


def test_ax_9_without_an_instant_there_is_no_clock() -> None:
    split = kept(O2=None).until("365d")

    assert (split.where("O2"), split.where(ITEM)) == ("unverified", "refunded")
    assert ("auto_refund", "O2") not in split.clocks
    assert split.state == "working"


@pytest.mark.parametrize("recorded", ["10d", None])
@pytest.mark.parametrize("reported", ["5d", "20d"])
def test_ax_9_the_platforms_own_instant_replaces_the_orders_alone(recorded: str | None, reported: str) -> None:
    split = kept(O2=recorded).report("1d", order="O2", deadline=reported)
    assert split.ignored == []
    assert (split.clocks["auto_refund", "O2"], split.clocks["auto_refund", ITEM]) == (after(reported), after("30d"))

    split.until(reported, by=-SECOND)
    assert split.where("O2") == "unverified"
    split.until(reported)

    assert (split.where("O2"), split.fired("O2")[-1]) == ("refunded", ("auto_refund", after(reported)))
    reminded = [at for rule, of, at in split.reminded if (rule, of) == ("auto_refund", "O2")]
    assert reminded == [after(reported) - H72, after(reported) - H24]


def test_ax_9_it_stays_while_the_order_goes_on_and_through_a_block() -> None:
    split = kept().report("1d", order="O2", deadline="20d").walk("2d", "O2", *WAIVED_WAY[:2])

    split.walk("3d", "O2", "report_blocked", "unblock", *WAIVED_WAY[2:7])

    assert split.clocks["auto_refund", "O2"] == after("20d")


def test_ax_9_it_may_come_with_what_happened() -> None:
    split = kept().report("1d", rule="sign_in", order="O2", deadline="20d")

    assert (split.where("O2"), split.clocks["auto_refund", "O2"]) == ("signed_in", after("20d"))


def test_ax_9_the_only_order_need_not_be_named_with_its_instant() -> None:
    split = Split(1, O1=None).report("1h", deadline="20d")

    assert split.clocks["auto_refund", ITEM] == after("20d")


@pytest.mark.parametrize("order", [None, "O9"])
def test_ax_9_of_several_an_instant_without_its_order_is_ignored_with_the_reason(order: str | None) -> None:
    split = kept().report("1h", deadline="20d", **({"order": order} if order else {}))

    assert {split.clocks["auto_refund", order] for order in order_ids(2)} == {after("30d")}
    assert len(split.ignored) == 1


def test_ax_9_an_instant_for_an_order_that_has_ended_is_ignored() -> None:
    split, order = order_in("confirmed")

    split.report("2h", order=order, deadline="20d")

    assert ("auto_refund", order) not in split.clocks
    assert len(split.ignored) == 1


def test_ax_9_settled_with_loss_where_one_was_lost() -> None:
    split = kept(O2="10d").walk("1h", ITEM, *ITEM_WAY).until("10d")

    assert (split.state, split.machine.closed, split.clauses["settle_item"]) == ("settled_with_loss", True, "AX-9")
    assert split.booked == [("AX-9", "O2", None)]


def test_ax_9_one_loss_for_each_order_that_was_lost() -> None:
    split = kept(3, O2="10d", O3="11d").until("30d")

    assert split.state == "settled_with_loss"
    assert split.booked == [("AX-9", "O2", None), ("AX-9", "O3", None), ("AX-9", "O1", None)]


def test_ax_9_a_refund_that_the_platform_reports_is_a_loss_as_well_and_once() -> None:
    split = kept()

    for number in ("m1", "m1", "m2"):
        split.report("5d", rule="auto_refund", order="O2", message_id=number, occurred_at="5d")

    assert (split.where("O2"), split.booked) == ("refunded", [("AX-9", "O2", None)])
    assert len(split.ignored) == 1


@pytest.mark.parametrize("way", [KEEP_ALL, KEEP_SINGLE])
def test_ax_9_settled_without_loss_where_none_was(way: dict[str, Any]) -> None:
    split = kept(way=way).walk("1h", ITEM, *ITEM_WAY)
    split.walk("2h", "O2", *(WAIVED_WAY if way is KEEP_ALL else ["refund_order"]))

    assert split.state == "settled"
    assert [clause for clause, _, _ in split.booked] == (["AX-8"] if way is KEEP_ALL else [])


def test_ax_9_what_the_platform_says_of_the_instant_counts() -> None:
    split = kept().walk("1h", "O2", *WAIVED_WAY[:7])

    split.until("30d", rule="confirm_receipt", occurred_at=after("29d"))

    assert (split.where("O2"), split.fired("O2")[-1]) == ("confirmed", ("confirm_receipt", after("29d")))
    assert ("AX-9", "O2", None) not in split.booked


def test_ax_9_what_it_says_never_lies_before_what_the_order_did_last() -> None:
    split = kept().walk("20d", "O2", *WAIVED_WAY[:7])

    split.until("30d", rule="confirm_receipt", occurred_at=after("19d"))

    assert split.fired("O2")[-1] == ("confirm_receipt", after("20d"))


def test_ax_9_the_platform_may_give_the_order_more_time() -> None:
    split = kept(O2="10d").until("10d", deadline=after("15d"))

    assert (split.where("O2"), split.clocks["auto_refund", "O2"]) == ("unverified", after("15d"))
    assert split.until("15d").where("O2") == "refunded"


def test_ax_9_more_time_for_one_order_is_no_answer_about_another() -> None:
    split = kept(3, O2="10d", O3="10d")
    split.machine.advance(after("10d"))
    asked = {expiry.order: expiry.serial for expiry in split.machine.state.expiries}
    assert set(asked) == {"O2", "O3"}

    split.report("10d", order="O2", deadline="15d")

    assert [(expiry.order, expiry.serial) for expiry in split.machine.state.expiries] == [("O3", asked["O3"])]


def test_g_7_a_clock_that_ran_out_for_two_orders_is_confirmed_for_the_one_that_is_named() -> None:
    split = kept(3, O2="10d", O3="10d")
    split.machine.advance(after("10d"))
    for expiry in split.machine.state.expiries:
        split.machine.fail_expiry(expiry.serial, "no answer")
    seen = view(split.machine, after("10d"))
    (named,) = [step for step in seen.waiting if step.order == "O3"]
    by_desk = InputSender(way="desk", step=seen.key_of_step(named.serial))

    split.machine.done_by_hand({"serial": named.serial}, after("10d"), sender=by_desk)

    assert (split.where("O3"), split.where("O2")) == ("refunded", "unverified")


def being_settled(steps: int = 2) -> Split:
    """Return an item with an order whose clock has run out while the platform has not answered yet."""
    split = kept(O2="10d").walk("1h", "O2", *WAIVED_WAY[:steps])
    split.machine.advance(after("10d"))
    assert [(expiry.order, expiry.rule) for expiry in split.machine.state.expiries] == [("O2", "auto_refund")]
    return split


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4])
def test_ax_9_while_the_platform_is_asked_nobody_acts_on_that_order_but_on_the_others(steps: int) -> None:
    split = being_settled(steps)
    rule = {0: "sign_in"}.get(steps, WAIVED_WAY[steps])

    assert [choice for choice in split.allowed if choice.order == "O2"] == []
    with pytest.raises(Refused, match="正在向平台核实"):
        split.machine.decide(
            rule,
            {"order": "O2"} | ({} if steps != 4 else {"carrier": "X", "tracking_no": "1"}),
            after("10d"),
        )
    serials = [expiry.serial for expiry in split.machine.state.expiries]
    split.machine.decide("sign_in", {"order": ITEM}, after("10d"))

    assert [expiry.serial for expiry in split.machine.state.expiries] == serials
    assert split.until("10d").where("O2") == "refunded"


def test_ax_9_a_message_about_something_later_waits_for_the_answer() -> None:
    split = being_settled(5)

    split.report("11d", rule="pick_up", order="O2", occurred_at="11d")

    assert (split.where("O2"), len(split.machine.state.held)) == ("waybill_printed", 1)
    assert split.until("11d").where("O2") == "refunded"


def test_ax_9_a_message_about_something_earlier_counts_before_the_answer() -> None:
    split = being_settled(7).report("11d", rule="confirm_receipt", order="O2", occurred_at="9d")

    assert (split.where("O2"), split.machine.state.expiries) == ("confirmed", [])


def test_ax_9_a_clock_that_runs_out_while_the_platform_is_asked_does_not_turn_time_back() -> None:
    split = kept(O2="10h")
    for hour in range(10, 40):
        split.machine.advance(after(f"{hour}h"))

    split.until("40h")

    instants = [at for _, at in split.fired("O2")]
    assert (split.where("O2"), split.booked) == ("refunded", [("AX-9", "O2", None)])
    assert instants == sorted(instants)


# AX-10: the merchant's silence


def test_ax_10_the_choice_is_asked_for_at_once() -> None:
    split = Split()

    assert [(effect.effect, effect.at) for effect in split.machine.state.pending] == [("ask_choice", after("0s"))]


def test_ax_10_silence_is_escalated_at_24_00_00_not_before() -> None:
    split = Split().walk("1h", ITEM, "sign_in").walk("1h", "O2", "sign_in").until("24h", by=-SECOND)
    assert split.fired() == []

    split.until("24h")

    assert (split.state, split.fired()) == ("choosing", [("escalate_choice", after("24h"))])
    assert (split.clauses["escalate_choice"], split.pending[-1]) == ("AX-10", ("escalate_silence", None))


def test_ax_10_once() -> None:
    split = Split().until("29d")

    assert [rule for rule, _ in split.fired()] == ["escalate_choice"]
    assert ("escalate_choice", None) not in split.clocks


@pytest.mark.parametrize("way", [KEEP_ALL, KEEP_SINGLE])
def test_ax_10_it_can_still_be_chosen_and_nobody_need_ask_any_more(way: dict[str, Any]) -> None:
    split = Split().act("1h", "sign_in", ITEM).act("1h", "sign_in", "O2").choose("3d", way)

    assert split.state == "working"
    assert split.pending == ([] if way is KEEP_ALL else [("arrange_repurchase", None)])


def test_ax_10_chosen_at_the_last_second_it_is_not_escalated() -> None:
    split = Split().until("24h", by=-SECOND)

    split.machine.decide("choose", KEEP_ALL, after("24h") - SECOND)

    assert [rule for rule, _ in split.until("48h").fired()] == ["choose"]


def test_ax_10_chosen_at_24_hours_it_was_escalated_first() -> None:
    split = Split().until("24h", by=-SECOND)

    split.machine.decide("choose", KEEP_ALL, after("24h"))

    assert split.fired() == [("escalate_choice", after("24h")), ("choose", after("24h"))]


def test_ax_10_the_merchant_is_reminded_12_and_2_hours_before() -> None:
    split = Split().until("24h")

    assert [at for rule, _, at in split.reminded if rule == "escalate_choice"] == [after("12h"), after("22h")]


def test_ax_10_a_choice_made_is_not_reminded_of() -> None:
    split = Split().choose("13h", KEEP_ALL).until("24h")

    assert [at for rule, _, at in split.reminded if rule == "escalate_choice"] == [after("12h")]


@pytest.mark.parametrize("many", [1, 2])
def test_ax_10_only_where_there_is_something_to_choose(many: int) -> None:
    split = Split(many).until("3d")

    assert ("escalate_choice" in split.clauses) is (many > 1)


# AX-11: what fails goes back to the merchant


def failed_item(many: int = 2) -> Split:
    split = Split(1) if many == 1 else kept(many)
    return split.walk("1h", ITEM, "sign_in", "record").act("2h", "authenticate", ITEM, {"verdict": "fail"})


def test_ax_11_what_fails_is_not_packed_for_the_buyer_but_sent_back_and_is_no_loss() -> None:
    split = failed_item()
    assert (split.where(ITEM), split.pending) == ("failed", [("send_back", ITEM)])
    for rule in ("pack", "print_waybill", "report_blocked", "record", "sign_in", "waive"):
        assert "当前状态不允许" in split.refusal("3h", rule, ITEM)

    split.act("4h", "return_item", ITEM)

    assert (split.where(ITEM), split.clauses["return_item"], split.pending) == ("returned", "AX-11", [])
    assert split.until("40d").booked == [("AX-9", "O2", None)]
    assert AnxinjianOrder.rules["return_item"].party is Party.PROVIDER


def test_ax_11_it_waits_for_its_return_without_a_clock() -> None:
    split = failed_item(1)

    assert split.clocks == {}
    assert (split.until("60d").where(ITEM), split.state, split.booked) == ("failed", "working", [])


@pytest.mark.parametrize("state", [*OPEN_STATES, "confirmed", "cancelled", "returned"])
def test_ax_11_only_what_failed_is_sent_back(state: str) -> None:
    split, order = order_in(state)

    assert "return_item" in split.refusal("1h", "return_item", order)


def test_ax_11_the_return_names_its_parcel() -> None:
    with pytest.raises(BadForm, match="return_item: tracking_no"):
        failed_item().act("3h", "return_item", ITEM, {"carrier": "YTO"})


def test_ax_11_the_parcel_of_the_return_is_no_waybill_of_the_split() -> None:
    split = failed_item(3).act("3h", "return_item", ITEM, {"carrier": "YTO", "tracking_no": "YT-O2"})

    split.walk("4h", "O2", *WAIVED_WAY)

    assert split.booked == [("AX-8", "O2", "12.00")]


def test_ax_11_once_it_is_returned_and_the_others_have_ended_the_item_is_settled_without_loss() -> None:
    split = failed_item().report("3h", rule="refund_order", order="O2").act("4h", "return_item", ITEM)

    assert (split.state, split.booked, split.machine.closed) == ("settled", [], True)


def test_ax_11_what_a_failure_costs_is_shown_before_the_verdict() -> None:
    split, _ = order_in("recorded")

    actions = view(split.machine, split.machine.state.latest).actions
    (shown,) = [action for action in actions if (action.rule, action.order) == ("authenticate", ITEM)]

    assert [(cost.choice, str(cost.amount), cost.note) for cost in shown.costs] == [
        ("fail", "30.00", "鉴定费 ¥30.00 照收,商品退回商家,买家退款")
    ]


# AX-12: the platform may refund any order


@pytest.mark.parametrize("way", [None, KEEP_SINGLE, KEEP_ALL])
@pytest.mark.parametrize("state", OPEN_STATES)
def test_ax_12_an_order_without_the_item_is_cancelled_in_every_state_and_way(
    state: str, way: dict[str, Any] | None
) -> None:
    if state == "authenticated":
        return
    if way is KEEP_ALL:
        split, _ = order_in(state, "O2")
    elif state in ("awaiting_sign_in", "unverified", "signed_in", "recorded", "blocked"):
        split = Split() if way is None else kept(way=way)
        steps = {"unverified": ["explain_unsigned"], "signed_in": ["sign_in"], "recorded": ["sign_in", "record"]}
        split.walk("1h", "O2", *(["sign_in", "report_blocked"] if state == "blocked" else steps.get(state, [])))
    else:
        return

    split.report("2h", rule="refund_order", order="O2")

    assert (split.where("O2"), split.clauses["refund_order"], split.booked) == ("cancelled", "AX-12", [])
    assert [effect for effect, order in split.pending if order == "O2"] == []


ITEM_REFUNDED = {
    "awaiting_sign_in": "cancelled",
    "unverified": "cancelled",
    "signed_in": "failed",
    "recorded": "failed",
    "authenticated": "failed",
    "packed": "failed",
    "blocked": "failed",
    "waybill_printed": "failed",
    "picked_up": "refunded",
    "delivered": "refunded",
}


@pytest.mark.parametrize("way", [KEEP_SINGLE, KEEP_ALL])
@pytest.mark.parametrize(("state", "reached"), ITEM_REFUNDED.items())
def test_ax_12_the_items_order_ends_where_the_item_is(state: str, reached: str, way: dict[str, Any]) -> None:
    split, _ = order_in(state)
    split.choose("1h", way)

    split.report("2h", rule="refund_order", order=ITEM)

    assert (split.where(ITEM), split.clauses["refund_order"]) == (reached, "AX-12")
    assert split.booked == ([("AX-9", ITEM, None)] if reached == "refunded" else [])
    assert (("send_back", ITEM) in split.pending) is (reached == "failed")


@pytest.mark.parametrize(("step", "reached"), [("sign_in", "cancelled"), ("pack", "failed")])
def test_ax_12_a_blocked_item_goes_back_only_if_it_was_signed_in(step: str, reached: str) -> None:
    split = kept().walk("1h", ITEM, *(["sign_in"] if step == "pack" else []))
    split.act("2h", "report_blocked", ITEM, {"step": step}).report("3h", rule="refund_order", order=ITEM)

    assert split.where(ITEM) == reached


@pytest.mark.parametrize("state", ["signed_in", "picked_up"])
def test_ax_12_the_item_is_settled_with_loss_only_if_it_had_been_shipped(state: str) -> None:
    split, _ = order_in(state)
    split.report("2h", rule="refund_order", order=ITEM).report("3h", rule="refund_order", order="O2")
    if state == "signed_in":
        assert (split.state, split.machine.closed) == ("working", False)
        split.act("4h", "return_item", ITEM)

    assert split.state == ("settled" if state == "signed_in" else "settled_with_loss")


def test_ax_12_the_refund_of_what_failed_is_noted_once() -> None:
    split = failed_item()

    for number in ("m1", "m2"):
        split.report("3h", rule="refund_order", order=ITEM, message_id=number)

    assert [rule for rule, _ in split.fired(ITEM)].count("refund_order") == 1
    assert (split.where(ITEM), len(split.ignored)) == ("failed", 1)
    assert split.act("4h", "return_item", ITEM).where(ITEM) == "returned"


@pytest.mark.parametrize("state", ENDS[:3])
def test_ax_12_an_order_that_has_ended_is_not_refunded(state: str) -> None:
    split, order = order_in(state)

    split.report("2h", rule="refund_order", order=order)

    assert (split.where(order), len(split.ignored)) == (state, 1)


def test_ax_12_told_late_that_it_was_picked_up_before_the_refund_it_is_a_loss() -> None:
    split = kept().walk("1h", ITEM, *ITEM_WAY[:5]).report("5h", rule="refund_order", order=ITEM, occurred_at="4h")
    assert (split.where(ITEM), split.booked) == ("failed", [])

    split.report("6h", rule="pick_up", order=ITEM, occurred_at="3h")

    assert (split.where(ITEM), split.booked) == ("refunded", [("AX-9", ITEM, None)])
    assert ("send_back", ITEM) not in split.pending


# cases opened before 2026-11-27 keep the rules with which they were opened


def test_a_case_opened_before_keeps_the_rules_of_then() -> None:
    split = Split(3, edition=BEFORE).choose("1h", {"way": "keep_all"})
    assert (split.machine.case.way, split.pending) == ("keep_single", [("arrange_repurchase", None)])
    assert "当前状态不允许" in split.refusal("2h", "choose", form=KEEP_ALL)
    assert "当前状态不允许" in split.refusal("2h", "buyer_keeps")

    split.walk("2h", ITEM, "sign_in", "record").act("2h", "authenticate", ITEM, {"verdict": "fail"})
    assert (split.where(ITEM), split.clauses["authenticate"]) == ("authenticated", "AX-4")
    split.report("3h", rule="refund_order", order=ITEM).report("3h", rule="refund_order", order="O2")
    assert [split.where(order) for order in order_ids(3)] == ["authenticated", "cancelled", "awaiting_sign_in"]
    assert split.clauses["refund_order"] == "AX-5"
    assert "当前状态不允许" in split.refusal("4h", "report_blocked", "O3", {"step": "sign_in"})
    with pytest.raises(BadForm, match="report_blocked: step"):
        split.act("4h", "report_blocked", ITEM, {"step": "sign_in"})
    assert (split.machine.case.whereabouts, split.machine.case.refunded_orders) == ({}, ())


def test_an_order_of_a_case_opened_before_is_refunded_in_keep_single_only() -> None:
    split = Split(edition=BEFORE).choose("1h", KEEP_ALL)

    assert "已选只保留实物订单 (keeps_single)" in split.refusal("2h", "refund_order", "O2")
    split.walk("3h", "O2", "sign_in", "report_blocked", "unblock")
    assert (split.where("O2"), split.clauses["unblock"]) == ("signed_in", "AX-2")


# which order is meant


@pytest.mark.parametrize("form", [None, {}, {"order": "O9"}, {"order": None}, {"order": 2}, {"order": ""}])
def test_an_order_that_is_not_named_or_unknown_is_asked_for_with_those_there_are(form: dict[str, Any] | None) -> None:
    split = kept()
    before = split.machine.state.model_dump_json()

    with pytest.raises(BadForm, match="sign_in: order: ") as bad:
        split.act("0s", "sign_in", form=form)

    assert bad.value.place == ("sign_in", "order")
    assert ("O1, O2" in str(bad.value)) is (form != {"order": 2})
    assert split.machine.state.model_dump_json() == before


def test_the_only_order_need_not_be_named() -> None:
    split = Split(1).act("1h", "sign_in").report("2h", rule="record")

    assert split.where(ITEM) == "recorded"


def test_an_order_named_where_none_is_asked_for_is_refused() -> None:
    with pytest.raises(BadForm, match="choose: order: 没有这个字段"):
        Split().act("1h", "choose", form=KEEP_ALL | {"order": "O2"})


def test_the_form_of_a_rule_about_an_order_is_read_without_its_name() -> None:
    split = kept().walk("1h", ITEM, "sign_in", "record")

    with pytest.raises(BadForm, match="authenticate: verdict: "):
        split.act("2h", "authenticate", ITEM, {"verdict": "genuine"})
    assert split.where(ITEM) == "recorded"


# what the platform reports of an order (G-1 ... G-3)


def test_g_3_what_is_reported_of_an_order_happens_to_it_alone() -> None:
    split = kept().report("2h", rule="sign_in", order="O2", occurred_at="1h")

    assert [split.where(order) for order in order_ids(2)] == ["awaiting_sign_in", "signed_in"]
    assert split.fired("O2") == [("sign_in", after("1h"))]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"rule": "pick_up", "order": "O2"}, "当前状态不适用"),
        ({"rule": "pick_up"}, "须指明订单"),
        ({"rule": "pick_up", "order": "O9"}, "不在本案件"),
        ({"rule": "lose", "order": "O2"}, "没有这个规则"),
        ({"rule": "sign_in", "order": 2}, "order"),
        ({"rule": "explain_unsigned", "order": "O2", "form": {"why": "lost"}}, "why"),
    ],
)
def test_g_3_a_message_that_does_not_apply_is_ignored_with_the_reason(message: dict[str, Any], why: str) -> None:
    split = kept().report("1h", **message)

    assert [split.where(order) for order in order_ids(2)] == ["awaiting_sign_in"] * 2
    assert len(split.ignored) == 1
    assert why in split.ignored[0]


def test_g_3_a_message_that_comes_twice_counts_once() -> None:
    split = kept().walk("1h", "O2", *WAIVED_WAY[:5])

    for _ in range(2):
        split.report("2h", rule="pick_up", order="O2", message_id="m1")

    assert (split.where("O2"), split.ignored) == ("picked_up", [])


def test_g_3_a_late_message_counts_from_its_own_instant() -> None:
    split = kept(O2="10d").walk("1h", "O2", *WAIVED_WAY[:7])

    split.machine.advance(after("10d"))
    split.report("10d", rule="confirm_receipt", order="O2", occurred_at="9d")

    assert (split.where("O2"), split.fired("O2")[-1]) == ("confirmed", ("confirm_receipt", after("9d")))


def test_g_3_what_ran_out_before_a_message_tells_of_something_goes_first() -> None:
    split = kept().until("23h").report("31h", rule="sign_in", order="O2", occurred_at="30h")

    assert split.fired("O2") == [("verify_overdue", after("24h")), ("sign_in", after("30h"))]


def test_g_3_messages_out_of_order_are_applied_in_the_order_in_which_it_happened() -> None:
    split = kept().walk("1h", "O2", *WAIVED_WAY[:5])

    split.report("5h", rule="confirm_receipt", order="O2", occurred_at="4h")
    split.report("6h", rule="deliver", order="O2", occurred_at="3h")
    assert (split.where("O2"), len(split.ignored)) == ("waybill_printed", 2)
    split.report("7h", rule="pick_up", order="O2", occurred_at="2h")

    assert split.fired("O2")[-3:] == [
        ("pick_up", after("2h")),
        ("deliver", after("3h")),
        ("confirm_receipt", after("4h")),
    ]
    assert (split.ignored, split.machine.state.ignored_in_all) == ([], 0)


def test_g_3_what_was_told_of_an_earlier_stay_does_not_count_for_a_later_one() -> None:
    split = kept().act("1h", "sign_in", "O2").report("3h", rule="unblock", order="O2", occurred_at="2h")

    split.act("4h", "report_blocked", "O2").report("5h", rule="sign_in", order=ITEM)

    assert (split.where("O2"), len(split.ignored)) == ("blocked", 1)


def test_g_3_one_that_came_early_waits_for_its_own_order() -> None:
    split = kept(3).walk("1h", "O2", *WAIVED_WAY[:5]).walk("1h", "O3", *WAIVED_WAY[:5])

    split.report("4h", rule="deliver", order="O2", occurred_at="3h").report("5h", rule="pick_up", order="O3")

    assert (split.where("O2"), split.where("O3"), len(split.ignored)) == ("waybill_printed", "picked_up", 1)


@pytest.mark.parametrize(
    ("way", "steps", "rule"),
    [
        (KEEP_SINGLE, ["sign_in", "record"], "refund_order"),
        (KEEP_ALL, ["sign_in", "record", "waive"], "report_blocked"),
        (KEEP_ALL, ["sign_in", "record"], "auto_refund"),
    ],
)
def test_g_11_a_late_message_takes_its_place_and_what_it_made_impossible_is_taken_back(
    way: dict[str, Any], steps: list[str], rule: str
) -> None:
    split = kept(way=way)
    for number, step in enumerate(steps, 1):
        split.act(f"{number}h", step, "O2")

    split.report("9h", rule=rule, order="O2", occurred_at="1h", form=form_of(rule, "O2"))

    assert split.fired("O2") == [("sign_in", after("1h")), (rule, after("1h"))]
    assert [entry.rule for entry in split.machine.state.taken_back] == steps[1:]


def test_g_3_a_clock_of_another_order_that_ran_out_does_not_decide_what_a_message_means() -> None:
    split = kept(3, way=KEEP_SINGLE, O2="10d")
    split.machine.advance(after("10d"))

    split.report("11d", rule="refund_order", otherwise=["auto_refund"], order="O3", occurred_at="11d")

    assert (split.where("O3"), split.booked) == ("cancelled", [])


def test_g_3_nothing_counts_once_the_case_is_closed() -> None:
    split = kept(way=KEEP_SINGLE).walk("1h", ITEM, *ITEM_WAY).act("2h", "refund_order", "O2")

    split.report("3h", rule="sign_in", order="O2")

    assert split.machine.closed
    assert split.ignored[0].startswith("案件已结束")


# G-6: a shop's own choice, taken for it


@pytest.mark.parametrize(("form", "rule"), [(KEEP_ALL, "waive"), (KEEP_SINGLE, "refund_order")])
def test_g_6_the_shops_default_choice_is_taken_half_an_hour_before_the_end(form: dict[str, Any], rule: str) -> None:
    split = Split(policy={"default_decision": "choose", "default_form": form}).act("1h", "sign_in", "O2")
    split.until("23h30m", by=-SECOND)
    assert split.state == "choosing"

    split.until("23h30m")

    (taken,) = [entry for entry in split.machine.state.timeline if entry.rule == "choose"]
    assert (taken.at, taken.by, split.state) == (after("23h30m"), "default", "working")
    assert rule in decisions.orders_by_rule(split.allowed)
    assert "escalate_choice" not in split.until("3d").clauses


def test_g_6_ax_6_a_default_choice_without_consent_is_none() -> None:
    split = Split(policy={"default_decision": "choose", "default_form": {"way": "keep_all"}}).until("3d")

    assert (split.state, [rule for rule, _ in split.fired()]) == ("choosing", ["escalate_choice"])


def test_g_6_not_where_the_merchant_has_chosen_or_has_nothing_to_choose() -> None:
    policy = {"default_decision": "choose", "default_form": KEEP_ALL}

    chosen, one = Split(policy=policy).choose("1h", KEEP_SINGLE).until("2d"), Split(1, policy).until("2d")

    assert [entry.by for entry in chosen.machine.state.timeline if entry.rule == "choose"] == ["merchant"]
    assert "choose" not in one.clauses


@pytest.mark.parametrize("decision", ["sign_in", "waive", "ship_offline"])
def test_g_6_a_step_of_an_order_is_no_default_decision(decision: str) -> None:
    with pytest.raises(BadForm, match="default_decision"):
        Split(policy={"default_decision": decision})


def test_g_9_clocks_run_by_the_figures_of_the_pinned_policy() -> None:
    split = Split(policy={"signing_check": "10h", "choosing_time": "5h"})

    assert {split.clocks["verify_overdue", order] for order in order_ids(2)} == {after("10h")}
    assert split.clocks["escalate_choice", None] == after("5h")


def test_ax_1_ax_9_what_is_found_while_the_platform_is_asked_is_judged_at_once_and_never_turns_time_back() -> None:
    split = Split(2, O1="20h")
    split.machine.advance(after("21h"))
    assert [expiry.rule for expiry in split.machine.state.expiries] == ["auto_refund"]
    split.report("22h", rule="explain_unsigned", order="O1", form={"why": "refunded_before_shipping"})

    assert split.fired("O1") == [("explain_unsigned", after("22h")), ("found_refunded", after("22h"))]
    assert split.machine.state.expiries == []


def test_ax_9_a_refund_resolved_later_goes_before_what_was_told_of_the_order_meanwhile() -> None:
    split = Split(2, O1="20h")
    split.machine.advance(after("21h"))
    split.report("22h", rule="explain_unsigned", order="O1", form={"why": "in_transit"})
    split.until("23h")

    assert split.fired("O1") == [("auto_refund", after("20h"))]
    assert [entry.rule for entry in split.machine.state.taken_back] == ["explain_unsigned"]
