"""The anomaly warning's rule book, rule by rule and to the second."""

from datetime import timedelta

import pytest
from statemachine.exceptions import TransitionNotAllowed

from cases.anomaly_1688 import Anomaly, AnomalyCase, AnomalyPolicy, Worsening
from cases.case import SAMPLE_INSTANT
from statecharts.anomaly_1688 import Anomaly1688
from statecharts.chart import Snapshot, Step
from statecharts.rules import Party

T0 = SAMPLE_INSTANT
SECOND = timedelta(seconds=1)
H24, D10 = timedelta(hours=24), timedelta(days=10)
URGENT = [kind for kind in Anomaly if kind is not Anomaly.STALLED]
CLOSED = ["refunded", "reshipped", "reported", "recovered", "claim_expected", "watch_ended"]


def parcel(kind: Anomaly = Anomaly.LOST, policy: AnomalyPolicy | None = None) -> AnomalyCase:
    facts = AnomalyCase.samples()[0].facts.model_copy(update={"kind": kind})
    return AnomalyCase(facts=facts, policy=policy or AnomalyPolicy())


def chart(kind: Anomaly = Anomaly.LOST, state: str = "warned", policy: AnomalyPolicy | None = None) -> Anomaly1688:
    return Anomaly1688(parcel(kind, policy), T0, Snapshot({state: T0}))


def worsened(after: timedelta) -> Anomaly1688:
    """Return a stalled parcel that turned out to be lost, so long after the warning."""
    case = parcel(Anomaly.STALLED).apply("worsen", Worsening(kind=Anomaly.LOST), T0 + after)
    return Anomaly1688(case, T0 + after, Snapshot({"warned": T0}))


def effects(step: Step) -> list[str]:
    return [effect.name for effect in step.effects]


@pytest.mark.parametrize("kind", Anomaly)
def test_cl_11_every_warning_opens_in_warned_and_the_tasks_of_a_stalled_track_are_for_it_alone(kind: Anomaly) -> None:
    opened = Anomaly1688(parcel(kind), T0)
    owed = [effect for effect in opened.effects if not (effect.unless and getattr(opened.case, effect.unless))]

    assert opened.entered == {"warned": T0}
    assert [effect.name for effect in owed] == (["ask_carrier", "inform_buyer"] if kind is Anomaly.STALLED else [])


@pytest.mark.parametrize("kind", URGENT)
def test_cl_11_without_a_solution_a_claim_is_expected_at_24_00_00_not_before(kind: Anomaly) -> None:
    warning = chart(kind)
    assert warning.elapse(T0 + H24 - SECOND) == []

    [step] = warning.elapse(T0 + H24)

    assert (step.rule, step.at, step.clause, step.reached) == ("expect_claim", T0 + H24, "CL-11", ("claim_expected",))
    assert effects(step) == ["tell_of_claim", "tell_claim"]
    assert warning.closed


@pytest.mark.parametrize(
    ("rule", "to", "submitted"),
    [
        ("refund", "refunded", "refund_buyer"),
        ("replace_tracking", "reshipped", "update_tracking_number"),
        ("file_report", "reported", "file_anomaly_report"),
    ],
)
@pytest.mark.parametrize("kind", URGENT)
def test_cl_11_until_the_last_second_the_merchant_refunds_ships_again_or_reports(
    kind: Anomaly, rule: str, to: str, submitted: str
) -> None:
    warning = chart(kind)
    assert warning.elapse(T0 + H24 - SECOND) == []

    step = warning.step(rule, T0 + H24 - SECOND)

    assert (step.reached, step.clause, effects(step)) == ((to,), "CL-11", [submitted])
    assert step.effects[0].submits
    assert Anomaly1688.rules[rule].party is Party.MERCHANT


@pytest.mark.parametrize("rule", ["refund", "replace_tracking", "file_report", "tell_buyer"])
def test_cl_11_not_once_24_hours_have_passed(rule: str) -> None:
    warning = chart()
    warning.elapse(T0 + H24)

    with pytest.raises(TransitionNotAllowed):
        warning.step(rule, T0 + H24)


@pytest.mark.parametrize("rule", ["refund", "replace_tracking"])
def test_cl_11_a_stalled_parcel_is_neither_refunded_nor_shipped_again(rule: str) -> None:
    with pytest.raises(TransitionNotAllowed):
        chart(Anomaly.STALLED).step(rule, T0)


def test_cl_11_a_stalled_parcel_can_be_reported_when_the_buyer_cannot_be_reached() -> None:
    assert chart(Anomaly.STALLED).step("file_report", T0).reached == ("reported",)


def test_cl_11_a_stalled_track_has_no_24_hours_and_is_watched_for_10_days() -> None:
    warning = chart(Anomaly.STALLED)
    assert [deadline.rule for deadline in warning.deadlines()] == ["end_watch"]
    assert warning.elapse(T0 + D10 - SECOND) == []

    [step] = warning.elapse(T0 + D10)

    assert (step.rule, step.clause, step.reached, effects(step)) == ("end_watch", "CL-11", ("watch_ended",), [])


@pytest.mark.parametrize("rule", ["urge_carrier", "tell_buyer"])
@pytest.mark.parametrize("kind", Anomaly)
def test_cl_11_carrier_and_buyer_are_followed_up_as_often_as_wanted(kind: Anomaly, rule: str) -> None:
    warning = chart(kind)
    before = list(warning.deadlines())

    steps = [warning.step(rule, T0 + timedelta(hours=hour)) for hour in (1, 2)]

    assert [(step.reached, step.clause, step.effects) for step in steps] == [(("warned",), "CL-11", ())] * 2
    assert (list(warning.deadlines()), Anomaly1688.rules[rule].form) == (before, "follow_up")


def test_cl_11_the_tasks_of_a_stalled_track_end_with_their_rules_and_when_it_gets_worse() -> None:
    opened = Anomaly1688(parcel(Anomaly.STALLED), T0)

    assert {effect.name: effect.until for effect in opened.effects} == {
        "ask_carrier": ("urge_carrier", "worsen"),
        "inform_buyer": ("tell_buyer", "worsen"),
    }


@pytest.mark.parametrize("kind", Anomaly)
def test_cl_11_a_track_that_moves_ends_the_warning(kind: Anomaly) -> None:
    step = chart(kind).step("track_moves", T0)

    assert (step.reached, step.clause, step.effects) == (("recovered",), "CL-11", ())
    assert Anomaly1688.rules["track_moves"].party is Party.PLATFORM


def test_cl_11_a_stalled_parcel_that_gets_worse_stays_and_the_operator_is_told() -> None:
    step = chart(Anomaly.STALLED).step("worsen", T0 + timedelta(days=4))

    assert (step.reached, step.clause, effects(step)) == (("warned",), "CL-11", ["tell_of_worsening"])
    assert (Anomaly1688.rules["worsen"].party, Anomaly1688.rules["worsen"].form) == (Party.PLATFORM, "worsening")


@pytest.mark.parametrize("kind", URGENT)
def test_cl_11_only_a_stalled_parcel_gets_worse(kind: Anomaly) -> None:
    with pytest.raises(TransitionNotAllowed):
        chart(kind).step("worsen", T0)


@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=4), D10 - SECOND])
def test_cl_11_the_24_hours_run_from_the_worsening_and_the_watch_is_over(after: timedelta) -> None:
    warning = worsened(after)
    assert [deadline.rule for deadline in warning.deadlines()] == ["expect_claim"]
    assert warning.elapse(T0 + after + H24 - SECOND) == []

    [step] = warning.elapse(T0 + after + H24)

    assert (step.rule, step.at, step.reached) == ("expect_claim", T0 + after + H24, ("claim_expected",))


@pytest.mark.parametrize("rule", ["refund", "replace_tracking", "file_report"])
def test_cl_11_a_parcel_that_got_worse_is_solved_like_any_other(rule: str) -> None:
    assert worsened(H24).step(rule, T0 + H24).reached[0] in CLOSED
    with pytest.raises(TransitionNotAllowed):
        worsened(H24).step("worsen", T0 + H24)


@pytest.mark.parametrize("state", CLOSED)
def test_a_closed_warning_takes_nothing_more(state: str) -> None:
    assert chart(state=state).closed
    assert chart(state=state).open_rules(*Party) == []


def test_g_5_only_the_24_hours_are_the_merchants_and_no_clock_is_the_platforms() -> None:
    clocks = Anomaly1688.clocks()

    assert {name for name, clock in clocks.items() if clock.of is Party.MERCHANT} == {"expect_claim"}
    assert [name for name, clock in clocks.items() if clock.resolved_by_platform] == []


def test_g_9_the_clocks_run_by_the_figures_of_the_pinned_policy() -> None:
    policy = AnomalyPolicy.resolve({"handling": "12h", "watching": "3d"})

    assert [deadline.due for deadline in chart(policy=policy).deadlines()] == [T0 + timedelta(hours=12)]
    assert [deadline.due for deadline in chart(Anomaly.STALLED, policy=policy).deadlines()] == [T0 + timedelta(days=3)]
