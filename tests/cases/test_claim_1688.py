"""The case of a claim on 1688: facts, forms, figures, and its costs to the cent."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.claim_1688 import (
    Appeal,
    ClaimCase,
    ClaimFacts,
    ClaimPolicy,
    Terms,
    TradeClosure,
    main_order_compensation,
    sub_order_compensation,
)
from cases.errors import BadForm
from cases.forms import Proof
from cases.messages import Opening
from cases.models import cents, read
from workflows.registry import PROCESSES

OPENED = datetime(2026, 1, 20, 1, tzinfo=UTC)
RECORD: dict[str, Any] = {
    "shop_id": "S1",
    "claim_id": "C1",
    "order_id": "O1",
    "violation": "late_shipment",
    "opened_by": "platform",
    "opened_at": OPENED.isoformat(),
    "sub_orders": [{"sub_order_id": "SO1", "goods_amount": "200.00", "violating": True}],
}
TRACK = {"kind": "logistics_track", "url": "https://e/track.png"}
TERMS = Terms(rate=Decimal("0.05"), paid_whole_below=Decimal(5), floor=Decimal(5), ceiling=Decimal(50))
SubOrders = Sequence[tuple[str, bool]]


def facts(**changed: Any) -> ClaimFacts:
    return read(ClaimFacts, RECORD | changed, "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> ClaimCase:
    return ClaimCase(facts=facts(**changed), policy=ClaimPolicy.resolve(policy or {}))


def of(*sub_orders: tuple[str, bool], policy: dict[str, Any] | None = None) -> ClaimCase:
    rows = [
        {"sub_order_id": f"SO{number}", "goods_amount": amount, "violating": violating}
        for number, (amount, violating) in enumerate(sub_orders, 1)
    ]
    return case(policy, sub_orders=rows)


@pytest.mark.parametrize(
    ("goods_amount", "due"),
    [
        ("0.00", "0.00"),
        ("0.01", "0.01"),  # under 5: whole
        ("4.99", "4.99"),  # under 5: whole
        ("5.00", "0.25"),  # 5.00 * 5 % = 0.25: a sub-order has no floor
        ("5.10", "0.26"),  # 0.255 rounds half up
        ("99.99", "5.00"),  # 4.9995
        ("2000.00", "100.00"),  # a sub-order has no cap
    ],
)
def test_cl_2_a_sub_order_costs_5_percent_and_under_5_cny_the_whole(goods_amount: str, due: str) -> None:
    assert str(sub_order_compensation(Decimal(goods_amount), TERMS)) == due


MAIN_ORDERS: list[tuple[SubOrders, str]] = [
    # One sub-order that violates.
    ([("0.00", True)], "0.00"),  # under 5: whole
    ([("0.01", True)], "0.01"),  # under 5: whole
    ([("4.99", True)], "4.99"),  # under 5: whole
    ([("5.00", True)], "5.00"),  # 0.25 -> floor
    ([("5.01", True)], "5.00"),  # 0.2505 -> floor
    ([("50.00", True)], "5.00"),  # 2.50 -> floor, over the cap of 5 % = 2.50
    ([("99.99", True)], "5.00"),  # 4.9995 = 5.00
    ([("100.00", True)], "5.00"),  # 5.00 exactly
    ([("100.01", True)], "5.00"),  # 5.0005 = 5.00
    ([("100.09", True)], "5.00"),  # 5.0045 = 5.00
    ([("100.10", True)], "5.01"),  # 5.005 = 5.01 half up (half even: 5.00)
    ([("200.00", True)], "10.00"),
    ([("555.55", True)], "27.78"),  # 27.7775
    ([("999.89", True)], "49.99"),  # 49.9945
    ([("999.90", True)], "50.00"),  # 49.995 half up
    ([("999.99", True)], "50.00"),  # 49.9995
    ([("1000.00", True)], "50.00"),  # 50.00 exactly
    ([("1000.01", True)], "50.00"),  # 50.0005
    ([("1000.10", True)], "50.00"),  # 50.005 = 50.01 -> cap
    ([("9999999999.99", True)], "50.00"),  # cap
    # Several, some of which violate.
    ([("200.00", True), ("300.00", False)], "10.00"),  # 10.00; 5 % of 500 = 25.00 is not the floor
    ([("60.00", True), ("300.00", False)], "5.00"),  # 3.00 -> floor
    ([("60.00", True), ("60.00", True)], "6.00"),  # 3.00 + 3.00; 5 % of 120 = 6.00
    ([("600.00", True), ("600.00", False)], "30.00"),  # 30.00; 5 % of 1200 = 60.00
    ([("600.00", True), ("600.00", True)], "50.00"),  # 30.00 + 30.00 = 60.00 -> cap
    ([("100.10", True), ("100.10", True)], "10.01"),  # 5.01 + 5.01 = 10.02; 5 % of 200.20 = 10.01 -> cap
    ([("100.10", True), ("100.10", True), ("100.00", False)], "10.02"),  # 10.02; 5 % of 300.20 = 15.01
    # Small sub-orders are due whole, and the cap of the main order comes after.
    ([("4.99", True), ("200.00", False)], "5.00"),  # 4.99 -> floor
    ([("4.99", True), ("4.99", True), ("4.99", True)], "5.00"),  # 14.97; 5 % of 14.97 = 0.75 -> floor wins over cap
    ([("4.99", True), ("4.99", True), ("100.00", True)], "5.50"),  # 14.98; 5 % of 109.98 = 5.499 -> cap 5.50
    ([("4.99", True), ("4.99", True), ("300.00", False)], "9.98"),  # 9.98; 5 % of 309.98 = 15.50
    # A small main order is due whole, as soon as anything in it violates.
    ([("2.00", True), ("2.99", False)], "4.99"),  # 4.99 in all: under 5
    ([("2.00", True), ("3.00", False)], "5.00"),  # 5.00 in all: 2.00 -> floor
    ([("2.00", True), ("2.00", True), ("1.00", True)], "5.00"),  # 5.00 in all; 5 % = 0.25 -> floor wins over cap
    # Nothing violates: nothing is due.
    ([("200.00", False)], "0.00"),
    ([("3.00", False)], "0.00"),
    ([("200.00", False), ("1300.00", False)], "0.00"),
]


@pytest.mark.parametrize(("sub_orders", "due"), MAIN_ORDERS)
def test_cl_3_a_main_order_costs(sub_orders: SubOrders, due: str) -> None:
    claim = of(*sub_orders)

    assert str(claim.compensation) == str(claim.at_stake) == str(claim.amount("pay_compensation")) == due


AMOUNTS = st.decimals(min_value=0, max_value=3000, places=2)
ORDERS = st.lists(st.tuples(AMOUNTS, st.booleans()), min_size=1, max_size=6)


@given(ORDERS)
def test_cl_3_is_kept_within_its_bounds_whatever_the_order(sub_orders: list[tuple[Decimal, bool]]) -> None:
    due = main_order_compensation(sub_orders, TERMS)
    whole = sum((amount for amount, _ in sub_orders), Decimal(0))

    assert due == cents(due)
    assert due <= whole
    if not any(violating for _, violating in sub_orders):
        assert due == 0
    elif whole < TERMS.paid_whole_below:
        assert due == whole
    else:
        assert TERMS.floor <= due <= TERMS.ceiling
        assert due <= max(TERMS.floor, cents(whole * TERMS.rate))


@given(ORDERS, st.randoms(use_true_random=False))
def test_cl_3_does_not_depend_on_the_order_of_the_sub_orders(sub_orders: list[tuple[Decimal, bool]], mix: Any) -> None:
    mixed = mix.sample(sub_orders, len(sub_orders))

    assert main_order_compensation(mixed, TERMS) == main_order_compensation(sub_orders, TERMS)


@given(ORDERS.filter(lambda rows: any(violating for _, violating in rows)))
def test_cl_3_one_more_violation_never_costs_less(sub_orders: list[tuple[Decimal, bool]]) -> None:
    all_violating = [(amount, True) for amount, _ in sub_orders]

    assert main_order_compensation(all_violating, TERMS) >= main_order_compensation(sub_orders, TERMS)


CLAIM = PROCESSES["claim_1688"]
IN_2023_06, IN_2023_12 = "2023-08-01T12:00:00+08:00", "2024-08-01T12:00:00+08:00"
IN_2025_02 = "2025-08-01T12:00:00+08:00"


def opened(
    opened_at: str,
    violation: str,
    *sub_orders: tuple[str, bool],
    edition: str | None = None,
    policy: dict[str, Any] | None = None,
) -> Any:
    """Open a claim as the product does, so that its figures are those of its date."""
    rows = [
        {"sub_order_id": f"SO{number}", "goods_amount": amount, "violating": violating}
        for number, (amount, violating) in enumerate(sub_orders, 1)
    ]
    record = RECORD | {"opened_at": opened_at, "violation": violation, "sub_orders": rows}
    return CLAIM.open_case(Opening(facts=record, policy=policy or {}), edition)


FROM_DATES: list[tuple[str, str, SubOrders, str]] = [
    # From 2023-06-07: 5 CNY a sub-order, at most 50 a main order.
    (IN_2023_06, "late_shipment", [("200.00", True)], "5.00"),
    (IN_2023_06, "late_shipment", [("1.00", True)], "5.00"),
    (IN_2023_06, "out_of_stock", [("200.00", True), ("20.00", True), ("9.00", False)], "10.00"),
    (IN_2023_06, "fraud_shipment", [("200.00", True)], "5.00"),
    (IN_2023_06, "other", [("200.00", True)] * 10, "50.00"),
    (IN_2023_06, "other", [("200.00", True)] * 11, "50.00"),
    (IN_2023_06, "late_shipment", [("200.00", False)], "0.00"),
    # Earlier than anything known: the oldest.
    ("2022-01-01T00:00:00+08:00", "late_shipment", [("200.00", True)], "5.00"),
    # The day is Shanghai's.
    ("2023-12-26T23:59:59+08:00", "late_shipment", [("200.00", True)], "5.00"),
    ("2023-12-27T00:00:00+08:00", "late_shipment", [("200.00", True)], "10.00"),
    # From 2023-12-27: 5 %, kept between 5 and 50, whatever the violation.
    (IN_2023_12, "late_shipment", [("1288.00", True)], "50.00"),
    (IN_2023_12, "fraud_shipment", [("200.00", True)], "10.00"),
    (IN_2023_12, "fraud_shipment", [("4.00", True)], "4.00"),
    ("2025-02-17T23:59:59+08:00", "fraud_shipment", [("200.00", True)], "10.00"),
    # From 2025-02-18, fraud alone: under 10 CNY 10, 10 to 500 the whole, over 500 500.
    ("2025-02-18T00:00:00+08:00", "fraud_shipment", [("200.00", True)], "200.00"),
    (IN_2025_02, "fraud_shipment", [("0.01", True)], "10.00"),
    (IN_2025_02, "fraud_shipment", [("4.99", True)], "10.00"),
    (IN_2025_02, "fraud_shipment", [("9.99", True)], "10.00"),
    (IN_2025_02, "fraud_shipment", [("10.00", True)], "10.00"),
    (IN_2025_02, "fraud_shipment", [("10.01", True)], "10.01"),
    (IN_2025_02, "fraud_shipment", [("499.99", True)], "499.99"),
    (IN_2025_02, "fraud_shipment", [("500.00", True)], "500.00"),
    (IN_2025_02, "fraud_shipment", [("500.01", True)], "500.00"),
    (IN_2025_02, "fraud_shipment", [("60.00", True), ("300.00", False)], "60.00"),
    (IN_2025_02, "fraud_shipment", [("60.00", True), ("40.00", True)], "100.00"),
    (IN_2025_02, "fraud_shipment", [("60.00", False)], "0.00"),
    *(
        (IN_2025_02, violation, [("200.00", True)], "10.00")
        for violation in ("late_shipment", "out_of_stock", "false_shipment", "refused_to_ship", "false_track", "other")
    ),
]


@pytest.mark.parametrize(("opened_at", "violation", "sub_orders", "due"), FROM_DATES)
def test_cl_2_cl_3_a_claim_costs_by_its_date_and_violation(
    opened_at: str, violation: str, sub_orders: SubOrders, due: str
) -> None:
    claim = opened(opened_at, violation, *sub_orders)

    assert str(claim.compensation) == str(claim.amount("pay_compensation")) == due


@pytest.mark.parametrize("opened_at", [IN_2023_06, IN_2023_12, IN_2025_02])
def test_g_9_a_claim_of_the_first_edition_keeps_its_figures_whatever_its_date(opened_at: str) -> None:
    claim = opened(opened_at, "late_shipment", ("200.00", True), ("50.00", True), edition="2026-11-26")

    assert (str(claim.compensation), claim.policy.rate.value) == ("12.50", Decimal("0.05"))
    assert (claim.policy.rate.schedule, claim.policy.overrides()) == ((), {})


def test_cl_2_g_9_what_a_shop_has_set_holds_whatever_the_date() -> None:
    policy = {"per_sub_order": "7.00", "ceiling": "20.00"}
    costs = {
        str(opened(at, "late_shipment", *[("200.00", True)] * 3, policy=policy).compensation)
        for at in (IN_2023_06, IN_2023_12)
    }

    assert costs == {"20.00"}


def test_cl_2_a_fraud_is_paid_by_what_a_shop_has_set_for_it() -> None:
    claim = opened(IN_2025_02, "fraud_shipment", ("800.00", True), policy={"fraud_ceiling": "700.00"})

    assert str(claim.compensation) == "700.00"


def test_cl_2_what_each_fixed_sub_order_costs_is_told() -> None:
    (cost,) = opened(IN_2023_06, "late_shipment", ("200.00", True), ("50.00", True)).costs("agree")

    assert cost.note == "赔付 ¥10.00:SO1 ¥5.00、SO2 ¥5.00"


@pytest.mark.parametrize(
    ("paused_until", "runs_from"),
    [
        (None, OPENED),
        (OPENED - timedelta(seconds=1), OPENED),
        (OPENED, OPENED),
        (OPENED + timedelta(seconds=1), OPENED + timedelta(seconds=1)),
        (OPENED + timedelta(days=9), OPENED + timedelta(days=9)),
    ],
)
def test_cl_4_the_48_hours_do_not_run_until_the_end_of_a_pause(
    paused_until: datetime | None, runs_from: datetime
) -> None:
    claim = case({"paused_until": paused_until and paused_until.isoformat()})

    assert claim.due("answering", OPENED) == runs_from + timedelta(hours=48)
    assert ClaimPolicy().paused_until.value is None


@pytest.mark.parametrize(
    ("policy", "due"),
    [
        ({"rate": "0.1"}, "20.00"),
        ({"ceiling": "8"}, "8.00"),
        ({"floor": "15"}, "15.00"),
        ({"paid_whole_below": "200.01"}, "200.00"),
    ],
)
def test_cl_2_cl_3_the_figures_are_those_of_the_pinned_policy(policy: dict[str, Any], due: str) -> None:
    assert str(case(policy).compensation) == due


@pytest.mark.parametrize(
    ("figure", "value"), [("rate", "-0.05"), ("rate", "5"), ("rate", "NaN"), ("floor", "-1"), ("ceiling", "50.001")]
)
def test_cl_2_cl_3_a_figure_that_cannot_be_is_refused_and_named(figure: str, value: str) -> None:
    with pytest.raises(BadForm, match=f"policy: {figure}"):
        case({figure: value})


def test_a_record_is_read_and_says_whose_case_it_is() -> None:
    claim = case()

    assert (claim.facts.own_id, claim.facts.shop, claim.facts.order) == ("C1", "S1", "O1")
    assert claim.at_stake == Decimal("10.00")


def test_cl_4_the_48_hours_run_from_the_opening_of_the_claim() -> None:
    assert facts().began_at == OPENED
    assert case().due("answering", OPENED) == OPENED + timedelta(hours=48)


@pytest.mark.parametrize("field", RECORD)
def test_every_fact_is_needed(field: str) -> None:
    raw = {name: value for name, value in RECORD.items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(ClaimFacts, raw, "opening")


SUB_ORDER = RECORD["sub_orders"][0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("claim_id", "a/b"),
        ("order_id", 4711),
        ("violation", "wrong_colour"),
        ("opened_by", "merchant"),
        ("opened_at", "2026-01-20T09:00:00"),
        ("trade_closed", "no"),
        ("sub_orders", []),
        ("freight", "8.00"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


@pytest.mark.parametrize(("field", "value"), [("goods_amount", "1.234"), ("goods_amount", "-1"), ("freight", "8.00")])
def test_cl_3_a_sub_order_that_does_not_fit_is_refused_and_named(field: str, value: str) -> None:
    with pytest.raises(BadForm, match=rf"opening: sub_orders\.0\.{field}: "):
        facts(sub_orders=[SUB_ORDER | {field: value}])


def test_cl_3_a_sub_order_counts_once() -> None:
    with pytest.raises(BadForm, match="子订单重复"):
        facts(sub_orders=[SUB_ORDER, SUB_ORDER])


@pytest.mark.parametrize(
    "violation",
    [
        "late_shipment",
        "out_of_stock",
        "false_shipment",
        "refused_to_ship",
        "false_track",
        "fraud_shipment",
        "other",
    ],
)
@pytest.mark.parametrize("opened_by", ["platform", "buyer"])
def test_cl_1_the_platform_or_a_buyer_opens_a_claim_for_each_violation(violation: str, opened_by: str) -> None:
    claim = facts(violation=violation, opened_by=opened_by)

    assert (claim.violation.value, claim.opened_by.value) == (violation, opened_by)


def test_cl_1_a_claim_is_processing_unless_the_platform_has_approved_it_at_once() -> None:
    assert (facts().status, case().judged_at_opening) == ("processing", False)
    assert (facts(status="established").status, case(status="established").judged_at_opening) == ("established", True)
    with pytest.raises(BadForm, match="opening: status: "):
        facts(status="closed")


def test_cl_1_a_claim_in_processing_is_written_as_before() -> None:
    assert "status" not in facts(status="processing").model_dump(mode="json")
    assert facts(status="established").model_dump(mode="json")["status"] == "established"


def many_sub_orders(many: int) -> list[dict[str, Any]]:
    return [SUB_ORDER | {"sub_order_id": f"SO{number}"} for number in range(many)]


@pytest.mark.parametrize("many", [1, 200])
def test_cl_3_a_claim_has_1_to_200_sub_orders(many: int) -> None:
    assert len(facts(sub_orders=many_sub_orders(many)).sub_orders) == many


@pytest.mark.parametrize("many", [0, 201])
def test_cl_3_a_claim_with_none_or_more_is_refused(many: int) -> None:
    with pytest.raises(BadForm, match="opening: sub_orders: "):
        facts(sub_orders=many_sub_orders(many))


@pytest.mark.parametrize("trade_closed", [True, False])
def test_cl_7_a_claim_can_be_opened_on_a_closed_trade(trade_closed: object) -> None:
    assert facts(trade_closed=trade_closed).trade_closed is trade_closed
    assert facts().trade_closed is False


def test_cl_7_a_closed_trade_is_told_with_whether_it_was_refunded() -> None:
    assert read(TradeClosure, {"refunded": True}, "close_trade").refunded
    with pytest.raises(BadForm, match="close_trade: refunded: "):
        read(TradeClosure, {}, "close_trade")


def test_cl_3_what_agreeing_costs_is_told_before_with_its_parts() -> None:
    (cost,) = of(("200.00", True), ("50.00", True), ("99.00", False)).costs("agree")

    assert (str(cost.amount), cost.clause) == ("12.50", "CL-3")
    assert cost.note == "赔付 ¥12.50:SO1 ¥10.00、SO2 ¥2.50"


def test_cl_5_what_appealing_costs_is_told_before() -> None:
    (cost,) = case().costs("appeal")

    assert (cost.amount, cost.clause) == (None, "CL-5")
    assert "平台介入率" in cost.note
    assert "¥10.00" in cost.note


def test_cl_5_the_count_has_no_amount_and_nothing_else_costs() -> None:
    assert case().amount("count_intervention") is None
    assert [case().costs(rule) for rule in ("add_evidence", "withdraw", "close_trade")] == [()] * 3


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"evidence": [TRACK]}, "reason"),
        ({"reason": " ", "evidence": [TRACK]}, "reason"),
        ({"reason": "已按时发货"}, "evidence"),
        ({"reason": "已按时发货", "evidence": []}, "evidence"),
        ({"reason": "已按时发货", "evidence": [{"kind": "rumour", "url": "https://e/1"}]}, "evidence.0.kind"),
    ],
)
def test_cl_10_an_appeal_needs_a_reason_and_a_piece_of_evidence(raw: dict[str, Any], named: str) -> None:
    with pytest.raises(BadForm, match=f"appeal: {named}: "):
        read(Appeal, raw, "appeal")


def test_cl_10_an_appeal_with_both_is_read_and_evidence_is_added_by_the_piece() -> None:
    assert read(Appeal, {"reason": "已按时发货", "evidence": [TRACK]}, "appeal").reason == "已按时发货"
    with pytest.raises(BadForm, match="at least 1 item"):
        read(Proof, {"evidence": []}, "add_evidence")
