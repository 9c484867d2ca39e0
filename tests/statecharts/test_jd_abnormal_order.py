"""The abnormal order's rule book, clause by clause and to the second."""

from typing import Any

import pytest

from cases.errors import BadForm, Refused
from statecharts.chart import Snapshot
from statecharts.jd_abnormal_order import JdAbnormalOrder
from statecharts.rules import Party, Telling
from tests.support.processes.abnormal_orders import (
    CALL,
    FILED,
    OPEN_STATES,
    REJECTED,
    SECOND,
    SHIPMENT,
    AbnormalOrder,
    abnormal_in,
    after,
)
from workflows.engine import decisions


def allowed(order: AbnormalOrder) -> set[str]:
    return set(decisions.orders_by_rule(decisions.allowed(order.machine)))


def effects(order: AbnormalOrder) -> list[str]:
    return [effect.effect for effect in order.machine.state.effects]


@pytest.mark.parametrize("kind", ["unreachable", "bad_address", "malicious"])
@pytest.mark.parametrize("shipped", [True, False])
def test_jd_13_every_order_opens_unfiled_with_nothing_to_do(kind: str, shipped: object) -> None:
    order = AbnormalOrder(kind=kind, shipped=shipped)

    assert (order.state, order.fired, effects(order)) == ("unfiled", [], [])


@pytest.mark.parametrize("state", ["unfiled", "rejected"])
@pytest.mark.parametrize(
    ("kind", "effect"),
    [("unreachable", "file_deletion"), ("bad_address", "file_deletion"), ("malicious", "report_malicious")],
)
def test_jd_13_an_order_is_filed_on_the_page_of_its_kind_also_again(kind: str, effect: str, state: str) -> None:
    order = abnormal_in(state, kind=kind).act("2h", "file", FILED)

    assert (order.state, order.clauses["file"], order.submitted[-1]) == ("filed", "JD-13", effect)


def test_jd_13_what_is_filed_is_not_filed_again_before_it_was_rejected() -> None:
    with pytest.raises(Refused):
        abnormal_in("filed").act("2h", "file", FILED)


@pytest.mark.parametrize(
    ("form", "missing"),
    [
        ({"evidence": [CALL]}, "reason"),
        ({"reason": " ", "evidence": [CALL]}, "reason"),
        ({"reason": "空号"}, "evidence"),
        ({"reason": "空号", "evidence": []}, "evidence"),
    ],
)
def test_jd_13_a_report_needs_its_reason_and_a_piece_of_evidence(form: dict[str, Any], missing: str) -> None:
    order = AbnormalOrder()

    with pytest.raises(BadForm, match=f"file: {missing}: "):
        order.act("1h", "file", form)
    assert order.state == "unfiled"


def test_jd_13_the_platform_deletes_the_order_or_rejects_the_report_with_its_reason() -> None:
    deleted = abnormal_in("filed").report("2h", "approve")
    rejected = abnormal_in("filed").report("2h", "reject", REJECTED)
    unreasoned = abnormal_in("filed").report("2h", "reject", {})

    assert (deleted.state, deleted.machine.closed, deleted.clauses["approve"]) == ("deleted", True, "JD-13")
    assert (rejected.state, rejected.machine.closed, rejected.clauses["reject"]) == ("rejected", False, "JD-13")
    assert unreasoned.state == "filed"
    assert JdAbnormalOrder.rules["approve"].party is JdAbnormalOrder.rules["reject"].party is Party.PLATFORM


def test_g_15_a_deleted_order_is_told_to_its_shipment_and_its_delay_card() -> None:
    chart = JdAbnormalOrder(AbnormalOrder().machine.case, after("2h"), Snapshot({"filed": after("1h")}))

    told = [effect.telling for effect in chart.step("approve", after("2h")).effects]

    assert told == [Telling("jd_shipment", "delete_order"), Telling("jd_delay_card", "cancel_order")]


def test_jd_13_the_warning_of_a_malicious_order_ends_24_hours_after_the_order_not_before_and_is_told_once() -> None:
    order = AbnormalOrder(kind="malicious").until("24h", by=-SECOND)
    assert (order.fired, order.clocks) == ([], {"warning_ends": after("24h")})

    order.until("24h").until("300d")

    assert (order.state, order.fired, order.clauses) == (
        "unfiled",
        [("warning_ends", after("24h"))],
        {"warning_ends": "JD-13"},
    )
    assert order.clocks == {}


def test_jd_13_the_24_hours_run_from_the_order_however_late_the_case_is_opened() -> None:
    order = AbnormalOrder(kind="malicious")
    late = AbnormalOrder(kind="malicious", ordered_at=after("-30h").isoformat())

    assert order.clocks["warning_ends"] == after("24h")
    assert late.fired == [("warning_ends", after("-6h"))]


@pytest.mark.parametrize("kind", ["unreachable", "bad_address"])
def test_jd_13_nothing_is_warned_of_for_another_reason(kind: str) -> None:
    assert AbnormalOrder(kind=kind).clocks == {}


def test_jd_13_once_shipped_nothing_is_warned_of_any_more() -> None:
    before = AbnormalOrder(kind="malicious", shipped=True)
    since = AbnormalOrder(kind="malicious").until("24h", by=-SECOND)
    since.machine.decide("ship", SHIPMENT, after("24h") - SECOND)

    assert before.until("48h").fired == []
    assert [rule for rule, _ in since.until("48h").fired] == ["ship"]


@pytest.mark.parametrize("shipped", [True, False])
def test_jd_13_when_the_warning_is_gone_the_order_can_still_be_reported(shipped: object) -> None:
    order = AbnormalOrder(kind="malicious", shipped=shipped).until("48h").act("49h", "file", FILED)

    assert (order.state, order.submitted) == ("filed", ["report_malicious"])


def test_jd_13_what_is_filed_or_rejected_is_warned_of_no_more() -> None:
    assert abnormal_in("filed", kind="malicious").clocks == {}
    assert abnormal_in("rejected", kind="malicious").clocks == {}


def test_jd_13_an_order_filed_before_a_late_look_was_not_warned_of() -> None:
    order = AbnormalOrder(kind="malicious").until("30h")
    form = {**FILED, "occurred_at": after("23h").isoformat()}

    order.machine.decide("file", form, after("31h"))

    assert [rule for rule, _ in order.fired] == ["file"]


@pytest.mark.parametrize("state", OPEN_STATES)
def test_jd_13_shipping_moves_nothing_and_is_done_once(state: str) -> None:
    order = abnormal_in(state).act("2h", "ship", SHIPMENT)

    assert (order.state, order.clauses["ship"], order.submitted[-1]) == (state, "JD-13", "push_tracking_number")
    with pytest.raises(Refused, match="非「已发货」"):
        order.act("3h", "ship", SHIPMENT)


@pytest.mark.parametrize("state", ["unfiled", "rejected"])
def test_jd_13_the_merchant_gives_up_what_is_not_under_review(state: str) -> None:
    order = abnormal_in(state).act("2h", "give_up")

    assert (order.state, order.machine.closed, order.clauses["give_up"]) == ("given_up", True, "JD-13")


def test_jd_13_not_while_it_is_under_review() -> None:
    with pytest.raises(Refused):
        abnormal_in("filed").act("2h", "give_up")


@pytest.mark.parametrize("state", OPEN_STATES)
def test_jd_13_a_cancelled_order_ends_the_case_from_every_open_state(state: str) -> None:
    order = abnormal_in(state).report("2h", "cancel_order")

    assert (order.state, order.machine.closed) == ("cancelled", True)


def test_g_4_what_is_allowed_is_offered() -> None:
    offered = {state: allowed(abnormal_in(state)) for state in OPEN_STATES}

    assert offered == {
        "unfiled": {"file", "ship", "give_up", "cancel_order"},
        "filed": {"approve", "reject", "ship", "cancel_order"},
        "rejected": {"file", "ship", "give_up", "cancel_order"},
    }


def test_g_5_the_operator_is_reminded_of_the_warning_and_it_is_no_escalation() -> None:
    clock = JdAbnormalOrder.clocks()["warning_ends"]

    assert (clock.of, clock.escalates) == (Party.MERCHANT, False)


def test_g_9_the_warning_lasts_as_long_as_the_pinned_policy_says() -> None:
    assert AbnormalOrder(policy={"malicious_warning": "6h"}, kind="malicious").clocks["warning_ends"] == after("6h")
