"""The case of a split item: facts, forms, figures, the effect of rules, and the costs of both ways."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cases.anxinjian_split import (
    MOST_ORDERS,
    Blocked,
    BlockedOnline,
    Ending,
    OrderOfSplit,
    SplitCase,
    SplitFacts,
    SplitOrder,
    SplitPolicy,
    Unsigned,
    Verdict,
    VerdictGiven,
    Way,
    WayChosen,
    Whereabouts,
    WhyUnsigned,
)
from cases.case import SAMPLE_INSTANT
from cases.errors import BadForm
from cases.forms import Form, NoForm, Shipment
from cases.models import read
from cases.policy import Policy
from tests.support.processes.splits import BEFORE, ITEM, order_ids, split_facts

T0 = datetime(2026, 1, 20, 1, tzinfo=UTC)
ORDER = {"order_id": "O1", "carries_item": True}


def facts(many: int = 2, **changed: Any) -> SplitFacts:
    return read(SplitFacts, split_facts(many) | changed, "opening")


def case(many: int = 2, **changed: Any) -> SplitCase:
    return SplitCase(facts=facts(many, **changed))


def part(of: SplitCase, order: str) -> OrderOfSplit:
    order_of_split: OrderOfSplit = of.part(order)
    return order_of_split


def opened_before(many: int = 2) -> SplitCase:
    """Return a case that was opened before AX-11 and AX-12."""
    return case(many).as_opened_with(BEFORE)


def happened(of: SplitCase, order: str, *rules: str) -> SplitCase:
    for rule in rules:
        of = of.apply_to_order(order, rule, NoForm(), SAMPLE_INSTANT)
    return of


def chosen(of: SplitCase, way: str, *, consent: bool = False) -> SplitCase:
    return of.apply("choose", read(WayChosen, {"way": way, "freight_consent": consent}, "choose"), SAMPLE_INSTANT)


def test_an_item_is_known_by_its_id_its_merchants_shop_and_the_order_that_carries_it() -> None:
    record = facts(3)

    assert (record.own_id, record.shop, record.order, record.at_stake) == ("I1", "M1", ITEM, None)
    assert record.began_at is None


def test_the_order_that_carries_the_item_need_not_be_the_first() -> None:
    record = facts(sub_orders=[{"order_id": "O1", "carries_item": False}, {"order_id": "O2", "carries_item": True}])

    assert record.order == "O2"


@pytest.mark.parametrize("field", split_facts())
def test_every_fact_is_needed(field: str) -> None:
    raw = {name: value for name, value in split_facts().items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(SplitFacts, raw, "opening")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("provider_id", ""),
        ("merchant_id", 4711),
        ("item_id", "I/1"),
        ("authentication_fee", "-0.01"),
        ("freight_fee", "12.001"),
        ("freight_fee", "lots"),
        ("sub_orders", {}),
        ("buyer_phone", "13800000000"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


@pytest.mark.parametrize(
    ("place", "field", "value"),
    [
        (0, "order_id", "O 1"),
        (1, "order_id", None),
        (1, "carries_item", "yes"),
        (0, "auto_receipt_at", "2026-02-20T09:00:00"),
        (1, "auto_receipt_at", "0001-01-01T00:00:00Z"),
        (1, "waybill", "YT1"),
    ],
)
def test_the_place_of_a_fault_within_the_orders_is_named(place: int, field: str, value: Any) -> None:
    orders = split_facts()["sub_orders"]
    orders[place][field] = value

    with pytest.raises(BadForm, match=rf"opening: sub_orders\.{place}\.{field}: ") as bad:
        facts(sub_orders=orders)

    assert bad.value.place == ("opening", "sub_orders", place, field)


@pytest.mark.parametrize("carrying", [(), (0, 1), (0, 1, 2)])
def test_ax_4_exactly_one_order_carries_the_item(carrying: tuple[int, ...]) -> None:
    orders = [{"order_id": f"O{number}", "carries_item": number in carrying} for number in range(3)]

    with pytest.raises(BadForm, match="sub_orders: 须恰有一单 carries_item / exactly one order carries the item"):
        facts(sub_orders=orders)


def test_an_order_is_given_once() -> None:
    with pytest.raises(BadForm, match="sub_orders: 订单号重复 / duplicate order_id"):
        facts(sub_orders=[ORDER, ORDER | {"carries_item": False}])


@pytest.mark.parametrize("many", [1, 2, MOST_ORDERS])
def test_an_item_has_one_order_to_twenty(many: int) -> None:
    assert case(many).orders == order_ids(many)
    assert MOST_ORDERS == 20


@pytest.mark.parametrize("many", [0, MOST_ORDERS + 1])
def test_an_item_has_neither_no_order_nor_more_than_twenty(many: int) -> None:
    with pytest.raises(BadForm, match="opening: sub_orders: "):
        facts(many)


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        (WayChosen, {"way": "keep_all", "freight_consent": True}),
        (WayChosen, {"way": "keep_single"}),
        *((Unsigned, {"why": why}) for why in ("refunded_before_shipping", "in_transit", "unknown")),
        *((VerdictGiven, {"verdict": verdict}) for verdict in ("pass", "fail")),
        *((Blocked, {"step": step}) for step in ("sign_in", "record", "inspect", "pack", "waybill")),
        *((BlockedOnline, {"step": step}) for step in ("record", "inspect", "pack", "waybill")),
        (Shipment, {"carrier": "YTO", "tracking_no": "YT1"}),
    ],
)
def test_forms_take_the_words_of_the_rule_book(form: type[Form], raw: dict[str, Any]) -> None:
    assert read(form, raw, "form").model_dump(mode="json", exclude_unset=True) == raw


@pytest.mark.parametrize(
    ("form", "raw", "place"),
    [
        (WayChosen, {}, "way"),
        (WayChosen, {"way": "keep_none"}, "way"),
        (WayChosen, {"way": "keep_all", "freight_consent": "yes"}, "freight_consent"),
        (Unsigned, {}, "why"),
        (Unsigned, {"why": "lost"}, "why"),
        (VerdictGiven, {}, "verdict"),
        (VerdictGiven, {"verdict": "genuine"}, "verdict"),
        (Blocked, {"step": "ship"}, "step"),
        (BlockedOnline, {"step": "sign_in"}, "step"),
        (Blocked, {"step": "pack", "since": "1h"}, "since"),
        (Shipment, {"carrier": "YTO", "tracking_no": " "}, "tracking_no"),
    ],
)
def test_forms_take_no_others_and_name_the_field(form: type[Form], raw: dict[str, Any], place: str) -> None:
    with pytest.raises(BadForm, match=f"form: {place}: "):
        read(form, raw, "form")


@pytest.mark.parametrize(
    ("figure", "clause", "shown"),
    [("signing_check", "AX-1", "24h"), ("choosing_time", "AX-10", "24h"), ("escalate_before", "AX-9", "3d, 24h")],
)
def test_ax_1_ax_9_ax_10_the_figures_are_assumed_and_say_so(figure: str, clause: str, shown: str) -> None:
    declared = getattr(SplitPolicy(), figure)

    values = (declared.show(), declared.clause, declared.source, declared.provenance)
    assert values == (shown, clause, "assumption", "assumed")
    assert SplitPolicy.label(figure) != figure


def test_ax_9_automatic_receipt_has_no_figure() -> None:
    assert set(SplitPolicy.figures()) - set(Policy.figures()) == {
        "signing_check",
        "choosing_time",
        "escalate_before",
    }


def test_figures_that_a_shop_sets_are_the_shops() -> None:
    policy = SplitPolicy.resolve({"choosing_time": "10h", "escalate_before": ["48h"]})

    assert (policy.choosing_time.show(), policy.choosing_time.provenance) == ("10h", "set")
    assert (policy.escalate_before.show(), policy.escalate_before.provenance) == ("48h", "set")
    assert policy.signing_check.provenance == "assumed"


@pytest.mark.parametrize("figure", ["signing_check", "choosing_time"])
def test_ax_1_ax_10_clocks_run_24_hours_from_the_entering(figure: str) -> None:
    assert case().due(figure, T0) == T0 + timedelta(hours=24)


def test_ax_9_automatic_receipt_is_the_instant_of_the_record_and_of_the_order() -> None:
    orders = [ORDER | {"auto_receipt_at": T0.isoformat()}, {"order_id": "O2", "carries_item": False}]
    split = case(sub_orders=orders)

    assert part(split, "O1").due("auto_receipt_at", T0 - timedelta(days=9)) == T0
    assert part(split, "O2").due("auto_receipt_at", T0) is None
    assert part(split, "O2").due("signing_check", T0) == T0 + timedelta(hours=24)


def costs(of: SplitCase) -> dict[str | None, tuple[Decimal | None, str]]:
    """Return the amount and the clause of both ways."""
    return {cost.choice: (cost.amount, cost.clause) for cost in of.costs("choose")}


@pytest.mark.parametrize(("many", "freight"), [(2, "12.00"), (5, "48.00"), (20, "228.00")])
def test_ax_8_both_ways_are_told_with_their_cost_before_one_is_chosen(many: int, freight: str) -> None:
    split = case(many)

    assert costs(split) == {
        "keep_single": (Decimal("0.00"), "AX-8"),
        "keep_all": (Decimal(freight), "AX-8"),
    }
    single, keep_all = split.costs("choose")
    for cost, money in ((single, "0.00"), (keep_all, freight)):
        assert "额外鉴定费 ¥0.00" in cost.note
        assert f"运费 ¥{money};" in cost.note
        assert f"其余 {many - 1} 单" in cost.note
    assert "重拍" in single.note
    assert "须商家同意承担运费" in keep_all.note


def test_ax_8_orders_that_have_ended_cost_nothing_more() -> None:
    split = case(5).model_copy(update={"endings": {"O2": Ending.CANCELLED, "O4": Ending.LOST}})

    assert split.others == ("O3", "O5")
    assert costs(split)["keep_all"] == (Decimal("24.00"), "AX-8")
    assert all("其余 2 单" in cost.note for cost in split.costs("choose"))


def test_ax_8_the_end_of_the_order_with_the_item_changes_no_cost() -> None:
    split = case(5).model_copy(update={"endings": {ITEM: Ending.CONFIRMED}})

    assert costs(split)["keep_all"] == (Decimal("48.00"), "AX-8")


def test_ax_8_no_other_step_costs_anything() -> None:
    split = case(3)

    assert split.costs("escalate_choice") == ()
    assert part(split, "O2").costs("waive") == part(split, "O2").costs("print_waybill") == ()


def test_ax_8_freight_is_the_fee_of_the_facts_and_ax_9_a_loss_has_no_amount() -> None:
    split = part(case(freight_fee="7.5"), "O2")

    assert str(split.amount("charge_freight")) == "7.50"
    assert split.amount("record_loss") is None


def waybills(of: SplitCase, **numbers: str) -> SplitCase:
    """Return a case whose orders have these waybills; all but the item's order are waived."""
    for order, number in numbers.items():
        of = of if order == ITEM else of.apply_to_order(order, "waive", NoForm(), SAMPLE_INSTANT)
        of = of.apply_to_order(order, "print_waybill", Shipment(carrier="YTO", tracking_no=number), SAMPLE_INSTANT)
    return of


def test_ax_8_a_waived_order_with_a_waybill_of_its_own_pays_freight() -> None:
    split = waybills(case(3), O1="YT1", O2="YT2", O3="YT3")

    assert [part(split, order).pays_freight for order in split.orders] == [False, True, True]


def test_ax_8_one_that_travels_with_the_item_pays_none() -> None:
    split = waybills(case(3), O1="YT1", O2="YT1", O3="YT3")

    assert [part(split, order).pays_freight for order in split.orders] == [False, False, True]


def test_ax_4_the_authenticated_order_is_known_to_every_order() -> None:
    split = case(2).apply_to_order(ITEM, "authenticate", VerdictGiven(verdict=Verdict.FAIL), SAMPLE_INSTANT)

    assert split.authenticated_order == ITEM
    assert not any(part(split, order).none_authenticated for order in split.orders)
    assert part(case(2), ITEM).none_authenticated


@pytest.mark.parametrize(
    ("way", "consent", "agreed"),
    [("keep_all", True, True), ("keep_all", False, False), ("keep_single", True, True), ("keep_single", False, True)],
)
def test_ax_6_to_keep_all_is_agreed_only_with_consent(way: str, *, consent: bool, agreed: bool) -> None:
    assert read(WayChosen, {"way": way, "freight_consent": consent}, "choose").agreed is agreed


def test_ax_6_if_the_buyer_will_not_cancel_all_are_kept() -> None:
    assert case().apply("buyer_keeps", None, SAMPLE_INSTANT).way is Way.KEEP_ALL
    assert chosen(case(), "keep_single").apply("buyer_keeps", NoForm(), SAMPLE_INSTANT).keeps_all


def test_ax_6_what_the_freight_costs_is_told_for_the_buyers_decision_and_in_a_refusal() -> None:
    split = case(3)
    (kept,), (refused,) = split.costs("buyer_keeps"), split.warnings("choose")

    assert (kept.amount, kept.clause) == (refused.amount, refused.clause) == (Decimal("24.00"), "AX-6")
    assert "无须商家同意" in kept.note
    assert "freight_consent" in refused.note


def test_ax_6_there_is_no_warning_where_nothing_can_be_chosen() -> None:
    acted_on = happened(chosen(case(3), "keep_all", consent=True), "O2", "waive")

    assert case(1).warnings("choose") == acted_on.warnings("choose") == opened_before(3).warnings("choose") == ()


@pytest.mark.parametrize(
    ("way", "order", "rule", "acted_on"),
    [
        ("keep_all", "O2", "waive", True),
        ("keep_single", "O2", "refund_order", True),
        ("keep_all", "O2", "refund_order", True),
        ("keep_single", ITEM, "refund_order", False),
        ("keep_single", "O2", "found_refunded", False),
        (None, "O2", "refund_order", False),
    ],
)
def test_ax_5_a_choice_is_acted_on_once_an_order_is_refunded_or_waived(
    way: str | None, order: str, rule: str, *, acted_on: bool
) -> None:
    split = case() if way is None else chosen(case(), way, consent=True)

    assert happened(split, order, rule).choice_acted_on is acted_on


@pytest.mark.parametrize(
    ("rules", "ending"),
    [
        ([], Ending.CANCELLED),
        (["verify_overdue"], Ending.CANCELLED),
        (["sign_in"], None),
        (["sign_in", "print_waybill"], None),
        (["sign_in", "pick_up"], Ending.LOST),
    ],
)
def test_ax_12_how_the_items_order_ends_by_a_refund_depends_on_where_the_item_is(
    rules: list[str], ending: Ending | None
) -> None:
    split = happened(case(), ITEM, *rules, "refund_order")

    assert split.endings.get(ITEM) is ending
    assert split.any_lost is (ending is Ending.LOST)
    assert part(split, ITEM).refund_known


def test_ax_12_an_order_without_the_item_is_never_lost_by_a_refund() -> None:
    split = happened(case(), "O2", "sign_in", "pick_up")
    seen = part(split, "O2")
    assert not seen.item_with_provider
    assert not seen.item_shipped

    assert happened(split, "O2", "refund_order").endings == {"O2": Ending.CANCELLED}


@pytest.mark.parametrize(
    ("rules", "stands", "seen"),
    [
        ([], None, (False, False)),
        (["verify_overdue"], Whereabouts.UNVERIFIED, (True, False)),
        (["found_unknown"], Whereabouts.UNVERIFIED, (True, False)),
        (["found_unknown", "found_in_transit"], None, (False, False)),
        (["found_unknown", "sign_in"], Whereabouts.WITH_PROVIDER, (False, True)),
        (["sign_in", "pick_up"], Whereabouts.SHIPPED, (False, True)),
    ],
)
def test_ax_1_ax_12_how_far_an_order_has_come_is_known(
    rules: list[str], stands: Whereabouts | None, seen: tuple[bool, bool]
) -> None:
    split = happened(case(), ITEM, *rules)

    assert split.whereabouts == ({} if stands is None else {ITEM: stands})
    assert (part(split, ITEM).was_unverified, part(split, ITEM).was_signed_in) == seen


def test_ax_11_the_return_ends_the_order_without_loss_and_is_no_waybill() -> None:
    parcel = Shipment(carrier="YTO", tracking_no="RT1")
    split = case(1).apply_to_order(ITEM, "return_item", parcel, SAMPLE_INSTANT)

    assert (split.endings, split.any_lost, split.waybills) == ({ITEM: Ending.RETURNED}, False, {})


def test_ax_11_the_fee_that_stands_is_told_before_the_verdict() -> None:
    (cost,) = part(case(), ITEM).costs("authenticate")

    assert (cost.amount, cost.clause, cost.choice) == (Decimal("30.00"), "AX-11", "fail")
    assert part(opened_before(), ITEM).costs("authenticate") == ()


def test_a_case_opened_before_learns_nothing_of_what_came_later() -> None:
    split = happened(chosen(opened_before(), "keep_all"), "O2", "sign_in", "pick_up", "refund_order")

    assert (split.way, split.endings) == (Way.KEEP_SINGLE, {"O2": Ending.CANCELLED})
    assert (split.whereabouts, split.refunded_orders, split.choice_acted_on) == ({}, (), False)


@pytest.mark.parametrize(
    ("way", "consent", "counts"),
    [
        ("keep_all", True, Way.KEEP_ALL),
        ("keep_all", False, Way.KEEP_SINGLE),
        ("keep_single", True, Way.KEEP_SINGLE),
        ("keep_single", False, Way.KEEP_SINGLE),
    ],
)
def test_ax_6_in_a_case_opened_before_all_are_kept_with_consent_only(way: str, counts: Way, *, consent: bool) -> None:
    split = chosen(opened_before(), way, consent=consent)

    assert split.way is counts
    assert part(split, "O2").keeps_all is split.keeps_all is (counts is Way.KEEP_ALL)
    assert part(split, "O2").keeps_single is (counts is Way.KEEP_SINGLE)


def test_ax_6_before_a_choice_neither_way_counts() -> None:
    split = part(case(), "O2")

    assert not split.keeps_all
    assert not split.keeps_single


def test_ax_6_a_choice_that_was_reported_to_it_without_its_form_was_made_without_consent() -> None:
    assert opened_before().apply("choose", None, SAMPLE_INSTANT).way is Way.KEEP_SINGLE


def test_ax_10_the_escalation_is_noted() -> None:
    assert (case().choice_escalated, case().apply("escalate_choice", None, SAMPLE_INSTANT).choice_escalated) == (
        False,
        True,
    )


@pytest.mark.parametrize("why", WhyUnsigned)
def test_ax_1_the_reason_is_noted_of_its_order_alone(why: WhyUnsigned) -> None:
    split = case().apply_to_order("O2", "explain_unsigned", Unsigned(why=why), SAMPLE_INSTANT)

    def reasons(order: str) -> tuple[bool, bool, bool]:
        seen = part(split, order)
        return seen.refunded_before_shipping, seen.in_transit, seen.cause_unknown

    assert reasons("O2") == tuple(why is reason for reason in WhyUnsigned)
    assert reasons("O1") == (False, False, False)


def test_ax_1_the_latest_reason_counts() -> None:
    split = case()
    for why in (WhyUnsigned.UNKNOWN, WhyUnsigned.IN_TRANSIT):
        split = split.apply_to_order("O1", "explain_unsigned", Unsigned(why=why), SAMPLE_INSTANT)

    assert part(split, "O1").in_transit
    assert not part(split, "O1").cause_unknown


@pytest.mark.parametrize(
    ("rule", "ending"),
    [
        ("confirm_receipt", Ending.CONFIRMED),
        ("refund_order", Ending.CANCELLED),
        ("found_refunded", Ending.CANCELLED),
        ("auto_refund", Ending.LOST),
    ],
)
def test_ax_7_ax_9_all_have_ended_once_each_has_and_a_loss_is_one_by_automatic_refund(
    rule: str, ending: Ending
) -> None:
    one = case().apply_to_order("O1", "confirm_receipt", NoForm(), SAMPLE_INSTANT)
    both = one.apply_to_order("O2", rule, None, SAMPLE_INSTANT)

    assert (one.all_ended, one.nothing_to_choose) == (False, False)
    assert both.endings == {"O1": Ending.CONFIRMED, "O2": ending}
    assert (both.all_ended, both.nothing_to_choose) == (True, True)
    assert both.any_lost is (rule == "auto_refund")


def test_ax_5_one_order_leaves_nothing_to_choose() -> None:
    assert case(1).nothing_to_choose
    assert not case(2).nothing_to_choose


def test_ax_3_the_warning_says_all_that_shipping_offline_costs() -> None:
    (warning,) = part(case(), "O2").warnings("ship_offline")

    assert (warning.clause, warning.amount) == ("AX-3", Decimal("30.00"))
    for said in ("无法确认收货", "收不到货款", "自动退款", "鉴定费 ¥30.00 不产生"):
        assert said in warning.note


def test_ax_4_the_warning_says_that_a_second_authentication_charges_the_fee_again() -> None:
    authenticated = case().apply_to_order(ITEM, "authenticate", VerdictGiven(verdict=Verdict.PASS), SAMPLE_INSTANT)
    refusals = [part(authenticated, order).warnings("authenticate") for order in authenticated.orders]

    for (warning,) in refusals:
        assert (warning.clause, warning.amount) == ("AX-4", Decimal("30.00"))
        assert "多扣鉴定费 ¥30.00" in warning.note
    assert part(case(), ITEM).warnings("authenticate") == ()
    assert [warning.clause for warning in part(case(), "O2").warnings("authenticate")] == ["AX-4"]


def test_ax_7_the_warning_says_what_a_waived_order_must_have_and_no_other_order_is_warned() -> None:
    split = case().apply_to_order("O2", "waive", NoForm(), SAMPLE_INSTANT)
    (warning,) = part(split, "O2").warnings("confirm_receipt")

    assert (warning.clause, warning.amount) == ("AX-7", None)
    for said in ("线上打出", "揽收", "签收"):
        assert said in warning.note
    assert part(split, ITEM).warnings("confirm_receipt") == ()


def test_nothing_else_is_warned_of() -> None:
    assert part(case(), "O2").warnings("pack") == case().warnings("escalate_choice") == ()


def test_what_was_pinned_does_not_change() -> None:
    before = case()

    after = chosen(before, "keep_all", consent=True).apply_to_order(
        "O1", "authenticate", VerdictGiven(verdict=Verdict.PASS), SAMPLE_INSTANT
    )

    assert (after.facts, after.policy) == (before.facts, before.policy)
    assert (before.way, before.authenticated_order) == (None, None)


def test_a_rule_that_teaches_nothing_changes_nothing() -> None:
    before = case()

    assert before.apply("close_choice", None, SAMPLE_INSTANT) is before
    assert before.apply_to_order("O1", "record", NoForm(), SAMPLE_INSTANT) is before


def test_what_was_learned_is_read_back_from_json() -> None:
    split = waybills(chosen(case(3), "keep_all", consent=True), O1="YT1", O2="YT2")
    split = split.apply_to_order("O3", "explain_unsigned", Unsigned(why=WhyUnsigned.IN_TRANSIT), SAMPLE_INSTANT)
    split = split.apply_to_order("O2", "confirm_receipt", NoForm(), SAMPLE_INSTANT)

    assert read(SplitCase, split.model_dump(mode="json"), "case") == split


def test_samples_are_one_order_several_and_several_that_ended_with_and_without_a_loss() -> None:
    shapes = {(len(sample.orders), sample.all_ended, sample.any_lost) for sample in SplitCase.samples()}

    assert shapes == {(1, False, False), (2, False, False), (2, True, False), (2, True, True)}


def test_samples_of_orders_carry_the_item_or_not_before_a_choice_and_after_each() -> None:
    parts: list[OrderOfSplit] = SplitCase.part_samples()

    assert {(part.carries_item, part.case.way) for part in parts} >= {
        (carries, way) for carries in (True, False) for way in (None, *Way)
    }
    assert all(isinstance(part, SplitCase.part_type()) for part in parts)
    assert set(SplitCase.form_samples()) == {
        "choose",
        "explain_unsigned",
        "print_waybill",
        "authenticate",
        "report_blocked",
    }


def test_an_order_without_an_instant_of_automatic_receipt_has_none() -> None:
    assert SplitOrder(order_id="O1", carries_item=True).auto_receipt_at is None
