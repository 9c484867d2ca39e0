"""What the ledger is told of a case: all of it as of now, whenever there is something new."""

from aftersales.ledger.in_memory import InMemoryLedger
from cases.messages import EffectOutcome, ExpiryOutcome
from tests.support.processes.delays import Delay
from tests.support.processes.jd_shipments import Watch
from tests.support.rules.machines import PromptMachine, after, machine, report
from workflows.engine.case_record import case_record, fingerprint
from workflows.engine.sender import InputSender
from workflows.engine.situation import CaseSituation


def refunded() -> PromptMachine:
    case = machine()
    for offset in ("48h", "96h"):
        case.advance(after(offset))
        case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(), after(offset))
    return case


def test_g_13_only_decisions_that_counted_are_recorded_from_when_they_counted_and_with_who_took_them() -> None:
    case = machine()
    sender = InputSender(name="li", way="command")
    refused = case.submit("agree", None, after("1h"), key="u1", sender=sender)
    case.refuse(refused.serial, "PlatformRefused: 已关闭", after("1h"), tell=False)
    given = case.submit("agree", None, after("2h"), key="u2", sender=sender)
    assert case_record(case, after("2h")).decisions == ()
    case.take(given.serial, EffectOutcome(), after("3h"))
    (recorded,) = case_record(case, after("3h")).decisions
    assert (recorded.key, recorded.rule, recorded.at, recorded.party, recorded.actor, recorded.way) == (
        "u2",
        "agree",
        after("3h"),
        "merchant",
        "li",
        "command",
    )


def test_an_open_case_without_entries_has_nothing_to_record() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    assert fingerprint(case) == ""


def test_sl_1_the_record_of_a_case_that_ended_has_its_entries_and_its_outcome() -> None:
    record = case_record(refunded(), after("97h"))
    assert record.outcome is not None
    assert (record.outcome.state, record.as_of) == ("refunded", after("97h"))
    assert [entry.clause for entry in record.entries] == ["DR-10", "DR-11"]


def test_g_11_a_fact_that_ends_the_case_otherwise_is_recorded_anew() -> None:
    case = refunded()
    before = fingerprint(case)
    case.mark_recorded(before, after("96h"))
    report(case, "97h", rule="withdraw", occurred_at="50h")
    assert fingerprint(case) not in ("", before)
    record = case_record(case, after("97h"))
    assert record.outcome is not None
    assert (record.outcome.state, record.entries) == ("withdrawn", ())


def test_g_11_the_same_end_at_another_instant_is_recorded_anew() -> None:
    earlier, later = machine(), machine()
    report(earlier, "2h", rule="withdraw", occurred_at="1h")
    report(later, "2h", rule="withdraw")
    assert fingerprint(earlier) != fingerprint(later)


def statuses(*cases: CaseSituation) -> list[tuple[str, str]]:
    """Record cases; return the ledger's entries by clause, with what has become of them."""
    ledger = InMemoryLedger()
    for case in cases:
        ledger.record(case_record(case, after("200h")))
    return [(entry.clause, entry.status) for entry in ledger.entries()]


def test_jd_14_an_approval_takes_back_the_late_order_that_a_watch_saw_which_has_ended() -> None:
    watch = Watch().uploaded("1h").told("60h", "pick_up")
    card = Delay(promised_ship_at="300h", sent_at="30h")
    assert (watch.machine.closed, statuses(watch.machine, card.machine)) == (True, [("JD-10", "expected")])

    card.act("70h", "accept")

    assert statuses(watch.machine, card.machine) == [("JD-10", "reversed")]


def test_jd_14_an_exemption_takes_back_the_late_order_that_a_card_saw() -> None:
    card = Delay(promised_ship_at="20h", sent_at="0s").until("30h")
    watch = Watch().exempted("40h", by="phone_cancel")

    assert statuses(card.machine) == [("JD-14", "expected")]
    assert statuses(card.machine, watch.machine) == [("JD-14", "reversed")]


def test_jd_14_an_approval_whose_own_time_has_passed_leaves_the_order_late_in_the_ledger_too() -> None:
    watch = Watch().exempted("70h", until="60h").until("71h")

    assert statuses(watch.machine) == [("JD-10", "expected")]


def test_however_often_an_order_is_exempt_one_taking_back_is_kept() -> None:
    watch = Watch().until("25h")
    for hours in range(26, 40):
        watch.exempted(f"{hours}h", until=f"{hours + 10}h")

    assert [undone.at for undone in watch.machine.state.undone_across] == [after("39h")]
