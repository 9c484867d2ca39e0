"""SL-1: the deadlines of ours that a case has missed, and whether we decided in time."""

import pytest

from cases.messages import ExpiryOutcome, Opening
from tests.support.rules.machines import (
    CONSENTED,
    OPENED,
    REFUSAL,
    RESHIP,
    SHIPMENT,
    PromptMachine,
    after,
    claim,
    machine,
    report,
    settle,
)
from tests.support.temporal.life import facts
from workflows.engine.case_record import case_record, fingerprint
from workflows.engine.missed_deadlines import decided_in_time, missed_deadlines

EVIDENCE = {"evidence": CONSENTED["evidence"]}


def missed(of: PromptMachine) -> list[tuple[str, str]]:
    """Return the rules of the deadlines that were missed, and how long after the opening each of them was."""
    told = case_record(of, after("30d")).missed
    assert told == missed_deadlines(of)
    return [(one.rule, f"{(one.at - OPENED).total_seconds() / 3600:g}h") for one in told]


def in_time(of: PromptMachine) -> bool | None:
    return decided_in_time(of, OPENED)


def in_arbitration() -> PromptMachine:
    """Return a refused reship in which the platform waits for our evidence until 30 hours after the opening."""
    case = machine()
    case.decide("refuse", REFUSAL, after("1h"))
    report(case, "2h", rule="request_intervention")
    report(case, "3h", rule="ask_evidence", form={"until": after("30h").isoformat()})
    return case


def test_silence_until_the_platform_agrees_is_a_deadline_missed_although_no_entry_says_so() -> None:
    case = machine()
    settle(case, "48h")
    assert missed(case) == [("auto_agree", "48h")]
    assert not case.state.ledger


def test_an_open_case_tells_a_missed_deadline_at_once() -> None:
    case = machine("other")
    case.decide("agree", None, after("1h"))
    before = fingerprint(case)
    settle(case, "49h")
    assert not case.closed
    assert fingerprint(case) not in ("", before)
    assert missed(case) == [("miss_shipment", "49h")]


def test_what_the_platform_calls_late_is_no_deadline_missed() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    case.decide("ship", SHIPMENT, after("2h"))
    report(case, "5h", rule="untrue_number", form={"shipped": False})
    assert missed(case) == []


@pytest.mark.parametrize(("offset", "missed_then"), [("48h", [("auto_agree", "48h")]), ("47h59m59s", [])])
def test_a_report_from_the_deadline_on_means_that_it_was_missed(
    offset: str, missed_then: list[tuple[str, str]]
) -> None:
    case = machine()
    case.advance(after("48h"))
    report(case, "49h", rule="withdraw", occurred_at=offset)
    for asking in case.state.expiries:
        case.resolve_expiry(asking.serial, ExpiryOutcome(rule="withdraw", occurred_at=after(offset)), after("49h"))
    assert missed(case) == missed_then
    assert [entry.rule for entry in case.state.timeline] == ["withdraw"]
    assert in_time(case) is (False if missed_then else None)


def test_g_1_the_deadline_that_the_platform_gave_is_the_one_that_counts() -> None:
    case = machine()
    report(case, "1h", deadline="72h")
    report(case, "60h", rule="withdraw")
    assert (missed(case), in_time(case)) == ([], None)


def test_dr_20_evidence_handed_in_before_its_deadline_was_in_time() -> None:
    case = in_arbitration()
    case.decide("submit_evidence", EVIDENCE, after("29h"))
    case.advance(after("30h"))
    report(case, "40h", rule="rule_refund")
    assert "evidence_over" in [entry.rule for entry in case.state.timeline]
    assert (missed(case), in_time(case)) == ([], True)


def test_dr_20_no_evidence_until_its_deadline_was_not_in_time() -> None:
    case = in_arbitration()
    case.advance(after("30h"))
    report(case, "40h", rule="rule_refund")
    assert (missed(case), in_time(case)) == ([("evidence_over", "30h")], False)


def test_a_deadline_of_the_buyers_is_none_of_ours() -> None:
    case = machine("other")
    case.decide("refuse", REFUSAL, after("1h"))
    settle(case, "49h")
    assert (missed(case), in_time(case)) == ([], True)


def test_dr_11_every_further_violation_is_a_deadline_missed() -> None:
    case = machine("other", {"late_again_every": "20h"})
    case.decide("agree", None, after("1h"))
    settle(case, "49h")
    case.advance(after("68h59m59s"))
    assert missed(case) == [("miss_shipment", "49h")]
    case.advance(after("89h"))
    assert missed(case) == [("miss_shipment", "49h"), ("late_again", "69h"), ("late_again", "89h")]


def test_g_11_a_fact_told_late_takes_a_missed_deadline_back() -> None:
    case = machine()
    settle(case, "48h")
    report(case, "50h", rule="agree", occurred_at="47h")
    assert (missed(case), in_time(case)) == ([], True)


def test_the_ledger_is_told_none_by_a_case_of_an_edition_before() -> None:
    opening = Opening(facts=facts("A1", applied_at=OPENED.isoformat()))
    case = PromptMachine(RESHIP, "douyin_reship/A1", RESHIP.open_case(opening, "2026-12-02"))
    settle(case, "48h")
    assert (missed(case), fingerprint(case)) == ([], "")


def test_a_claim_that_the_platform_decided_names_its_deadline_when_it_has_ended() -> None:
    case = claim()
    settle(case, "48h")
    (told,) = case_record(case, after("49h")).missed
    assert (told.rule, told.at, told.order) == ("platform_decides", after("48h"), None)
