"""The claim's rule book, clause by clause and to the second."""

from datetime import timedelta

import pytest
from statemachine.exceptions import TransitionNotAllowed

from cases.case import SAMPLE_INSTANT
from cases.claim_1688 import ClaimCase, ClaimFacts, ClaimPolicy, ClaimStatus, OpenedBy, Violation
from statecharts.chart import Snapshot, Step
from statecharts.claim_1688 import Claim1688
from statecharts.rules import Party

T0 = SAMPLE_INSTANT
SECOND = timedelta(seconds=1)
H48 = timedelta(hours=48)
OPEN = ["processing", "appealed"]
CLOSED = ["compensated", "established", "dismissed", "buyer_withdrew"]
PAYING = [("pay_compensation", "CL-3")]


def facts(**changed: object) -> ClaimFacts:
    return ClaimCase.samples()[0].facts.model_copy(update=changed)


def chart(state: str = "processing", policy: ClaimPolicy | None = None, **changed: object) -> Claim1688:
    return Claim1688(ClaimCase(facts=facts(**changed), policy=policy or ClaimPolicy()), T0, Snapshot({state: T0}))


def performs(step: Step) -> list[str]:
    return [effect.name for effect in step.effects if not effect.is_ledger_entry]


def books(step: Step) -> list[tuple[str, str | None]]:
    return [(effect.name, effect.clause) for effect in step.effects if effect.is_ledger_entry]


@pytest.mark.parametrize("violation", Violation)
@pytest.mark.parametrize("opened_by", OpenedBy)
@pytest.mark.parametrize("trade_closed", [True, False])
def test_cl_1_cl_4_cl_7_every_claim_opens_in_processing(
    violation: Violation, opened_by: OpenedBy, trade_closed: object
) -> None:
    case = ClaimCase(facts=facts(violation=violation, opened_by=opened_by, trade_closed=trade_closed))
    opened = Claim1688(case, T0)

    assert opened.elapse(T0) == []
    assert opened.entered == {"processing": T0}
    assert opened.effects == []


@pytest.mark.parametrize("violation", Violation)
def test_cl_1_a_claim_that_the_platform_approved_at_once_is_closed_with_its_compensation(violation: Violation) -> None:
    opened = Claim1688(ClaimCase(facts=facts(violation=violation, status=ClaimStatus.ESTABLISHED)), T0)

    [step] = opened.elapse(T0)

    assert (step.rule, step.at, step.clause, step.reached) == ("approve_at_once", T0, "CL-1", ("established",))
    assert (books(step), performs(step), opened.closed) == (PAYING, [], True)


def test_cl_1_a_claim_of_the_first_edition_waits_for_48_hours_as_before() -> None:
    case = ClaimCase(facts=facts(status=ClaimStatus.ESTABLISHED), edition="2026-11-26")

    assert [step.rule for step in Claim1688(case, T0).elapse(T0 + H48)] == ["platform_decides"]


def test_cl_1_cl_3_agreeing_takes_the_money_from_the_deposit() -> None:
    step = chart().step("agree", T0)

    assert books(step) == PAYING
    assert "保证金" in step.effects[-1].label


def test_cl_4_the_merchant_may_agree_or_appeal_until_the_last_second() -> None:
    claim = chart()

    assert claim.elapse(T0 + H48 - SECOND) == []
    assert claim.open_rules(Party.MERCHANT) == ["agree", "appeal"]
    step = claim.step("agree", T0 + H48 - SECOND)
    assert (step.reached, step.clause, performs(step)) == (("compensated",), "CL-4", ["agree_to_pay"])


def test_cl_4_the_48_hours_run_from_the_end_of_a_pause_to_the_second() -> None:
    pause = timedelta(days=7)
    claim = chart(policy=ClaimPolicy.resolve({"paused_until": (T0 + pause).isoformat()}))

    assert claim.elapse(T0 + pause + H48 - SECOND) == []
    assert claim.open_rules(Party.MERCHANT) == ["agree", "appeal"]
    assert [step.at for step in claim.elapse(T0 + pause + H48)] == [T0 + pause + H48]


@pytest.mark.parametrize("rule", ["agree", "appeal"])
def test_cl_4_not_once_48_hours_have_passed(rule: str) -> None:
    claim = chart()
    claim.elapse(T0 + H48)

    with pytest.raises(TransitionNotAllowed):
        claim.step(rule, T0 + H48)


def test_cl_5_an_appeal_is_counted_in_the_ledger() -> None:
    step = chart().step("appeal", T0)

    assert books(step) == [("count_intervention", "CL-5")]
    assert performs(step) == ["file_appeal"]


def test_cl_5_only_an_appeal_is_counted() -> None:
    others = [chart(state).step(rule, T0) for state in OPEN for rule in chart(state).open_rules(*Party)]

    assert [step.rule for step in others if ("count_intervention", "CL-5") in books(step)] == ["appeal"]


@pytest.mark.parametrize("state", OPEN)
def test_cl_6_the_buyer_can_withdraw_and_nothing_is_paid(state: str) -> None:
    step = chart(state).step("withdraw", T0)

    assert (step.reached, step.clause, step.effects) == (("buyer_withdrew",), "CL-6", ())
    assert Claim1688.rules["withdraw"].party is Party.BUYER


@pytest.mark.parametrize("state", OPEN)
def test_cl_7_a_closed_trade_ends_nothing_and_leaves_the_clock_running(state: str) -> None:
    claim = chart(state)
    before = list(claim.deadlines())

    step = claim.step("close_trade", T0 + timedelta(hours=5))

    assert (step.reached, step.clause, step.effects) == ((state,), "CL-7", ())
    assert claim.entered == {state: T0}
    assert list(claim.deadlines()) == before
    assert Claim1688.rules["close_trade"].form == "trade_closure"


def test_cl_8_a_claim_that_stands_is_judged_by_the_system_and_paid() -> None:
    [silent] = chart().elapse(T0 + H48)
    upheld = chart("appealed").step("uphold", T0)

    assert silent.reached == upheld.reached == ("established",)
    assert books(silent) == books(upheld) == PAYING
    assert performs(silent) == performs(upheld) == []
    assert Claim1688.states_map["established"].name == "系统判定成立"


def test_cl_9_nothing_happens_in_47_59_59_and_the_platform_decides_at_48_00_00() -> None:
    claim = chart()

    assert claim.elapse(T0 + H48 - SECOND) == []
    assert [(step.rule, step.at, step.clause, step.reached) for step in claim.elapse(T0 + H48)] == [
        ("platform_decides", T0 + H48, "CL-9", ("established",))
    ]
    assert claim.closed


def test_cl_9_g_1_the_clock_is_the_merchants_and_run_by_the_platform() -> None:
    clock = Claim1688.clocks()["platform_decides"]

    assert (clock.of, clock.resolved_by_platform) == (Party.MERCHANT, True)


def test_cl_10_an_appeal_asks_for_reason_and_evidence_and_stops_the_clock() -> None:
    claim = chart()

    step = claim.step("appeal", T0 + H48 - SECOND)

    assert (step.reached, step.clause, Claim1688.rules["appeal"].form) == (("appealed",), "CL-10", "appeal")
    assert list(claim.deadlines()) == []
    assert claim.elapse(T0 + timedelta(days=3650)) == []


def test_cl_10_evidence_can_be_added_as_often_as_wanted_while_it_is_under_review() -> None:
    claim = chart("appealed")

    steps = [claim.step("add_evidence", T0 + timedelta(hours=hour)) for hour in (1, 2)]

    assert [(step.reached, step.clause, performs(step), books(step)) for step in steps] == [
        (("appealed",), "CL-10", ["submit_evidence"], [])
    ] * 2


@pytest.mark.parametrize(("rule", "to", "entered"), [("uphold", "established", PAYING), ("overturn", "dismissed", [])])
def test_cl_10_the_platforms_ruling_ends_the_appeal(rule: str, to: str, entered: list[tuple[str, str | None]]) -> None:
    step = chart("appealed").step(rule, T0)

    assert (step.reached, step.clause, books(step)) == ((to,), "CL-10", entered)
    assert Claim1688.rules[rule].party is Party.PLATFORM


def test_cl_10_before_an_appeal_there_is_nothing_to_add_evidence_to() -> None:
    with pytest.raises(TransitionNotAllowed):
        chart().step("add_evidence", T0)


@pytest.mark.parametrize(("rule", "to"), [("uphold", "established"), ("overturn", "dismissed")])
def test_cl_9_without_an_answer_the_platform_may_rule_either_way(rule: str, to: str) -> None:
    step = chart().step(rule, T0)
    assert (step.reached, step.clause) == ((to,), "CL-9")


@pytest.mark.parametrize("rule", ["agree", "appeal"])
def test_cl_10_an_appeal_cannot_be_taken_back_or_made_twice(rule: str) -> None:
    with pytest.raises(TransitionNotAllowed):
        chart("appealed").step(rule, T0)


@pytest.mark.parametrize("state", CLOSED)
def test_a_closed_claim_takes_nothing_more(state: str) -> None:
    assert chart(state).closed
    assert chart(state).open_rules(*Party) == []


def test_g_9_the_clock_runs_by_the_figure_of_the_pinned_policy() -> None:
    claim = chart(policy=ClaimPolicy.resolve({"answering": "24h"}))

    assert claim.elapse(T0 + timedelta(hours=24) - SECOND) == []
    assert [step.rule for step in claim.elapse(T0 + timedelta(hours=24))] == ["platform_decides"]
