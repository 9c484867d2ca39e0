"""The advance report's rule book, clause by clause and to the second."""

from datetime import timedelta
from typing import Any

import pytest

from cases.errors import BadForm, Refused
from cases.ledger import BegunIn
from statecharts.analysis.rulebook_rows import effects_of
from statecharts.chart import Snapshot
from statecharts.jd_advance_report import JdAdvanceReport
from statecharts.rules import Party, Telling
from tests.support.processes.advance_reports import OPEN_STATES, PROOF, SECOND, Advance, advance_in, after
from workflows.engine import decisions

NONE = timedelta(0)


def actions(of: Advance, offset: str) -> set[str]:
    """Return what the operator may do at an instant."""
    return set(decisions.orders_by_rule(decisions.allowed(of.machine, after(offset))))


def test_jd_7_a_report_is_filed_by_the_operator_with_evidence() -> None:
    filed = Advance().filed("1h")

    assert (filed.state, filed.submitted, filed.clauses) == ("under_review", ["file_report"], {"file": "JD-7"})
    with pytest.raises(BadForm, match="evidence"):
        Advance().act("1h", "file", {"evidence": []})


@pytest.mark.parametrize("form", [None, {}, {"evidence": [{"kind": "video", "url": "https://e"}]}])
def test_jd_7_a_report_without_fitting_evidence_is_not_filed(form: dict[str, Any] | None) -> None:
    report = Advance()

    with pytest.raises(BadForm, match="evidence"):
        report.act("1h", "file", form)
    assert report.state == "drafted"


def test_jd_7_a_report_is_filed_from_7_days_before_the_period_not_earlier() -> None:
    report = Advance(begins_at="10d", ends_at="12d")

    with pytest.raises(Refused, match=r"「预报备提前期」01-08 09:00\(上海时间\) 起才可 / opens then"):
        report.filed("3d", by=-SECOND)
    assert report.state == "drafted"
    assert report.filed("3d").state == "under_review"


def test_jd_7_how_early_a_report_is_filed_is_a_figure_of_the_shop() -> None:
    report = Advance(policy={"filing_ahead": "3d"}, begins_at="10d", ends_at="12d")

    with pytest.raises(Refused):
        report.filed("7d", by=-SECOND)
    assert report.filed("7d").state == "under_review"


@pytest.mark.parametrize("offset", ["48h", "100h"])
def test_jd_7_a_report_is_filed_while_the_period_runs(offset: str) -> None:
    assert Advance().filed(offset).state == "under_review"


def test_jd_7_a_report_is_filed_in_the_last_second_of_the_period_not_at_its_end() -> None:
    assert Advance().filed("120h", by=-SECOND).state == "under_review"
    with pytest.raises(Refused):  # it has lapsed
        Advance().filed("120h")


def test_jd_7_a_report_refused_is_filed_again_in_the_same_window() -> None:
    assert advance_in("refused").filed("120h", by=-SECOND).state == "under_review"
    with pytest.raises(Refused):
        advance_in("refused").filed("120h")


@pytest.mark.parametrize("state", ["under_review", "approved", "in_force"])
def test_jd_7_a_report_is_filed_from_no_other_state(state: str) -> None:
    report = advance_in(state)

    with pytest.raises(Refused):
        report.filed("50h")


@pytest.mark.parametrize(
    ("offset", "by", "state"),
    [
        ("48h", -SECOND, "approved"),
        ("48h", NONE, "in_force"),
        ("120h", -SECOND, "in_force"),
        ("120h", NONE, "ended"),
        ("30d", NONE, "ended"),
    ],
)
def test_jd_7_approval_leads_where_the_time_is(offset: str, by: timedelta, state: str) -> None:
    report = advance_in("under_review").report(offset, "approve", by=by)

    assert (report.state, report.clauses["approve"]) == (state, "JD-7")
    assert report.machine.closed == (state == "ended")


def test_jd_7_an_approval_counts_when_it_was_given_not_when_it_was_told() -> None:
    report = advance_in("under_review").report("60h", "approve", occurred_at="40h")

    assert report.state == "in_force"
    assert report.fired[-2:] == [("approve", after("40h")), ("begin", after("48h"))]


def test_jd_7_the_platform_refuses_with_a_reason() -> None:
    refused = advance_in("refused")

    assert refused.clauses["refuse"] == "JD-7"
    assert JdAdvanceReport.rules["approve"].party is JdAdvanceReport.rules["refuse"].party is Party.PLATFORM


def test_jd_7_the_period_begins_and_ends_to_the_second() -> None:
    report = advance_in("approved")
    assert report.clocks == {"begin": after("48h")}

    assert report.until("48h", by=-SECOND).state == "approved"
    assert report.until("48h").state == "in_force"
    assert report.clocks == {"end": after("120h")}
    assert report.until("120h", by=-SECOND).state == "in_force"
    assert report.until("120h").state == "ended"
    assert report.fired[-2:] == [("begin", after("48h")), ("end", after("120h"))]
    assert report.machine.closed


@pytest.mark.parametrize("state", ["drafted", "refused"])
def test_jd_7_a_report_that_was_not_filed_lapses_at_the_end_of_the_period(state: str) -> None:
    report = advance_in(state)
    assert report.clocks["lapse"] == after("120h")

    assert report.until("120h", by=-SECOND).state == state
    report.until("120h")

    assert (report.state, report.fired[-1], report.clauses["lapse"]) == ("lapsed", ("lapse", after("120h")), "JD-7")
    assert report.machine.closed


def test_jd_7_a_period_that_is_over_when_the_case_opens_lapses_at_once() -> None:
    assert Advance(begins_at="-72h", ends_at="-1h").until("0s").state == "lapsed"


def test_jd_7_a_review_under_way_goes_on_after_the_period() -> None:
    report = advance_in("under_review").until("300d")

    assert (report.state, report.clocks) == ("under_review", {})


def test_jd_4_a_review_over_24_hours_is_escalated_at_25_00_00_not_before_and_stays_pending() -> None:
    report = advance_in("under_review").until("25h", by=-SECOND)
    assert "review_overdue" not in report.clauses

    report.until("25h")

    assert (report.state, report.fired[-1]) == ("under_review", ("review_overdue", after("25h")))
    assert (report.clauses["review_overdue"], report.pending) == ("JD-4", ["escalate_review"])


def test_jd_4_it_is_escalated_once_and_never_taken_as_approved() -> None:
    report = advance_in("under_review").until("300d")

    assert [rule for rule, _ in report.fired].count("review_overdue") == 1
    assert report.state == "under_review"


def test_jd_4_a_new_filing_is_escalated_anew() -> None:
    report = advance_in("under_review").report("30h", "refuse", form={"reason": "凭证不清晰"}).filed("40h").until("64h")

    assert [at for rule, at in report.fired if rule == "review_overdue"] == [after("25h"), after("64h")]


@pytest.mark.parametrize("rule", ["approve", "refuse"])
def test_jd_4_an_overdue_review_can_still_be_decided_and_its_task_is_over(rule: str) -> None:
    report = advance_in("under_review").until("26h").report("47h", rule)

    assert report.state in ("approved", "refused")
    assert "escalate_review" not in report.pending


@pytest.mark.parametrize("state", ["drafted", "refused"])
def test_jd_7_a_report_that_is_not_with_the_platform_is_withdrawn_at_once(state: str) -> None:
    report = advance_in(state).act("3h", "withdraw_report")

    assert (report.state, "recall_report" in report.submitted, report.machine.closed) == ("withdrawn", False, True)


def test_jd_7_a_report_under_review_is_called_back_on_the_platform() -> None:
    report = advance_in("under_review").act("3h", "withdraw_report")

    assert (report.state, report.submitted) == ("withdrawn", ["file_report", "recall_report"])


@pytest.mark.parametrize("state", ["approved", "in_force"])
def test_jd_7_an_approved_report_is_not_withdrawn(state: str) -> None:
    report = advance_in(state)

    with pytest.raises(Refused):
        report.act("50h", "withdraw_report")


@pytest.mark.parametrize("offset", ["10h", "60h", "130h"])
def test_jd_7_an_approval_exempts_the_shipments_of_the_shop_whenever_it_comes(offset: str) -> None:
    case = advance_in("under_review").machine.case
    chart = JdAdvanceReport(case, after("1h"), Snapshot(entered={"under_review": after("1h")}))

    step = chart.step("approve", after(offset))

    assert [effect.telling for effect in step.effects] == [None, Telling("jd_shipment", "exempt", to_shop=True)]


@pytest.mark.parametrize("edition", ["2026-11-27", "2026-11-28"])
def test_jd_7_an_approval_takes_back_the_late_orders_of_its_period_in_cases_opened_since(edition: str) -> None:
    report = Advance()
    report.machine.case = report.machine._origin = report.machine.case.as_opened_with(edition)
    report.filed("1h").act("2h", "approve")

    undone = report.machine.state.undone_across
    if edition == "2026-11-27":
        assert undone == []
        return
    (back,) = undone
    assert (back.clauses, back.order, back.at) == (("JD-10", "JD-14"), None, after("2h"))
    assert back.begun_in == BegunIn(process="jd_shipment", begins_at=after("48h"), ends_at=after("120h"))


@pytest.mark.parametrize("rule", ["file", "refuse", "begin", "end", "lapse", "withdraw_report", "review_overdue"])
def test_jd_7_nothing_but_an_approval_exempts(rule: str) -> None:
    on = {action for _, move in JdAdvanceReport.rules[rule].steps() for action in effects_of(move)}

    assert not any(effect.telling for effect in on)


def test_g_5_the_operator_is_reminded_of_the_end_of_the_period_and_not_of_the_review() -> None:
    reminded = {name for name, clock in JdAdvanceReport.clocks().items() if clock.of is Party.MERCHANT}

    assert reminded == {"lapse"}


def test_g_1_no_clock_is_run_by_the_platform() -> None:
    assert not any(clock.resolved_by_platform for clock in JdAdvanceReport.clocks().values())


def test_g_9_the_review_runs_by_the_figure_of_the_pinned_policy() -> None:
    assert Advance(policy={"review": "2h"}).filed("1h").clocks["review_overdue"] == after("3h")


@pytest.mark.parametrize("state", OPEN_STATES)
def test_what_an_operator_may_do_in_a_state(state: str) -> None:
    allowed = {
        "drafted": {"file", "withdraw_report"},
        "under_review": {"withdraw_report"},
        "refused": {"file", "withdraw_report"},
        "approved": set(),
        "in_force": set(),
    }

    assert actions(advance_in(state), "50h") & {"file", "withdraw_report"} == allowed[state]


def test_jd_7_before_the_window_opens_filing_is_not_offered() -> None:
    report = Advance(begins_at="10d", ends_at="12d")

    assert "file" not in actions(report, "71h")
    assert "file" in actions(report, "72h")


def test_a_form_of_filing_has_no_more_than_evidence() -> None:
    with pytest.raises(BadForm, match="agreed_ship_at"):
        Advance().act("1h", "file", {**PROOF, "agreed_ship_at": after("9d").isoformat()})
