"""The shipment watch's rule book, clause by clause and to the second."""

from datetime import timedelta
from typing import Any

import pytest

from cases.errors import BadForm, Refused
from statecharts.douyin_shipment import DouyinShipment
from statecharts.rules import Party
from tests.support.processes.shipments import (
    AFTER_UPLOAD,
    ELSEWHERE,
    HUB,
    MALFORMED,
    OPEN_STATES,
    OTHER_PARCEL,
    PARCEL,
    REASON,
    SECOND,
    THERE,
    Watch,
    after,
    watch_in,
)
from workflows.engine import decisions

NOW = timedelta(0)
LATE_PICKUP = ("DS-1", None, None)
FINE = ("DS-6", "10.00", None)
BLOCKED = ("DS-6", None, None)
POINTS = ("DS-5", None, "0.1")
PATIENT = {"silence": "30d", "reminders_before": []}


# DS-1: the pickup.


def test_ds_1_uploading_waits_for_the_pickup_and_the_first_scan_is_the_pickup() -> None:
    watch = Watch().upload("1h")
    assert (watch.state, watch.submitted, watch.effects) == (
        "awaiting_pickup",
        ["push_tracking_number"],
        ["check_number"],
    )

    watch.scan("2h")

    assert (watch.state, watch.clauses["upload_tracking"], watch.clauses["scan"]) == ("moving", "DS-1", "DS-1")


def test_ds_1_a_scan_without_a_form_is_a_pickup_too() -> None:
    assert Watch().upload("1h").scan("2h", None).state == "moving"


@pytest.mark.parametrize(
    ("facts", "uploaded", "due"),
    [
        ({"mode": "normal"}, "1h", "72h"),
        ({"mode": "normal"}, "71h", "72h"),
        ({"mode": "express"}, "5h", "29h"),
        ({"mode": "tiered"}, "90h", "114h"),
        ({"mode": "presale", "promised_ship_at": "60d"}, "1h", "60d"),
    ],
)
def test_ds_1_the_pickup_is_due_as_the_way_of_shipping_says(facts: dict[str, str], uploaded: str, due: str) -> None:
    in_time, late = (Watch(**{"promised_ship_at": "80d", **facts}).upload(uploaded) for _ in range(2))
    assert in_time.clocks["miss_pickup"] == after(due)

    in_time.scan(due, by=-SECOND).until(due)
    late.until(due, by=-SECOND)
    assert "miss_pickup" not in [*in_time.rules, *late.rules]
    late.scan(due)

    assert (late.fired[-2:], late.clauses["miss_pickup"]) == (
        [("miss_pickup", after(due)), ("scan", after(due))],
        "DS-1",
    )
    assert (in_time.booked, late.booked) == ([], [LATE_PICKUP])
    assert (in_time.state, late.state) == ("moving", "moving")


def test_ds_1_a_presale_without_a_promise_has_no_clock_for_the_pickup() -> None:
    assert "miss_pickup" not in Watch(mode="presale", promised_ship_at=None).upload("1h").clocks


def test_ds_1_a_parcel_not_picked_up_is_recorded_once_and_told() -> None:
    watch = Watch().upload("1h").until("100d")

    assert [at for rule, at in watch.fired if rule == "miss_pickup"] == [after("72h")]
    assert (watch.state, watch.booked, watch.effects.count("tell_late_pickup")) == ("awaiting_pickup", [LATE_PICKUP], 1)


def test_ds_1_a_number_uploaded_when_the_time_is_over_is_late_at_once() -> None:
    watch = Watch(promised_ship_at=None).upload("80h").until("80h")

    assert watch.fired[-1] == ("miss_pickup", after("80h"))


@pytest.mark.parametrize("state", ["suspected", "judged_false"])
def test_ds_1_the_clock_runs_on_while_the_number_is_suspected_or_judged(state: str) -> None:
    watch = Watch().upload("1h", MALFORMED)
    if state == "judged_false":
        watch.report("2h", "judge_false", REASON)
    assert (watch.state, watch.clocks["miss_pickup"]) == (state, after("72h"))

    watch.until("73h")

    assert (watch.state, watch.rules[-1], LATE_PICKUP in watch.booked) == (state, "miss_pickup", True)


def test_ds_1_correcting_the_number_does_not_restart_the_clock() -> None:
    normal, express = (Watch(mode=mode).upload("1h").correct("20h") for mode in ("normal", "express"))

    assert (normal.clocks["miss_pickup"], express.clocks["miss_pickup"]) == (after("72h"), after("25h"))


def test_ds_1_a_pickup_told_late_counts_at_its_own_instant_and_takes_the_record_back() -> None:
    watch = Watch().upload("1h").until("73h")
    assert watch.booked == [LATE_PICKUP]

    watch.scan("80h", happened="71h59m59s")

    assert (watch.state, watch.booked, watch.reversed) == ("moving", [], ["DS-1"])


def test_ds_1_a_scan_before_the_number_was_uploaded_is_the_pickup_once_it_is() -> None:
    told_before = Watch().scan("1h").upload("2h")
    told_after = Watch().upload("2h").scan("3h", happened="1h")
    assert Watch().scan("1h").state == "awaiting_shipment"

    assert (told_before.state, told_after.state) == ("moving", "moving")
    assert told_before.fired == told_after.fired
    assert told_before.rules == ["scan", "upload_tracking", "picked_up_before"]
    assert told_before.clocks["stall"] == after("25h")


# DS-2: no update.


def test_ds_2_without_a_scan_for_24_hours_the_parcel_is_suspected_not_before() -> None:
    watch = watch_in("moving").until("26h", by=-SECOND)
    assert (watch.state, watch.clocks["stall"]) == ("moving", after("26h"))

    watch.until("26h")

    assert (watch.state, watch.suspicion, watch.clauses["stall"]) == ("suspected", "stalled", "DS-2")
    assert (watch.fired[-1], watch.effects[-1]) == (("stall", after("26h")), "urge_carrier")


def test_ds_2_every_scan_starts_the_24_hours_anew() -> None:
    watch = watch_in("moving").scan("26h", by=-SECOND).scan("40h", None)

    assert (watch.state, watch.clocks["stall"]) == ("moving", after("64h"))
    assert watch.clauses["scan"] == "DS-2"


def test_ds_2_before_the_pickup_it_does_not_run() -> None:
    assert "stall" not in watch_in("awaiting_pickup").clocks


def test_ds_2_it_is_told_4_hours_before_and_is_no_escalation() -> None:
    watch = watch_in("moving")

    assert watch.reminded("stall", "14h", "22h", "24h", "26h") == [after("22h")]
    assert not DouyinShipment.clocks()["stall"].escalates


def test_ds_2_a_scan_leads_back_from_a_stall() -> None:
    watch = watch_in("moving").until("26h").scan("30h")

    assert (watch.state, watch.suspicion, watch.clocks["stall"]) == ("moving", None, after("54h"))
    assert "urge_carrier" not in [effect.effect for effect in watch.machine.state.pending]


def test_ds_2_a_scan_told_late_takes_the_stall_back() -> None:
    watch = watch_in("moving").until("26h").scan("27h", happened="25h")

    assert (watch.state, watch.clocks["stall"]) == ("moving", after("49h"))
    assert "stall" not in watch.rules


def test_ds_2_a_stall_may_turn_into_another_suspicion() -> None:
    watch = watch_in("moving").until("26h").scan("30h", ELSEWHERE)

    assert (watch.state, watch.suspicion, watch.rules[-2:]) == ("suspected", "leads_elsewhere", ["scan", "suspect"])


# DS-3: false shipping is suspected.


def test_ds_3_a_malformed_number_is_suspected_as_soon_as_it_is_uploaded() -> None:
    watch = Watch().upload("1h", MALFORMED)

    assert (watch.state, watch.suspicion, watch.clauses["suspect"]) == ("suspected", "malformed_number", "DS-3")
    assert watch.rules == ["upload_tracking", "suspect"]
    assert "tell_suspected_number" in watch.effects


def test_ds_3_the_costs_of_such_a_number_are_shown_before_it_is_uploaded() -> None:
    watch = Watch()

    assert {cost.clause for cost in watch.machine.case.costs("upload_tracking")} == {"DS-3", "DS-5"}
    assert watch.machine.case.costs("upload_tracking") == watch.machine.case.costs("correct_tracking")
    assert not watch.machine.case.costs("refund")


@pytest.mark.parametrize(
    ("used", "state"), [("31d", "suspected"), ("1d", "suspected"), ("24h", "suspected"), ("0s", "awaiting_pickup")]
)
def test_ds_3_a_number_used_for_another_person_in_the_30_days_before_is_suspected(used: str, state: str) -> None:
    watch = Watch(promised_ship_at=None).upload("31d").reused("31d", used)

    assert (watch.state, watch.suspicion) == (state, "number_of_another" if state == "suspected" else None)


@pytest.mark.parametrize(("by", "state"), [(0, "suspected"), (1, "awaiting_pickup")])
def test_ds_3_the_30_days_before_the_upload_are_to_the_second(by: int, state: str) -> None:
    watch = Watch(promised_ship_at=None)
    watch.act("30d", "upload_tracking", PARCEL, by=by * SECOND)
    use = {"same_carrier": True, "same_person": False, "at": after("0s").isoformat()}
    watch.report("30d", "number_reused", {"tracking_no": PARCEL["tracking_no"], "uses": [use]}, by=by * SECOND)

    assert (watch.state, watch.clauses["number_reused"]) == (state, "DS-3")


@pytest.mark.parametrize(
    ("same_person", "same_carrier", "state", "suspicion"),
    [(True, True, "awaiting_pickup", None), (True, False, "suspected", "duplicate_number")],
)
def test_ds_3_parcels_of_one_person_may_share_a_number(
    *, same_person: bool, same_carrier: bool, state: str, suspicion: str | None
) -> None:
    watch = Watch().upload("2h").reused("2h", "1h", same_person=same_person, same_carrier=same_carrier)

    assert (watch.state, watch.suspicion) == (state, suspicion)


def test_ds_3_an_earlier_use_found_out_when_the_parcel_moves_is_suspected_from_the_upload() -> None:
    watch = Watch().upload("1h").scan("2h")
    use = {"same_carrier": True, "same_person": False, "at": after("0s").isoformat()}
    watch.report("3h", "number_reused", {"tracking_no": "SF1", "uses": [use]}, happened="1h")

    assert watch.fired == [(rule, after(at)) for rule, at in UPLOADED_AND_REUSED]
    assert watch.state == "suspected"


UPLOADED_AND_REUSED = [("upload_tracking", "1h"), ("number_reused", "1h"), ("suspect", "1h"), ("scan", "2h")]


def test_ds_3_what_is_reported_without_uses_is_believed() -> None:
    assert Watch().upload("1h").report("2h", "number_reused").suspicion == "number_of_another"


@pytest.mark.parametrize(
    ("form", "state"),
    [(THERE, "moving"), (HUB, "moving"), ({**THERE, "region": "广东省"}, "moving"), (ELSEWHERE, "suspected")],
)
@pytest.mark.parametrize("scans", [0, 1])
def test_ds_3_a_route_to_another_region_is_suspected(form: dict[str, str], state: str, scans: int) -> None:
    watch = Watch().upload("1h")
    for number in range(scans):
        watch.scan(f"{2 + number}h")

    assert watch.scan("5h", form).state == state
    assert ("tell_suspected_track" in watch.effects) is (state == "suspected")
    assert watch.suspicion == ("leads_elsewhere" if state == "suspected" else None)


def test_ds_3_where_the_consignees_region_is_unknown_no_route_is_suspected() -> None:
    assert Watch(consignee_region=None).upload("1h").scan("2h", ELSEWHERE).state == "moving"


@pytest.mark.parametrize(("by", "state"), [(-SECOND, "suspected"), (NOW, "moving"), (SECOND, "moving")])
def test_ds_3_a_pickup_before_the_payment_is_suspected(by: timedelta, state: str) -> None:
    watch = Watch(paid_at="5h").upload("1h").scan("5h", by=by)

    assert (watch.state, watch.suspicion) == (state, "picked_up_before_payment" if state == "suspected" else None)


def test_ds_3_also_one_before_the_upload() -> None:
    watch = Watch(paid_at="5h").upload("6h").scan("8h", happened="4h")

    assert (watch.state, watch.suspicion) == ("suspected", "picked_up_before_payment")


def test_ds_3_only_the_pickup_is_compared_with_the_payment() -> None:
    watch = Watch(paid_at="5h").upload("1h").scan("2h").report("3h", "clear_suspicion").scan("4h")

    assert watch.state == "moving"


@pytest.mark.parametrize("rule", ["stand_still", "not_received"])
def test_ds_3_without_a_figure_standing_still_and_not_being_received_have_no_clock(rule: str) -> None:
    assert rule not in watch_in("moving").clocks
    assert rule not in watch_in("awaiting_pickup").clocks


def test_ds_3_a_track_that_stands_still_is_suspected_once_the_shop_says_from_when() -> None:
    watch = Watch(policy={"standing_still": "30h", **PATIENT}).upload("1h").scan("2h").scan("20h").scan("31h")
    assert watch.clocks["stand_still"] == after("32h")
    moved = Watch(policy={"standing_still": "30h", **PATIENT}).upload("1h").scan("2h").scan("31h", THERE)
    assert moved.clocks["stand_still"] == after("61h")

    assert watch.until("32h", by=-SECOND).state == "moving"
    watch.until("32h")

    assert (watch.state, watch.suspicion, watch.clauses["stand_still"]) == ("suspected", "standing_still", "DS-3")


@pytest.mark.parametrize("scans", [0, 1])
def test_ds_3_a_parcel_not_received_in_reasonable_time_is_suspected_once_the_shop_says_what_is(scans: int) -> None:
    watch = Watch(policy={"reasonable_receipt": "10d", **PATIENT}).upload("1h")
    if scans:
        watch.scan("2h")
    assert watch.until("241h", by=-SECOND).state in ("awaiting_pickup", "moving")

    watch.until("241h")

    assert (watch.state, watch.suspicion, watch.clauses["not_received"]) == ("suspected", "not_received", "DS-3")
    assert watch.effects[-1] == "tell_not_received"


@pytest.mark.parametrize(
    ("figures", "parcel", "scan"),
    [
        ({}, MALFORMED, HUB),
        ({}, PARCEL, ELSEWHERE),
        ({"standing_still": "3h"}, PARCEL, HUB),
        ({"reasonable_receipt": "4h"}, PARCEL, HUB),
    ],
    ids=["malformed number", "leads elsewhere", "standing still", "not received"],
)
def test_ds_3_from_any_suspicion_but_a_stall_a_scan_leads_nowhere(
    figures: dict[str, str], parcel: dict[str, str], scan: dict[str, str]
) -> None:
    watch = Watch(policy=PATIENT | figures).upload("1h", parcel).scan("2h", scan).until("10h")
    assert watch.state == "suspected"

    watch.scan("11h", THERE)

    assert (watch.state, watch.clauses["scan"]) == ("suspected", "DS-3")


# DS-4: the correction.


@pytest.mark.parametrize("state", ["awaiting_pickup", "suspected", "judged_false"])
def test_ds_4_a_number_is_corrected_within_24_hours_of_its_upload_not_later(state: str) -> None:
    in_time, late = watch_in(state, policy=PATIENT), watch_in(state, policy=PATIENT)

    in_time.correct("25h", by=-SECOND)
    assert (in_time.state, in_time.clauses["correct_tracking"], in_time.suspicion) == ("awaiting_pickup", "DS-4", None)
    assert (in_time.submitted[-1], in_time.effects[-1]) == ("push_corrected_number", "check_number")

    with pytest.raises(Refused, match="单号更正时限"):
        late.correct("25h")
    assert late.state == state


@pytest.mark.parametrize("state", ["awaiting_shipment", "moving"])
def test_ds_4_nothing_is_corrected_before_the_upload_or_once_the_parcel_moves(state: str) -> None:
    with pytest.raises(Refused):
        watch_in(state).correct("4h")


def test_ds_4_a_second_correction_does_not_get_24_hours_of_its_own() -> None:
    watch = Watch().upload("1h").correct("20h").correct("24h", PARCEL)

    with pytest.raises(Refused):
        watch.correct("25h")


def test_ds_4_a_corrected_number_is_judged_like_the_first() -> None:
    assert Watch().upload("1h").correct("2h", MALFORMED).suspicion == "malformed_number"


def test_ds_4_the_first_scan_of_the_corrected_number_is_its_pickup() -> None:
    watch = watch_in("suspected").correct("4h")
    assert (watch.state, watch.machine.case.picked_up) == ("awaiting_pickup", False)  # type: ignore[attr-defined]

    assert watch.scan("5h").state == "moving"


def test_ds_4_a_refusal_says_what_is_left_to_do() -> None:
    assert [cost.clause for cost in Watch().machine.case.warnings("correct_tracking")] == ["DS-4"]


# DS-5: false shipping is judged.


@pytest.mark.parametrize("state", ["awaiting_pickup", "moving", "suspected"])
def test_ds_5_a_judgement_costs_a_tenth_of_a_point_and_is_told(state: str) -> None:
    watch = watch_in(state).report("3h", "judge_false", REASON)

    assert (watch.state, watch.booked, watch.clauses["judge_false"]) == ("judged_false", [POINTS], "DS-5")
    assert "tell_judged" in watch.effects


@pytest.mark.parametrize("state", ["awaiting_shipment", "judged_false"])
def test_ds_5_nothing_is_judged_before_the_upload_or_twice(state: str) -> None:
    watch = watch_in(state)
    before = len(watch.booked)

    watch.report("5h", "judge_false", REASON)

    assert (watch.state, len(watch.booked)) == (state, before)
    assert watch.ignored == ["judge_false"]


def test_ds_5_every_judgement_of_an_order_counts() -> None:
    watch = watch_in("judged_false").correct("4h").report("5h", "judge_false", REASON)

    assert (watch.state, watch.booked) == ("judged_false", [POINTS, POINTS])


def test_ds_5_a_judgement_has_a_reason() -> None:
    watch = watch_in("moving").report("3h", "judge_false", {"reason": " "})

    assert (watch.state, watch.ignored) == ("moving", ["judge_false"])


@pytest.mark.parametrize(
    ("watch", "state"),
    [
        (watch_in("judged_false"), "moving"),
        (watch_in("awaiting_pickup").report("3h", "judge_false", REASON), "awaiting_pickup"),
    ],
    ids=["picked up", "not picked up"],
)
def test_ds_5_cleared_the_points_are_reversed(watch: Watch, state: str) -> None:
    watch.report("5h", "clear_suspicion")

    assert (watch.state, watch.booked, watch.reversed) == (state, [], ["DS-5"])


def test_ds_5_a_judged_parcel_is_followed_on() -> None:
    watch = watch_in("judged_false").scan("4h", THERE)

    assert (watch.state, watch.clauses["scan"]) == ("judged_false", "DS-5")


@pytest.mark.parametrize(
    ("watch", "state"),
    [(watch_in("suspected"), "moving"), (Watch().upload("1h", MALFORMED), "awaiting_pickup")],
    ids=["picked up", "not picked up"],
)
def test_ds_3_a_suspicion_is_cleared_and_the_clocks_of_the_track_run_anew(watch: Watch, state: str) -> None:
    watch.report("20h", "clear_suspicion")

    assert (watch.state, watch.suspicion, watch.clauses["clear_suspicion"]) == (state, None, "DS-3")
    assert watch.clocks.get("stall") == (after("44h") if state == "moving" else None)


def test_ds_3_a_cleared_parcel_that_was_not_received_is_suspected_again_after_the_same_time() -> None:
    watch = Watch(policy={"reasonable_receipt": "10d", **PATIENT}).upload("1h").until("241h")

    assert watch.report("242h", "clear_suspicion").clocks["not_received"] == after("482h")


# DS-6: late shipping.


def test_ds_6_an_order_not_shipped_at_the_promised_time_is_fined_not_before() -> None:
    watch = Watch().until("48h", by=-SECOND)
    assert (watch.rules, watch.clocks["miss_shipment"]) == ([], after("48h"))

    watch.until("48h")

    assert (watch.state, watch.fired, watch.booked) == ("awaiting_shipment", [("miss_shipment", after("48h"))], [FINE])
    assert watch.clauses["miss_shipment"] == "DS-6"


def test_ds_6_it_is_fined_twice_and_the_third_time_the_product_is_blocked() -> None:
    watch = Watch().until("72h")
    assert (watch.booked, watch.effects) == ([FINE, FINE], [])

    watch.until("96h")

    assert watch.fired == [("miss_shipment", after(at)) for at in ("48h", "72h", "96h")]
    assert (watch.booked, watch.effects) == ([FINE, FINE, BLOCKED], ["tell_blocked"])


def test_ds_6_the_third_time_is_the_last() -> None:
    watch = Watch().until("140d")

    assert (len(watch.booked), "miss_shipment" in watch.clocks) == (3, False)


def test_ds_6_entries_of_one_order_have_keys_of_their_own() -> None:
    assert len({entry.key for entry in Watch().until("96h").machine.state.ledger}) == len([FINE, FINE, BLOCKED])


@pytest.mark.parametrize(
    ("at", "by", "fines"), [("48h", -SECOND, 0), ("48h", NOW, 1), ("72h", -SECOND, 1), ("72h", NOW, 2)]
)
def test_ds_6_shipping_in_time_is_before_the_clock(at: str, by: timedelta, fines: int) -> None:
    watch = Watch().act(at, "upload_tracking", PARCEL, by=by).until("200h")

    assert watch.booked.count(FINE) == fines


def test_ds_6_an_upload_told_late_takes_the_fines_back() -> None:
    watch = Watch().until("73h")
    watch.machine.decide("upload_tracking", {**PARCEL, "occurred_at": after("47h").isoformat()}, after("74h"))

    assert (watch.state, watch.booked.count(FINE), watch.reversed) == ("awaiting_pickup", 0, ["DS-6", "DS-6"])


def test_ds_6_without_a_promise_there_is_no_clock() -> None:
    assert "miss_shipment" not in Watch(promised_ship_at=None).clocks


def test_ds_6_the_interval_is_a_figure() -> None:
    assert Watch(policy={"late_again_every": "12h"}).until("48h").clocks["miss_shipment"] == after("60h")


def test_ds_6_the_operator_is_reminded_before_every_time() -> None:
    told = ["36h", "46h", "60h", "70h", "84h", "94h"]

    assert Watch().reminded("miss_shipment", *told, "108h", "118h") == [after(at) for at in told]


# DS-7: the order closes.


def test_ds_7_an_order_neither_shipped_nor_refunded_closes_after_150_days_not_before() -> None:
    watch = Watch(promised_ship_at=None).until("150d", by=-SECOND)
    assert watch.state == "awaiting_shipment"

    watch.until("150d")

    assert (watch.state, watch.machine.closed, watch.clauses["close_unshipped"]) == ("closed_unshipped", True, "DS-7")
    assert "tell_closed" in watch.effects


def test_ds_7_the_150_days_are_the_platforms_and_run_from_the_order() -> None:
    assert Watch().clocks["close_unshipped"] == after("150d")
    assert {name for name, clock in DouyinShipment.clocks().items() if clock.resolved_by_platform} == {
        "close_unshipped"
    }


@pytest.mark.parametrize("state", AFTER_UPLOAD)
def test_ds_7_a_shipped_order_does_not_close(state: str) -> None:
    assert "close_unshipped" not in watch_in(state).clocks


@pytest.mark.parametrize("state", OPEN_STATES)
def test_ds_7_a_refund_ends_the_watch_from_every_open_state(state: str) -> None:
    watch = watch_in(state).report("4h", "refund")

    assert (watch.state, watch.machine.closed, watch.clauses["refund"]) == ("refunded", True, "DS-7")


@pytest.mark.parametrize("state", AFTER_UPLOAD)
def test_the_buyers_receipt_ends_the_watch_once_a_number_is_uploaded(state: str) -> None:
    watch = watch_in(state).report("4h", "sign")

    assert (watch.state, watch.machine.closed) == ("delivered", True)


def test_an_order_that_was_not_shipped_is_not_received() -> None:
    watch = Watch().report("4h", "sign")

    assert (watch.state, watch.ignored) == ("awaiting_shipment", ["sign"])


# DS-9: warnings.


def warned(watch: Watch, offset: str, until: str) -> Watch:
    return watch.report(offset, "warn", {"until": after(until).isoformat()})


@pytest.mark.parametrize("state", OPEN_STATES)
def test_ds_9_a_warning_is_a_deadline_of_the_merchant_beside_every_open_state(state: str) -> None:
    watch = warned(watch_in(state), "4h", "20h")
    clocks = {rule: due for rule, due in watch.clocks.items() if rule != "warning_over"}

    assert (watch.state, watch.clocks["warning_over"], watch.clauses["warn"]) == (state, after("20h"), "DS-9")
    assert clocks == watch_in(state).clocks
    assert watch.reminded("warning_over", "8h", "18h", "20h") == [after("8h"), after("18h")]


@pytest.mark.parametrize("state", OPEN_STATES)
def test_ds_9_put_right_in_time_the_warning_is_gone(state: str) -> None:
    watch = warned(watch_in(state), "4h", "20h").report("20h", "clear_warning", by=-SECOND).until("21h")

    assert (watch.state, "warning_over" in watch.clocks, watch.rules[-1]) == (state, False, "clear_warning")


@pytest.mark.parametrize("state", OPEN_STATES)
def test_ds_9_a_warning_that_is_over_is_noted_and_told_once(state: str) -> None:
    watch = warned(watch_in(state), "4h", "20h").report("20h", "clear_warning").until("24h")

    assert (watch.state, watch.rules.count("warning_over"), watch.effects.count("tell_warning_over")) == (state, 1, 1)
    assert (watch.clauses["warning_over"], watch.ignored) == ("DS-9", ["clear_warning"])
    assert watch.machine.state.timeline[-1].at == after("20h")


def test_ds_9_a_later_warning_replaces_the_former() -> None:
    watch = warned(warned(Watch(), "1h", "20h"), "2h", "30h")

    assert watch.clocks["warning_over"] == after("30h")


def test_ds_9_a_new_warning_after_one_that_is_over_counts_anew() -> None:
    watch = warned(warned(Watch(), "1h", "5h").until("6h"), "7h", "9h").until("10h")

    assert [at for rule, at in watch.fired if rule == "warning_over"] == [after("5h"), after("9h")]


# Whoever acts, and what every state shows.


@pytest.mark.parametrize(
    ("state", "rules"),
    [
        ("awaiting_shipment", {"upload_tracking"}),
        ("awaiting_pickup", {"correct_tracking"}),
        ("moving", set()),
        ("suspected", {"correct_tracking"}),
        ("judged_false", {"correct_tracking"}),
    ],
)
def test_the_merchant_uploads_and_corrects_and_nothing_else(state: str, rules: set[str]) -> None:
    view = watch_in(state).machine.chart_view()

    assert set(view.open_rules(Party.MERCHANT)) == rules


@pytest.mark.parametrize("form", [{}, {"carrier": "SF"}, {"tracking_no": "SF1"}, {**OTHER_PARCEL, "weight": 1}, None])
def test_a_number_is_uploaded_with_its_carrier(form: dict[str, Any] | None) -> None:
    with pytest.raises(BadForm):
        Watch().act("1h", "upload_tracking", form)


def test_every_open_state_has_advice_with_its_source() -> None:
    assert set(DouyinShipment.advice) >= set(OPEN_STATES)
    assert all(sentence.endswith("(003)") for sentences in DouyinShipment.advice.values() for sentence in sentences)


def test_g_4_what_is_offered_follows_the_window() -> None:
    watch = watch_in("suspected")

    assert "correct_tracking" in decisions.orders_by_rule(decisions.allowed(watch.machine))


def test_g_1_an_order_is_late_at_the_instant_that_the_platform_has_set_instead() -> None:
    later, sooner = (after(offset).isoformat() for offset in ("60h", "30h"))
    watch = Watch().report("10h", "change_promise", {"promised_ship_at": later}).until("60h", by=-SECOND)
    assert watch.booked == []
    assert watch.until("60h").booked == [FINE]
    moved_up = Watch().report("10h", "change_promise", {"promised_ship_at": sooner}).until("30h")
    assert moved_up.booked == [FINE]


def test_g_1_an_instant_told_late_takes_back_what_was_late_only_by_the_former_one() -> None:
    watch = Watch().until("49h")
    assert watch.booked == [FINE]
    watch.report("50h", "change_promise", {"promised_ship_at": after("60h").isoformat()}, happened="40h")
    assert (watch.booked, watch.reversed) == ([], ["DS-6"])


def test_g_1_the_promise_that_is_known_already_changes_nothing() -> None:
    watch = Watch().report("10h", "change_promise", {"promised_ship_at": after("48h").isoformat()})
    assert watch.ignored == ["change_promise"]
    shipped = watch_in("awaiting_pickup").report(
        "10h", "change_promise", {"promised_ship_at": after("60h").isoformat()}
    )
    assert shipped.ignored == ["change_promise"]


def test_ds_1_a_presale_order_is_to_be_picked_up_by_the_new_promise() -> None:
    watch = Watch(mode="presale").report("10h", "change_promise", {"promised_ship_at": after("60h").isoformat()})
    watch.upload("40h").until("60h", by=-SECOND)
    assert watch.booked == []
    assert watch.until("60h").booked == [LATE_PICKUP]
