"""The outcome of a case: derived from its timeline, and recorded once before the workflow ends."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from temporalio.testing import WorkflowEnvironment

from cases.errors import LedgerUnreachable
from cases.ledger import CaseOutcome
from cases.messages import EffectOutcome, ExpiryOutcome, Opening
from tests.support.processes.claims import APPEAL
from tests.support.processes.splits import split_facts
from tests.support.rules.machines import OPENED, REFUSAL, SHIPMENT, PromptMachine, after, claim, machine, report, settle
from tests.support.rules.stage import Scene
from tests.support.temporal.life import Open
from tests.workflows.test_case_continue_as_new import fill, short_of_history  # noqa: F401 - a fixture
from workflows.engine.machine import CaseMachine
from workflows.engine.notifications import outcome
from workflows.registry import PROCESSES


def outcome_of(of: CaseMachine) -> tuple[Any, ...]:
    """State, who decided, whether in time, clocks that ran out, what was lost."""
    assert of.closed
    ended = outcome(of, after("1h"))
    return ended.state, ended.decided_by, ended.decided_before_deadline, ended.clocks_run_out, str(ended.lost)


def test_an_outcome_says_whose_case_it_was_and_when_it_opened_and_closed() -> None:
    case = claim()
    case.decide("agree", {}, after("3h"))
    assert outcome(case, after("1h")) == CaseOutcome(
        case_id="claim_1688/C1",
        process="claim_1688",
        shop_id="S1",
        order="O1",
        opened_at=OPENED,
        closed_at=after("3h"),
        state="compensated",
        state_label="已同意赔付",
        decided_by="merchant",
        decided_before_deadline=True,
        clocks_run_out=0,
        lost=Decimal("10.00"),
    )


def test_a_case_whose_facts_say_no_instant_opened_when_its_workflow_began() -> None:
    process = PROCESSES["anxinjian_split"]
    case = PromptMachine(process, "anxinjian_split/I1", process.open_case(Opening(facts=split_facts())), now=OPENED)
    case.state.timeline.clear()
    case.state.snapshot = type(case.state.snapshot)(entered={"settled": after("5h")})
    assert (outcome(case, after("1h")).opened_at, outcome(case, after("1h")).closed_at) == (after("1h"), after("5h"))


def test_an_appeal_that_the_platform_rules_on_was_decided_in_time() -> None:
    case = claim()
    case.decide("appeal", APPEAL, after("40h"))
    report(case, "90h", rule="overturn")
    assert outcome_of(case) == ("dismissed", "platform", True, 0, "0.00")


def test_silence_until_the_platform_decides_was_not_in_time() -> None:
    case = claim()
    settle(case, "48h")
    assert outcome_of(case) == ("established", "clock", False, 1, "10.00")


def test_what_the_platform_says_of_a_clock_of_ours_that_ran_out_was_not_in_time() -> None:
    case = claim()
    settle(case, "48h", ExpiryOutcome(rule="overturn"))
    assert outcome_of(case) == ("dismissed", "platform", False, 0, "0.00")


def test_a_buyer_who_withdraws_first_leaves_nothing_to_decide() -> None:
    case = claim()
    report(case, "5h", rule="withdraw")
    assert outcome_of(case) == ("buyer_withdrew", "buyer", None, 0, "0.00")


def test_a_default_decision_is_in_time_and_is_told_as_one() -> None:
    case = claim({"default_decision": "agree"})
    case.advance(after("47h30m"))
    case.take(case.state.submissions[0].serial, EffectOutcome(), after("47h30m"))
    assert outcome_of(case) == ("compensated", "default", True, 0, "10.00")


def test_a_clock_of_the_buyers_counts_as_run_out_and_is_not_ours() -> None:
    case = machine("other")
    case.decide("refuse", REFUSAL, after("1h"))
    settle(case, "49h")
    assert outcome_of(case) == ("lapsed", "clock", True, 1, "0.00")


def test_one_missed_deadline_of_several_is_not_in_time() -> None:
    case = machine()
    case.decide("agree", {}, after("1h"))
    settle(case, "49h")
    assert outcome_of(case) == ("refunded", "clock", False, 1, "3.00")


def test_agreed_shipped_and_signed_in_time() -> None:
    case = machine()
    case.decide("agree", {}, after("1h"))
    case.decide("ship", SHIPMENT, after("2h"))
    report(case, "30h", rule="sign")
    ended = outcome_of(case)
    assert (ended[0], ended[2:]) == ("completed", (True, 0, "0.00"))


def test_what_the_rule_book_judges_at_once_is_nobodys_decision() -> None:
    case = machine(received_at=(OPENED - timedelta(days=16)).isoformat())
    case.advance(OPENED)
    assert outcome_of(case) == ("ineligible", "clock", None, 0, "0.00")


async def test_an_outcome_is_recorded_and_told_once_with_all_its_entries(open_case: Open) -> None:
    life = await open_case()
    await life.pass_time("5d")
    await life.until_closed()
    await life.until_recorded("refunded")
    await life.pass_time("7d")
    await life.until_over()
    missed, closing = life.scene.records  # nothing else was to be recorded before the end, and nothing after it
    assert ([one.rule for one in missed.missed], missed.outcome) == (["auto_agree"], None)
    assert closing.outcome is not None
    assert (closing.outcome.case_id, closing.outcome.state, closing.outcome.lost) == (
        life.id,
        "refunded",
        Decimal("3.00"),
    )
    assert sorted(entry.clause for entry in closing.entries) == ["DR-10", "DR-11"]
    assert life.scene.endings == [closing.outcome]
    assert [(fact.process, fact.order, fact.rule) for fact in life.scene.told] == [("douyin_shipment", "O1", "refund")]
    assert [question.rule for question in life.scene.questions] == ["auto_agree", "miss_shipment"]


async def test_an_outcome_waits_for_a_ledger_that_is_away_and_nothing_disturbs_it(open_case: Open) -> None:
    life = await open_case(scene=Scene(fails={"ledger": LedgerUnreachable("away")}))
    await life.report(message_id="m1", rule="withdraw")
    await life.until("closed", lambda seen: seen["status"] == "closed")
    await life.report(message_id="m2", rule="sign")
    await life.handle.cancel()
    await life.pass_time("2h")
    assert (life.scene.outcomes, life.scene.endings) == ([], [])
    life.scene.fails.clear()
    await life.pass_time("20m")
    await life.until_over()
    assert (await life.view())["state"] == ["withdrawn"]
    assert [record.outcome and record.outcome.state for record in life.scene.records] == ["withdrawn"]
    assert [ending.state for ending in life.scene.endings] == ["withdrawn"]


async def test_a_case_that_went_on_in_a_new_run_is_recorded_once(
    short_of_history: WorkflowEnvironment,  # noqa: F811
    opening: Open,
) -> None:
    life = await opening(of=short_of_history)
    await fill(life)
    await life.report(message_id="m9", rule="withdraw")
    await life.until_over()
    (ended,) = life.scene.outcomes
    assert life.scene.endings == [ended]
    assert (ended.state, ended.opened_at) == ("withdrawn", datetime.fromisoformat(str(life.opened)))
    assert len(await life.histories()) > 1


def test_dr_11_a_loss_of_unknown_amount_is_no_loss_of_nothing() -> None:
    case = machine("other")
    case.decide("agree", {}, after("1h"))
    settle(case, "49h")
    report(case, "50h", rule="withdraw")
    ended = outcome(case, after("1h"))
    assert (ended.lost, ended.unknown_losses) == (Decimal("3.00"), 1)
    case.state.ledger = [entry for entry in case.state.ledger if entry.clause == "DR-11"]
    ended = outcome(case, after("1h"))
    assert (ended.lost, ended.unknown_losses) == (None, 1)
