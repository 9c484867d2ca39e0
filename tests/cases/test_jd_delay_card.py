"""The case of a delay card: facts, forms, figures, and the effect of rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.errors import BadForm
from cases.forms import NoForm
from cases.jd_delay_card import CardSent, DelayCase, DelayFacts, DelayPolicy, EmergencyReport
from cases.models import read
from tests.support.processes.delays import BEFORE_AMENDMENT

T0 = datetime(2026, 1, 20, 1, tzinfo=UTC)
RECORD = {
    "shop_id": "S1",
    "order_id": "O1",
    "promised_ship_at": (T0 + timedelta(days=2)).isoformat(),
    "proposed_ship_at": (T0 + timedelta(days=5)).isoformat(),
    "reason": "仓库盘点",
}
CHAT = {"kind": "chat_screenshot", "url": "https://e/chat.png"}
AGREED = T0 + timedelta(days=9)


def facts(**changed: Any) -> DelayFacts:
    return read(DelayFacts, RECORD | changed, "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> DelayCase:
    return DelayCase(facts=facts(**changed), policy=DelayPolicy.resolve(policy or {}))


def report(**changed: Any) -> EmergencyReport:
    raw = {"agreed_ship_at": AGREED.isoformat(), "evidence": [CHAT], **changed}
    filled = {name: value for name, value in raw.items() if value is not None}
    return read(EmergencyReport, filled, "file_emergency_report")


def test_jd_1_a_case_is_known_by_its_order() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.at_stake) == ("O1", "S1", "O1", None)


@pytest.mark.parametrize("field", RECORD)
def test_every_fact_but_the_sending_is_needed(field: str) -> None:
    raw = {name: value for name, value in RECORD.items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(DelayFacts, raw, "opening")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", 4711),
        ("order_id", "a/b"),
        ("promised_ship_at", "2026-01-20T09:00:00"),
        ("proposed_ship_at", "soon"),
        ("sent_at", "0001-01-01T00:00:00Z"),
        ("reason", " "),
        ("buyer_phone", "13800000000"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


def test_jd_2_a_case_whose_card_was_sent_begins_with_the_sending() -> None:
    sent = T0 - timedelta(hours=3)

    assert facts(sent_at=sent.isoformat()).began_at == sent
    assert facts().began_at is None
    assert case(sent_at=sent.isoformat()).already_sent
    assert not case().already_sent


def test_jd_2_the_click_is_due_48_hours_after_the_sending_however_late_the_state_was_entered() -> None:
    entered, sent, opened = T0, T0 - timedelta(hours=1), T0 - timedelta(hours=2)
    h48 = timedelta(hours=48)

    assert case().due("card_click", entered) == entered + h48
    assert case(sent_at=opened.isoformat()).due("card_click", entered) == opened + h48
    assert case().apply("card_sent", CardSent(sent_at=sent), SAMPLE_INSTANT).due("card_click", entered) == sent + h48
    assert case().apply("card_sent", None, sent).due("card_click", entered) == sent + h48
    assert case().card_expires_at is None
    assert case(sent_at=opened.isoformat()).card_expires_at == opened + h48


@pytest.mark.parametrize(
    ("figure", "length"),
    [
        ("sending_presumed", timedelta(hours=24)),
        ("card_click", timedelta(hours=48)),
        ("review", timedelta(hours=24)),
        ("filing", timedelta(hours=72)),
    ],
)
def test_jd_1_jd_2_jd_3_jd_6_clocks_have_the_length_of_the_rule_book(figure: str, length: timedelta) -> None:
    assert case().due(figure, T0) == T0 + length


@pytest.mark.parametrize("kind", ["chat_screenshot", "sms", "call_record"])
def test_jd_3_a_report_is_proved_by_one_of_three_kinds(kind: str) -> None:
    assert report(evidence=[{**CHAT, "kind": kind, "note": "3 分钟"}]).evidence[0].kind == kind


@pytest.mark.parametrize("kind", ["waybill_photo", "logistics_track", "buyer_consent", "other", "video", None])
def test_jd_3_and_by_no_other(kind: Any) -> None:
    with pytest.raises(BadForm, match=r"file_emergency_report: evidence\.1\.kind: "):
        report(evidence=[CHAT, {**CHAT, "kind": kind}])


@pytest.mark.parametrize("changed", [{"agreed_ship_at": None}, {"agreed_ship_at": "next week"}, {"evidence": []}])
def test_jd_3_a_report_names_the_time_and_has_evidence(changed: dict[str, Any]) -> None:
    with pytest.raises(BadForm, match=next(iter(changed))):
        report(**changed)


def test_jd_4_an_escalation_is_noted_and_a_new_report_is_escalated_anew() -> None:
    escalated = case().apply("review_overdue", None, SAMPLE_INSTANT)

    assert (case().escalated, escalated.escalated) == (False, True)
    assert not escalated.apply("file_emergency_report", report(), SAMPLE_INSTANT).escalated
    assert not escalated.apply("file_emergency_report", None, SAMPLE_INSTANT).escalated
    assert not escalated.apply("approve_report", NoForm(), SAMPLE_INSTANT).escalated
    assert escalated.as_opened_with(BEFORE_AMENDMENT).apply("approve_report", NoForm(), SAMPLE_INSTANT).escalated


def approved(card: DelayCase) -> DelayCase:
    return card.apply("approve_report", None, SAMPLE_INSTANT)


def test_jd_5_the_promise_the_proposal_and_the_agreement_are_instants() -> None:
    delayed = case()
    filed = delayed.apply("file_emergency_report", report(), SAMPLE_INSTANT)

    assert delayed.due("promised_ship_at", T0) == delayed.facts.promised_ship_at
    assert delayed.due("agreed_ship_at", T0) == delayed.facts.proposed_ship_at
    assert filed.due("agreed_ship_at", T0) == delayed.facts.proposed_ship_at  # asked for, but not yet approved
    assert approved(filed).due("agreed_ship_at", T0) == AGREED


def test_jd_5_a_report_that_was_only_told_of_keeps_the_time_that_is_known() -> None:
    agreed = case().apply("file_emergency_report", report(), SAMPLE_INSTANT)

    assert approved(agreed.apply("file_emergency_report", None, SAMPLE_INSTANT)).due("agreed_ship_at", T0) == AGREED


def test_g_9_before_the_amendment_the_time_of_the_last_report_was_kept_at_once() -> None:
    earlier = case().as_opened_with(BEFORE_AMENDMENT)
    filed = earlier.apply("file_emergency_report", report(), SAMPLE_INSTANT)

    assert filed.due("agreed_ship_at", T0) == AGREED
    assert filed.apply("refuse_report", None, T0).model_dump(mode="json", exclude={"facts", "policy", "edition"}) == {
        "confirmed_sent_at": None,
        "agreed_ship_at": "2026-01-29T01:00:00Z",
        "promise_missed_already": False,
        "escalated_already": False,
    }


@pytest.mark.parametrize(("offset", "fits"), [(-1, False), (0, False), (1, True)])
def test_jd_3_the_agreed_time_is_in_the_future(offset: int, fits: bool) -> None:  # noqa: FBT001 - a table
    at = AGREED - timedelta(seconds=offset)

    assert (case().unfit("file_emergency_report", report(), at) is None) is fits
    assert case().as_opened_with(BEFORE_AMENDMENT).unfit("file_emergency_report", report(), at) is None


@pytest.mark.parametrize(("offset", "fits"), [(-1, False), (0, False), (1, True)])
def test_jd_3_a_report_beside_an_approval_asks_for_a_later_time(offset: int, fits: bool) -> None:  # noqa: FBT001 - a table
    in_force = approved(case().apply("file_emergency_report", report(), SAMPLE_INSTANT))
    asked = report(agreed_ship_at=(AGREED + timedelta(seconds=offset)).isoformat())

    assert (in_force.unfit("file_emergency_report", asked, T0) is None) is fits
    late = in_force.apply("miss_agreed_ship", None, AGREED)
    assert late.unfit("file_emergency_report", asked, T0) is None


def test_jd_14_an_approval_says_by_what_the_order_is_exempt_and_until_when() -> None:
    by_card = case().apply("accept", None, SAMPLE_INSTANT)
    by_report = approved(case().apply("file_emergency_report", report(), SAMPLE_INSTANT))

    assert by_card.telling("exempt_by_card") == {"by": "card", "until": by_card.facts.proposed_ship_at.isoformat()}
    assert by_report.telling("exempt_by_report") == {"by": "emergency_report", "until": AGREED.isoformat()}


def test_jd_1_one_card_an_order_is_a_figure_with_its_source_that_no_shop_can_raise() -> None:
    assert (DelayPolicy().cards_an_order.value, DelayPolicy().cards_an_order.provenance) == (1, "stated")
    with pytest.raises(BadForm, match="cards_an_order"):
        DelayPolicy.resolve({"cards_an_order": 2})


def test_what_a_decision_costs_is_told_before_it() -> None:
    missed = case().apply("miss_promise", None, SAMPLE_INSTANT)
    covered = missed.apply("accept", None, SAMPLE_INSTANT)

    assert [cost.clause for rule in ("card_sent", "recall_report") for cost in case().costs(rule)] == ["JD-1", "JD-14"]
    assert [[cost.clause for cost in card.costs("ship")] for card in (case(), missed, covered)] == [[], ["JD-5"], []]
    assert covered.costs("recall_report") == ()


def test_jd_5_a_missed_promise_stays_missed() -> None:
    missed = case().apply("miss_promise", None, SAMPLE_INSTANT)

    assert (case().promise_missed, missed.promise_missed) == (False, True)
    assert missed.apply("file_emergency_report", report(), SAMPLE_INSTANT).promise_missed


def test_jd_5_a_late_shipment_is_a_violation_without_an_amount() -> None:
    assert case().amount("record_late_shipment") is None


def test_what_was_pinned_does_not_change() -> None:
    before = case()

    after = before.apply("card_sent", CardSent(sent_at=T0), SAMPLE_INSTANT).apply(
        "file_emergency_report", report(), SAMPLE_INSTANT
    )

    assert (after.facts, after.policy, before.agreed_ship_at) == (before.facts, before.policy, None)


def test_samples_are_a_card_to_send_and_one_that_was_sent() -> None:
    assert {sample.already_sent for sample in DelayCase.samples()} == {True, False}
