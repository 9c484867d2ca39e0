"""What a JD order says happened, and what a case makes of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from aftersales.platforms.jd.jd_abnormal_order import JdAbnormalOrderAdapter
from aftersales.platforms.jd.jd_delay_card import JdDelayCardAdapter
from aftersales.platforms.jd.jd_presale_shortage import JdPresaleShortageAdapter
from aftersales.platforms.jd.jd_shipment import JdShipmentAdapter
from aftersales.platforms.jd.orders import FIELDS, JdOrder, read_order, reports
from aftersales.platforms.jd.shipping import ShippingAdapter
from tests.support.processes.delays import card_in
from tests.support.processes.jd_shipments import Watch, watch_in
from tests.support.processes.shortages import Shortage
from tests.support.rules.machines import after
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

ORDER = "281234567890"
ROW = {
    "orderId": ORDER,
    "orderState": "WAIT_GOODS_RECEIVE_CONFIRM",
    "waybill": "SF1,SF2|ZTO3",
    "logisticsId": "467|1499",
    "outBoundDate": "2026-01-05 10:00:00",
    "orderEndTime": "0001-01-01 00:00:00",
    "modified": "2026-01-05 12:00:00",
}
ADAPTERS = {
    "jd_shipment": JdShipmentAdapter,
    "jd_delay_card": JdDelayCardAdapter,
    "jd_presale_shortage": JdPresaleShortageAdapter,
    "jd_abnormal_order": JdAbnormalOrderAdapter,
}


def at(hour: int) -> datetime:
    """Return an hour of 2026-01-05 in Shanghai."""
    return datetime(2026, 1, 5, hour - 8, tzinfo=UTC)


def told(adapter: type[ShippingAdapter] = JdDelayCardAdapter, **row: Any) -> list[tuple[str | None, datetime | None]]:
    order = read_order(ROW | row)
    assert order is not None
    story = reports(order, shipped=adapter.shipped, cancelled=adapter.cancelled)
    assert [report.message_id for report in story] == [f"order/{ORDER}/{report.rule}" for report in story]
    return [(report.rule, report.occurred_at) for report in story]


def test_nothing_about_the_buyer_is_asked_for() -> None:
    assert set(FIELDS.split(",")) == set(ROW)


def test_an_order_that_was_shipped_says_when_and_how() -> None:
    order = read_order(ROW)
    assert order is not None
    (shipped,) = reports(order, shipped="ship", cancelled="cancel_order")
    assert (shipped.rule, shipped.occurred_at) == ("ship", at(10))
    assert shipped.form == {"carrier": "467|1499", "tracking_no": "SF1,SF2|ZTO3"}


@pytest.mark.parametrize(
    ("row", "story"),
    [
        ({}, [("ship", at(10))]),
        ({"orderState": "FINISHED_L"}, [("ship", at(10))]),
        ({"orderState": "WAIT_SELLER_STOCK_OUT"}, []),  # also with a parcel of it under way
        ({"orderState": "LOCKED"}, []),
        ({"orderState": "POP_ORDER_PAUSE"}, []),
        ({"orderState": "ANYTHING_NEW"}, []),
        ({"waybill": ""}, []),  # no number was uploaded
        ({"waybill": None}, []),
        # It happened no later than the last change.
        ({"outBoundDate": "0001-01-01 00:00:00"}, [("ship", at(12))]),
        ({"outBoundDate": None, "modified": None}, [("ship", None)]),
        ({"orderState": "TRADE_CANCELED", "waybill": ""}, [("cancel_order", at(12))]),
        (
            {"orderState": "TRADE_CANCELED", "waybill": "", "orderEndTime": "2026-01-05 11:00:00"},
            [("cancel_order", at(11))],
        ),
        ({"orderState": "TRADE_CANCELED"}, [("ship", at(10)), ("cancel_order", at(12))]),
        # When a cancelled order was shipped is unknown, if it was at all.
        ({"orderState": "TRADE_CANCELED", "outBoundDate": ""}, [("cancel_order", at(12))]),
    ],
)
def test_an_order_tells_what_its_state_says_and_nothing_else(row: dict[str, Any], story: list[Any]) -> None:
    assert told(**row) == story


def test_the_watch_calls_it_an_upload_and_a_shortage_has_no_rule_for_a_cancelled_order() -> None:
    assert told(JdShipmentAdapter) == [("upload_tracking", at(10))]
    cancelled = {"orderState": "TRADE_CANCELED", "waybill": ""}
    assert told(JdPresaleShortageAdapter, **cancelled) == []
    assert told(JdAbnormalOrderAdapter, **cancelled) == [("cancel_order", at(12))]


@pytest.mark.parametrize(("process", "adapter"), ADAPTERS.items())
def test_a_process_has_the_rules_that_its_orders_tell(process: str, adapter: type[ShippingAdapter]) -> None:
    rules = PROCESSES[process].rules
    assert {adapter.shipped, adapter.cancelled} - {None} <= set(rules)
    assert adapter.cancelled or "cancel_order" not in rules
    assert rules[adapter.shipped or ""].form == "shipment"
    assert not adapter.opens  # an order lacks facts of each: its promise, its deposit, what is wrong with it


@pytest.mark.parametrize("row", [None, [], {}, {"orderId": ""}, {"orderId": "O1"}, {"orderId": "１２３"}])
def test_what_does_not_say_which_order_it_is_is_none(row: Any) -> None:
    assert read_order(row) is None


@pytest.mark.parametrize("row", [{"logisticsId": ""}, {"waybill": "SF1," * 60 + "SF1"}, {"waybill": "SF\u200b1"}])
def test_a_shipment_without_a_form_that_fits_is_told_without_it(row: dict[str, Any]) -> None:
    order = read_order(ROW | row)
    assert order is not None
    assert [(report.rule, report.form) for report in reports(order, shipped="ship", cancelled=None)] == [("ship", None)]


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-01-05 10:00:00", at(10)),
        (int(at(10).timestamp() * 1000), at(10)),
        (str(int(at(10).timestamp() * 1000)), at(10)),
        ("0001-01-01 00:00:00", None),
        ("1970-01-01 00:00:00", None),
        ("9999-12-31 23:59:59", None),
        (0, None),
        ("9" * 30, None),
        ("today", None),
        ("", None),
        (None, None),
        ({}, None),
    ],
)
def test_an_instant_is_read_or_unknown(written: Any, instant: datetime | None) -> None:
    order = read_order(ROW | {"outBoundDate": written})
    assert order is not None
    assert order.shipped_at == instant


# What cases make of it. The orders of watches and cards in these tests begin at 09:00.


def seen(case: Any, offset: str, order: JdOrder, adapter: type[ShippingAdapter]) -> None:
    """Let a look at an order come to a case at an offset."""
    case.until(offset)
    for report in reports(order, shipped=adapter.shipped, cancelled=adapter.cancelled):
        take_message(case.machine, report.model_dump(mode="json", exclude_defaults=True), after(offset))


def sent(offset: str, **changes: Any) -> JdOrder:
    shipped = {"waybill": "SF1", "companies": "467", "shipped_at": after(offset), "changed_at": after(offset)}
    return JdOrder(ORDER, "WAIT_GOODS_RECEIVE_CONFIRM", **(shipped | changes))


def test_jd_10_an_upload_that_a_look_finds_counts_at_its_own_instant_and_once() -> None:
    watch = Watch()
    watch.until("25h")
    assert len(watch.late_at) == 1
    for offset in ("25h", "26h"):
        seen(watch, offset, sent("23h"), JdShipmentAdapter)
    assert watch.state == "awaiting_pickup"
    assert [rule for rule in watch.fired if rule[0] == "upload_tracking"] == [("upload_tracking", after("23h"))]
    assert watch.pending == ["tell_upload"]  # what JD itself shows is told to the card, and not sent to JD again
    assert (watch.late_at, watch.ignored) == ([], [])  # the late order is taken back (G-11)


def test_jd_10_our_own_upload_is_only_confirmed_by_a_look() -> None:
    watch = watch_in("awaiting_pickup")
    seen(watch, "2h", sent("1h"), JdShipmentAdapter)
    assert (watch.state, watch.ignored) == ("awaiting_pickup", [])


def test_jd_10_a_cancelled_order_ends_the_watch_as_of_its_instant() -> None:
    watch = Watch()
    watch.until("25h")
    assert len(watch.late_at) == 1
    seen(watch, "25h", JdOrder(ORDER, "TRADE_CANCELED", ended_at=after("20h")), JdShipmentAdapter)
    assert (watch.state, watch.late_at, watch.fired) == ("cancelled", [], [("cancel_order", after("20h"))])


@pytest.mark.parametrize("state", ["awaiting_buyer", "declined", "report_refused", "approved", "emergency_review"])
def test_jd_5_a_card_learns_from_a_look_that_its_order_was_shipped_in_time(state: str) -> None:
    card = card_in(state)
    seen(card, "10h", sent("5h"), JdDelayCardAdapter)
    assert (card.state, card.fired[-1]) == ("shipped_on_time", ("ship", after("5h")))


def test_jd_5_a_shipment_from_before_the_cards_present_state_counts_all_the_same() -> None:
    card = card_in("expired")  # since 48 h
    seen(card, "50h", sent("40h"), JdDelayCardAdapter)
    assert (card.state, card.rules[-1], "expire" in card.rules) == ("shipped_on_time", "ship", False)


def test_jd_5_without_its_own_instant_a_shipment_counts_at_the_orders_last_change() -> None:
    card = card_in("declined")
    seen(card, "10h", sent("9h", shipped_at=None), JdDelayCardAdapter)
    assert card.fired[-1] == ("ship", after("9h"))


def test_jd_5_a_card_learns_from_a_look_that_its_order_was_cancelled() -> None:
    card = card_in("declined")
    seen(card, "10h", JdOrder(ORDER, "TRADE_CANCELED", changed_at=after("9h")), JdDelayCardAdapter)
    assert card.state == "order_cancelled"


def test_jd_9_a_shipment_that_a_look_finds_before_the_payment_is_told_is_not_lost() -> None:
    shortage = Shortage()
    seen(shortage, "5h", sent("4h"), JdPresaleShortageAdapter)
    assert shortage.state == "negotiating"
    take_message(shortage.machine, {"rule": "pay_balance", "occurred_at": after("3h").isoformat()}, after("6h"))
    assert (shortage.state, shortage.fired[-1]) == ("shipped", ("ship", after("4h")))


def test_an_instant_that_is_only_a_bound_counts_as_it_was_told_first() -> None:
    watch = Watch()
    for seen_at, changed in (("5h", "4h"), ("9h", "8h")):
        order = sent(changed, shipped_at=None)
        seen(watch, seen_at, order, JdShipmentAdapter)
    assert (watch.fired, watch.ignored) == ([("upload_tracking", after("4h"))], [])
