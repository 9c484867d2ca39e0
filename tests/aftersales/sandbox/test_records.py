"""A record takes the transitions of the rule book, and no others; its clocks fire at their own instants."""

import json
from collections.abc import Callable

import pytest

from aftersales.sandbox.douyin import transitions, wire
from aftersales.sandbox.douyin.codes import (
    EVIDENCE_WINDOW,
    REASON_TEXTS,
    AfterSaleStatus,
    ArbitrationStatus,
    MessageTag,
)
from aftersales.sandbox.douyin.model import AfterSaleRecord, Change
from cases.errors import PlatformRefused

T0 = 1_800_000_000
H48 = 48 * 3600
URLS = ("https://proof/1",)
Step = Callable[[AfterSaleRecord], Change]


def fresh(reason: str = "short_shipped") -> AfterSaleRecord:
    record = AfterSaleRecord(
        shop_id="1001",
        after_sale_id="142",
        order_id="692",
        sku_order_id="692",
        product_id="35",
        amount=10000,
        reason=REASON_TEXTS.get(reason, reason),
        applied_at=T0,
        updated_at=T0,
    )
    return transitions.apply(record).record


def agreed(reason: str = "short_shipped") -> AfterSaleRecord:
    return transitions.agree(fresh(reason), T0 + 10).record


def overdue(reason: str = "short_shipped") -> AfterSaleRecord:
    return transitions.elapse(agreed(reason)).record


def refused(reason: str = "short_shipped") -> AfterSaleRecord:
    return transitions.refuse(fresh(reason), T0 + 10, "已送达").record


def disputed(reason: str = "never_received") -> AfterSaleRecord:
    return refused(reason) if reason == "never_received" else transitions.ask_platform(refused(reason), T0 + 20).record


def shipped() -> AfterSaleRecord:
    return transitions.ship(agreed(), T0 + 20, "sf", "SF1").record


def signed() -> AfterSaleRecord:
    return transitions.sign(shipped(), T0 + 30).record


def refunded() -> AfterSaleRecord:
    return transitions.elapse(agreed("never_received")).record


def closed() -> AfterSaleRecord:
    return transitions.withdraw(fresh(), T0 + 10).record


PLACES: dict[str, Callable[[], AfterSaleRecord]] = {
    "fresh": fresh,
    "agreed": agreed,
    "overdue": overdue,
    "refused": refused,
    "disputed": disputed,
    "shipped": shipped,
    "signed": signed,
    "refunded": refunded,
    "closed": closed,
}
STEPS: dict[str, Step] = {
    "agree": lambda record: transitions.agree(record, T0 + 100),
    "refuse": lambda record: transitions.refuse(record, T0 + 100, "不符", URLS),
    "ship": lambda record: transitions.ship(record, T0 + 100, "sf", "SF1"),
    "submit_evidence": lambda record: transitions.submit_evidence(record, T0 + 100, "", URLS),
    "modify": lambda record: transitions.modify(record, T0 + 100, "其他", ""),
    "ask_platform": lambda record: transitions.ask_platform(record, T0 + 100),
    "withdraw": lambda record: transitions.withdraw(record, T0 + 100),
    "sign": lambda record: transitions.sign(record, T0 + 100),
    "want_evidence": lambda record: transitions.want_evidence(record, T0 + 100),
    "rule": lambda record: transitions.rule_refund(record, T0 + 100),
    "rule_reship": lambda record: transitions.rule_reship(record, T0 + 100),
    "rule_dismiss": lambda record: transitions.rule_dismiss(record, T0 + 100),
    "set_deadline": lambda record: transitions.set_deadline(record, T0 + 100, T0 + 10 * H48),
    "elapse": transitions.elapse,
}
ALLOWED = {
    "fresh": {"agree", "refuse", "withdraw", "set_deadline", "elapse"},
    "agreed": {"refuse", "ship", "withdraw", "set_deadline", "elapse"},
    "overdue": {"ship", "modify", "ask_platform", "withdraw", "set_deadline", "elapse"},
    "refused": {"agree", "modify", "ask_platform", "withdraw", "set_deadline", "elapse"},
    "disputed": {"submit_evidence", "want_evidence", "rule", "rule_reship", "rule_dismiss", "withdraw"},
    "shipped": {"sign"},
    "signed": set(),
    "refunded": set(),
    "closed": set(),
}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_else_is_possible_where_a_record_stands(place: str) -> None:
    possible = set()
    for name, step in STEPS.items():
        try:
            step(PLACES[place]())
        except PlatformRefused:
            continue
        possible.add(name)
    assert possible == ALLOWED[place]


@pytest.mark.parametrize("place", PLACES)
def test_every_change_is_later_than_the_one_before_and_is_logged(place: str) -> None:
    record = PLACES[place]()
    for name in ALLOWED[place]:
        # Even if the clock has not moved, the version does.
        after = STEPS[name](record.model_copy(update={"updated_at": T0 + 9 * H48})).record
        assert after.updated_at == T0 + 9 * H48 + 1
        assert after.log[:-1] == record.log


def test_an_application_waits_48_hours_for_the_merchant_and_is_then_agreed() -> None:
    begun = transitions.apply(fresh())
    assert (begun.record.status, begun.record.deadline, begun.tags) == (6, T0 + H48, (MessageTag.CREATED,))
    after = transitions.elapse(begun.record)
    assert (after.record.status, after.record.updated_at) == (AfterSaleStatus.AWAITING_SHIPMENT, T0 + H48)
    assert (after.record.deadline, after.tags) == (T0 + 2 * H48, (MessageTag.RESHIP_AGREED,))


def test_agreeing_starts_48_hours_for_shipping() -> None:
    change = transitions.agree(fresh(), T0 + 10)
    assert (change.record.status, change.record.deadline) == (8, T0 + 10 + H48)
    assert change.tags == ("227",)


def test_dr_21_the_merchant_agrees_after_a_refusal_with_a_fresh_48_hours() -> None:
    change = transitions.agree(refused(), T0 + 100)
    assert (change.record.status, change.record.deadline, change.tags) == (8, T0 + 100 + H48, ("227",))


def test_refusing_what_was_never_received_leads_to_arbitration_and_stops_the_clock() -> None:
    change = transitions.refuse(fresh("never_received"), T0 + 10, "已签收")
    assert (change.record.status, change.record.arbitration, change.record.deadline) == (27, 1, 0)
    assert change.record.arbitration_id == f"{change.record.after_sale_id}_001"
    assert change.tags == (MessageTag.ARBITRATION_OPENED,)


@pytest.mark.parametrize("reason", ["short_shipped", "other", "颜色不对"])
def test_refusing_anything_else_gives_the_buyer_48_hours_and_no_message(reason: str) -> None:
    change = transitions.refuse(fresh(reason), T0 + 10, "已送达")
    assert (change.record.status, change.record.arbitration) == (27, 0)
    assert (change.record.deadline, change.tags) == (T0 + 10 + H48, ())
    assert transitions.elapse(change.record).record.status is AfterSaleStatus.CLOSED


def test_a_refusal_needs_a_reason() -> None:
    with pytest.raises(PlatformRefused, match="reason"):
        transitions.refuse(fresh(), T0, " ")


def test_refusing_after_agreement_needs_evidence() -> None:
    with pytest.raises(PlatformRefused, match="evidence"):
        transitions.refuse(agreed(), T0 + 20, "协商一致")
    assert transitions.refuse(agreed(), T0 + 20, "协商一致", URLS).record.status is AfterSaleStatus.REFUSED
    disputed_at_once = transitions.refuse(agreed("never_received"), T0 + 20, "协商一致", URLS).record
    assert disputed_at_once.arbitration is ArbitrationStatus.IN_PROGRESS
    assert disputed_at_once.evidence[0].urls == URLS


def test_not_shipped_in_time_what_was_never_received_is_refunded() -> None:
    change = transitions.elapse(agreed("never_received"))
    assert (change.record.status, change.record.deadline) == (12, 0)
    assert (change.record.updated_at, change.tags) == (T0 + 10 + H48, ("206",))


def test_not_shipped_in_time_anything_else_gives_the_buyer_48_hours_and_then_closes() -> None:
    change = transitions.elapse(agreed())
    assert (change.record.status, change.record.overdue, change.tags) == (8, True, ("209",))
    assert change.record.deadline == T0 + 10 + 2 * H48
    end = transitions.elapse(change.record)
    assert (end.record.status, end.record.deadline, end.tags) == (28, 0, ("207",))


@pytest.mark.parametrize("place", [agreed, overdue])
def test_a_parcel_is_taken_in_time_and_late_and_stops_the_clock(place: Callable[[], AfterSaleRecord]) -> None:
    change = transitions.ship(place(), T0 + 100, "sf", "SF1")
    record = change.record
    assert (record.status, record.deadline, record.overdue, change.tags) == (13, 0, False, ("226",))
    assert record.parcel is not None
    assert (record.parcel.tracking_no, record.parcel.logistics_time) == ("SF1", T0 + 100)
    assert transitions.sign(record, T0 + 200) == (transitions.sign(record, T0 + 200).record, ())
    assert transitions.sign(record, T0 + 200).record.status is AfterSaleStatus.RECEIVED


@pytest.mark.parametrize("place", [refused, overdue])
def test_a_modification_starts_over_with_its_own_reason(place: Callable[[], AfterSaleRecord]) -> None:
    change = transitions.modify(place(), T0 + 100, REASON_TEXTS["never_received"], "还是没收到")
    record = change.record
    assert (record.status, record.deadline, change.tags) == (6, T0 + 100 + H48, ("208",))
    assert (record.overdue, record.remark, record.arbitration) == (False, "还是没收到", 0)
    assert transitions.elapse(transitions.elapse(record).record).record.status is AfterSaleStatus.REFUNDED


@pytest.mark.parametrize(("place", "status"), [(refused, 27), (overdue, 8)])
def test_asking_the_platform_in_stops_the_clock(place: Callable[[], AfterSaleRecord], status: int) -> None:
    change = transitions.ask_platform(place(), T0 + 100)
    assert (change.record.status, change.record.arbitration, change.record.deadline) == (status, 1, 0)


def test_evidence_is_taken_several_times_four_pieces_at_once() -> None:
    wanted = transitions.want_evidence(disputed(), T0 + 50)
    assert (wanted.record.arbitration, wanted.tags) == (4, ("213",))
    assert wanted.record.evidence_deadline == T0 + 50 + EVIDENCE_WINDOW
    once = transitions.submit_evidence(wanted.record, T0 + 60, "底单", URLS * 4).record
    twice = transitions.submit_evidence(once, T0 + 60, "聊天", URLS).record
    assert [len(evidence.urls) for evidence in twice.evidence] == [4, 1]
    assert (twice.arbitration, twice.evidence_deadline) == (ArbitrationStatus.IN_PROGRESS, 0)
    for wrong in ((), URLS * 5):
        with pytest.raises(PlatformRefused, match="1 to 4"):
            transitions.submit_evidence(once, T0 + 70, "", wrong)


def test_evidence_is_wanted_until_an_instant_ahead() -> None:
    until = transitions.want_evidence(disputed(), T0 + 50, T0 + 51).record
    info = wire.detail(until)["process_info"]["arbitrate_info"]
    assert (info["is_required_evidence"], info["arbitrate_status_deadline"]) == (True, str(T0 + 51))
    with pytest.raises(PlatformRefused, match="in the future"):
        transitions.want_evidence(disputed(), T0 + 50, T0 + 50)
    ruled = transitions.rule_reship(until, T0 + 60).record
    info = wire.detail(ruled)["process_info"]["arbitrate_info"]
    assert (info["is_required_evidence"], info["arbitrate_status_deadline"]) == (False, "0")


@pytest.mark.parametrize("reason", ["never_received", "other"])
def test_dr_18_a_ruling_ends_the_arbitration_and_its_conclusion_says_for_whom(reason: str) -> None:
    reship = transitions.rule_reship(disputed(reason), T0 + 100)
    assert (reship.record.status, reship.record.arbitration, reship.record.conclusion) == (8, 255, 1)
    assert (reship.record.deadline, reship.tags) == (T0 + 100 + H48, ("216", "209"))
    refund = transitions.rule_refund(disputed(reason), T0 + 100)
    assert (refund.record.status, refund.record.arbitration, refund.record.conclusion) == (12, 255, 3)
    assert refund.tags == ("216", "206")
    dismiss = transitions.rule_dismiss(disputed(reason), T0 + 100)
    assert (dismiss.record.status, dismiss.record.arbitration, dismiss.record.conclusion) == (28, 255, 2)
    assert dismiss.tags == ("216", "207")
    said = json.loads(wire.message(dismiss.record, "216", as_text=False))
    assert (said["arbitrate_status"], said["arbitrate_conclusion"]) == (255, 2)


def test_a_reship_that_was_ruled_while_overdue_is_no_longer_overdue() -> None:
    record = transitions.rule_reship(transitions.ask_platform(overdue(), T0 + 20).record, T0 + 100).record
    assert not record.overdue
    assert transitions.elapse(record).record.overdue


def test_withdrawing_closes_and_ends_the_arbitration() -> None:
    assert transitions.withdraw(fresh(), T0 + 1).tags == ("207",)
    change = transitions.withdraw(disputed(), T0 + 100)
    assert (change.record.status, change.record.arbitration, change.tags) == (28, 255, ("215", "207"))
    assert change.record.conclusion == 0
    assert "arbitrate_conclusion" not in json.loads(wire.message(change.record, "215", as_text=False))


def test_the_platform_moves_a_clock_to_an_instant_ahead() -> None:
    change = transitions.set_deadline(fresh(), T0 + 10, T0 + 20)
    assert (change.record.deadline, change.tags) == (T0 + 20, ("209",))
    with pytest.raises(PlatformRefused, match="in the future"):
        transitions.set_deadline(fresh(), T0 + 10, T0 + 10)
