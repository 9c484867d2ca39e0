"""The shipment watch's rule book, clause by clause and to the second."""

import pytest

from cases.errors import BadForm, Refused
from statecharts.jd_shipment import JdShipment
from statecharts.rules import Party
from tests.support.processes.jd_shipments import PARCEL, PROOF, SECOND, Watch, after, watch_in

OPEN_STATES = ["awaiting_upload", "awaiting_pickup"]
REASON = {"reason": "通话记录不清晰"}


def test_jd_10_the_number_is_uploaded_on_the_platform() -> None:
    watch = Watch().uploaded("1h")

    assert (watch.state, watch.submitted, watch.clauses) == (
        "awaiting_pickup",
        ["push_tracking_number"],
        {"upload_tracking": "JD-10"},
    )


def test_jd_10_a_number_uploaded_a_second_before_24h_is_in_time() -> None:
    watch = Watch().until("24h", by=-SECOND)

    watch.machine.decide("upload_tracking", PARCEL, after("24h") - SECOND)

    assert (watch.until("25h").state, watch.late_at) == ("awaiting_pickup", [])


def test_jd_10_a_number_uploaded_at_24h_is_late_and_the_late_order_is_that_of_24h() -> None:
    watch = Watch().uploaded("24h")

    assert (watch.state, watch.late_at) == ("awaiting_pickup", [after("24h")])
    assert watch.fired == [("miss_upload", after("24h")), ("upload_tracking", after("24h"))]
    [entry] = watch.machine.state.ledger
    assert (entry.clause, entry.counted, entry.once_an_order, entry.amount) == ("JD-10", True, True, None)


def test_jd_10_a_pickup_a_second_before_48h_is_in_time() -> None:
    watch = Watch().uploaded("1h").until("48h", by=-SECOND)
    assert watch.late_at == []

    watch.machine.decide("pick_up", None, after("48h") - SECOND)

    assert (watch.state, watch.machine.closed, watch.late_at) == ("picked_up", True, [])


def test_jd_10_a_pickup_at_48h_is_late() -> None:
    watch = Watch().uploaded("1h").told("48h", "pick_up")

    assert (watch.state, watch.late_at) == ("picked_up", [after("48h")])
    assert watch.clauses["miss_pickup"] == watch.clauses["pick_up"] == "JD-10"


def test_jd_10_both_missed_are_one_late_order_together() -> None:
    watch = Watch().until("300d")

    assert watch.fired == [("miss_upload", after("24h")), ("miss_pickup", after("48h"))]
    assert (watch.state, watch.late_at, watch.clocks) == ("awaiting_upload", [after("24h")], {})


def test_jd_10_uploaded_late_and_picked_up_late_are_one_late_order_together() -> None:
    watch = Watch().uploaded("30h").until("300d")

    assert [rule for rule, _ in watch.fired] == ["miss_upload", "upload_tracking", "miss_pickup"]
    assert (watch.state, watch.late_at) == ("awaiting_pickup", [after("24h")])


@pytest.mark.parametrize("state", OPEN_STATES)
def test_jd_10_a_parcel_may_be_picked_up_before_its_number_is_known(state: str) -> None:
    watch = watch_in(state).told("2h", "pick_up")

    assert (watch.state, watch.clocks) == ("picked_up", {})


def test_jd_10_the_carriers_own_instant_of_the_pickup_counts_not_when_it_was_told() -> None:
    in_time = Watch().uploaded("1h").until("50h").told("50h", "pick_up", occurred="47h59m59s")
    late = Watch().uploaded("1h").until("50h").told("50h", "pick_up", occurred="48h")

    assert (in_time.state, in_time.late_at) == ("picked_up", [])
    assert [(entry.clause, entry.status) for entry in in_time.machine.state.reversed] == [("JD-10", "reversed")]
    assert (late.state, late.late_at) == ("picked_up", [after("48h")])


def test_jd_10_jds_own_instant_of_the_upload_counts_not_when_it_was_told() -> None:
    watch = Watch().until("25h").told("25h", "upload_tracking", occurred="23h59m59s", **PARCEL)

    assert (watch.state, watch.late_at) == ("awaiting_pickup", [])


@pytest.mark.parametrize("kind", ["presale", "custom"])
def test_jd_10_presale_and_custom_goods_count_from_the_end_of_the_last_promised_day_in_shanghai(kind: str) -> None:
    watch = Watch(kind=kind, promised_last_day="2026-01-08")  # ordered on the 5th at 09:00, so it ends after 3 d 15 h

    assert watch.clocks == {"miss_upload": after("4d15h"), "miss_pickup": after("5d15h")}
    assert watch.until("4d15h", by=-SECOND).late_at == []
    assert watch.until("4d15h").late_at == [after("4d15h")]


def test_jd_10_a_presale_picked_up_before_its_day_is_in_time() -> None:
    watch = Watch(kind="presale", promised_last_day="2026-01-08").uploaded("1h").told("2h", "pick_up")

    assert (watch.state, watch.late_at) == ("picked_up", [])


def test_jd_10_the_merchant_is_reminded_of_both_as_the_late_order_is_his() -> None:
    assert {name: clock.of for name, clock in JdShipment.clocks().items()} == {
        "miss_upload": Party.MERCHANT,
        "miss_pickup": Party.MERCHANT,
        "await_no_longer": Party.PLATFORM,
    }


def test_jd_10_a_number_is_uploaded_once() -> None:
    with pytest.raises(Refused):
        watch_in("awaiting_pickup").uploaded("2h")


@pytest.mark.parametrize("state", OPEN_STATES)
def test_jd_14_exempt_without_a_time_neither_clock_runs(state: str) -> None:
    watch = watch_in(state).exempted("2h", by="phone_cancel")

    assert (watch.state, watch.clocks, watch.clauses["exempt"]) == (state, {}, "JD-14")
    assert watch.until("300d").late_at == []


def test_jd_14_exempt_until_a_time_that_is_the_new_deadline_of_both() -> None:
    watch = Watch().exempted("2h", until="100h")

    assert watch.clocks == {"miss_upload": after("100h"), "miss_pickup": after("100h")}
    assert watch.until("100h", by=-SECOND).late_at == []
    assert watch.until("100h").late_at == [after("100h")]
    assert sorted(rule for rule, _ in watch.fired) == ["exempt", "miss_pickup", "miss_upload"]


@pytest.mark.parametrize("by", ["card", "emergency_report"])
def test_jd_14_an_approval_that_comes_later_takes_the_late_order_back(by: str) -> None:
    watch = Watch().until("50h")
    assert watch.late_at == [after("24h")]

    watch.exempted("60h", by=by, until="100h")

    assert watch.late_at == []
    assert [(entry.clause, entry.status) for entry in watch.machine.state.undone] == [("JD-10", "reversed")]


def test_jd_14_lateness_after_the_approval_counts_anew() -> None:
    watch = Watch().until("50h").exempted("60h", until="100h").until("101h")

    assert (watch.late_at, watch.clocks) == ([after("100h")], {})


def test_jd_14_an_approved_time_that_has_passed_already_leaves_the_order_late() -> None:
    watch = Watch().until("50h").exempted("60h", until="55h")

    assert watch.late_at == [after("60h")]


def test_jd_14_of_two_times_the_later_counts_and_no_time_beats_any() -> None:
    later = Watch().exempted("1h", until="100h").exempted("2h", until="90h")
    none = Watch().exempted("1h", by="phone_cancel").exempted("2h", until="90h")
    lifted = Watch().exempted("1h", until="90h").exempted("2h", by="phone_cancel")

    assert set(later.clocks.values()) == {after("100h")}
    assert none.clocks == lifted.clocks == {}


def test_jd_7_an_order_created_in_the_period_of_an_advance_report_is_exempt() -> None:
    first, last = (
        Watch().until("50h").exempted("60h", by="advance_report", begins_at=begins, ends_at=ends)
        for begins, ends in (
            (after("0s").isoformat(), after("9h").isoformat()),
            (after("-9h").isoformat(), after("0s").isoformat()),
        )
    )

    assert (first.late_at, first.clocks) == (last.late_at, last.clocks) == ([], {})


@pytest.mark.parametrize(("begins", "ends"), [("1s", "9h"), ("-9h", "-1s")])
def test_jd_7_an_order_created_outside_the_period_is_not(begins: str, ends: str) -> None:
    period = {"begins_at": after(begins).isoformat(), "ends_at": after(ends).isoformat()}

    watch = Watch().until("50h").exempted("60h", by="advance_report", **period)

    assert (watch.late_at, "exempt" in watch.clauses) == ([after("24h")], False)
    assert [why for why in watch.ignored if "免责时段" in why]


def test_jd_7_an_approval_before_the_order_was_placed_counts() -> None:
    period = {"begins_at": after("-1h").isoformat(), "ends_at": after("1h").isoformat()}

    assert Watch().told("1s", "exempt", occurred="-72h", by="advance_report", **period).clocks == {}


@pytest.mark.parametrize("state", OPEN_STATES)
def test_jd_12_a_cancellation_on_the_phone_is_reported_and_the_clocks_run_on(state: str) -> None:
    watch = watch_in(state)
    clocks = watch.clocks

    watch.act("2h", "report_phone_cancel", PROOF)

    assert (watch.state, watch.clocks, watch.submitted[-1]) == (state, clocks, "file_phone_cancel")
    assert watch.clauses["report_phone_cancel"] == "JD-12"


def test_jd_12_it_needs_evidence_and_is_reported_once_at_a_time() -> None:
    with pytest.raises(BadForm, match="evidence"):
        Watch().act("2h", "report_phone_cancel", {"evidence": []})
    with pytest.raises(Refused):
        Watch().act("2h", "report_phone_cancel", PROOF).act("3h", "report_phone_cancel", PROOF)


def test_jd_12_unreported_or_refused_it_counts_as_late() -> None:
    refused = Watch().act("2h", "report_phone_cancel", PROOF).act("3h", "refuse_report", REASON)

    assert (refused.state, refused.clauses["refuse_report"]) == ("awaiting_upload", "JD-12")
    assert refused.until("24h").late_at == Watch().until("24h").late_at == [after("24h")]


def test_jd_12_approved_also_after_the_deadline_it_does_not_count() -> None:
    watch = Watch().act("30h", "report_phone_cancel", PROOF).exempted("40h", by="phone_cancel")

    assert (watch.late_at, watch.clocks) == ([], {})


def reported_and_cancelled() -> Watch:
    return Watch().until("25h").act("26h", "report_phone_cancel", PROOF).told("27h", "cancel_order")


def test_jd_12_a_cancelled_order_waits_for_the_answer_to_its_report_and_its_late_order_is_taken_back() -> None:
    watch = reported_and_cancelled()
    assert (watch.state, watch.machine.closed, watch.late_at) == ("cancelled_under_review", False, [after("24h")])

    watch.exempted("60h", by="phone_cancel")

    assert (watch.state, watch.machine.closed, watch.late_at) == ("cancelled", True, [])
    assert watch.clauses["exempt"] == "JD-14"


def test_jd_12_a_cancelled_order_whose_report_is_refused_stays_late() -> None:
    watch = reported_and_cancelled().act("60h", "refuse_report", REASON)

    assert (watch.state, watch.late_at, watch.clauses["refuse_report"]) == ("cancelled", [after("24h")], "JD-12")


def test_jd_12_an_answer_that_never_comes_is_awaited_for_7_days() -> None:
    watch = reported_and_cancelled()

    assert watch.clocks == {"await_no_longer": after("195h")}
    assert watch.until("195h", by=-SECOND).state == "cancelled_under_review"
    assert (watch.until("195h").state, watch.late_at) == ("cancelled", [after("24h")])


def test_jd_12_without_a_report_a_cancelled_order_waits_for_nothing() -> None:
    refused = Watch().act("2h", "report_phone_cancel", PROOF).act("3h", "refuse_report", REASON)

    assert Watch().told("27h", "cancel_order").state == refused.told("27h", "cancel_order").state == "cancelled"


def test_jd_12_a_refusal_says_why_and_leaves_the_merchant_free_to_report_again() -> None:
    watch = Watch().act("2h", "report_phone_cancel", PROOF)
    with pytest.raises(BadForm, match="reason"):
        watch.act("3h", "refuse_report")

    watch.act("3h", "refuse_report", REASON).act("4h", "report_phone_cancel", PROOF)

    assert watch.submitted == ["file_phone_cancel"] * 2


def test_jd_12_only_what_was_reported_is_refused() -> None:
    with pytest.raises(Refused):
        Watch().act("2h", "refuse_report", REASON)
    answered = Watch().act("2h", "report_phone_cancel", PROOF).exempted("3h", by="phone_cancel")
    with pytest.raises(Refused):
        answered.act("4h", "refuse_report", REASON)


def test_jd_12_another_exemption_does_not_answer_the_report() -> None:
    watch = Watch().act("2h", "report_phone_cancel", PROOF).exempted("3h", until="90h")

    assert watch.act("4h", "refuse_report", REASON).state == "awaiting_upload"


@pytest.mark.parametrize(("rule", "state"), [("cancel_order", "cancelled"), ("delete_order", "deleted")])
@pytest.mark.parametrize("source", OPEN_STATES)
def test_a_cancelled_or_deleted_order_ends_the_watch_and_stays_late_if_it_was(
    source: str, rule: str, state: str
) -> None:
    in_time, late = watch_in(source).told("2h", rule), watch_in(source).told("50h", rule)

    assert (in_time.state, in_time.machine.closed, in_time.late_at) == (state, True, [])
    assert (late.state, len(late.late_at)) == (state, 1)


def test_g_9_clocks_run_by_the_figures_of_the_pinned_policy() -> None:
    watch = Watch(policy={"upload": "12h", "pickup": "36h"})

    assert watch.clocks == {"miss_upload": after("12h"), "miss_pickup": after("36h")}


def test_g_5_the_operator_is_reminded_of_both_deadlines() -> None:
    watch = Watch()
    for offset in ("12h", "22h", "36h", "46h", "300d"):
        watch.until(offset)

    assert [(reminder.at, reminder.deadline) for reminder in watch.machine.state.reminders] == [
        (after("12h"), after("24h")),
        (after("22h"), after("24h")),
        (after("36h"), after("48h")),
        (after("46h"), after("48h")),
    ]
