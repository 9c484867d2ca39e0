"""Which of the inputs that arrived together is handled next (G-11)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflows.engine.arrivals import MESSAGES_AT_ONCE, Arrivals, Turn
from workflows.engine.reports import SKEW
from workflows.engine.sender import InputSender

NOON = datetime(2026, 12, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def given(at: datetime | None) -> InputSender:
    return InputSender(way="message", at=at)


def turn(at: datetime | None, rule: str | None = "agree", *, held_up: bool = False) -> Turn:
    return Turn(at, rule, lambda: held_up)


def waiting(*messages: tuple[Any, datetime | None], again: bool = True) -> Arrivals:
    arrivals = Arrivals()
    for content, at in messages:
        arrivals.add(content, given(at), again=again)
    return arrivals


@pytest.mark.parametrize(
    ("at", "due"),
    [(NOON, 1), (NOON + SECOND, 0), (None, 1)],
    ids=["as the decision was given", "a second later", "nobody knows when"],
)
def test_a_message_waits_for_the_decision_that_was_given_before_it(at: datetime | None, due: int) -> None:
    arrivals, decision = waiting(({"rule": "modify"}, at)), turn(NOON)
    with arrivals.waiting(decision):
        assert arrivals.due() == due
        assert arrivals.is_turn_of(decision, 1) is (due == 0)
    assert arrivals.due() == 1


@pytest.mark.parametrize(
    ("rule", "at", "due"),
    [
        ("agree", NOON - SKEW, 1),
        ("agree", NOON - SKEW + SECOND, 0),
        ("modify", NOON - SECOND, 1),
    ],
    ids=["too early to confirm it", "it confirms it", "it tells of something else"],
)
def test_what_confirms_a_decision_comes_after_it_whatever_the_clocks_say(rule: str, at: datetime, due: int) -> None:
    arrivals = waiting(({"rule": rule}, at))
    with arrivals.waiting(turn(NOON)):
        assert arrivals.due() == due


def test_a_decision_that_waits_for_a_later_message_gets_it() -> None:
    arrivals, decision = waiting(({"rule": "modify"}, NOON + SECOND)), turn(NOON, held_up=True)
    with arrivals.waiting(decision):
        assert arrivals.due() == 1
        assert not arrivals.is_turn_of(decision, 0)


@pytest.mark.parametrize("again", [True, False], ids=["after a reset", "as they come"])
def test_decisions_have_their_turn_as_they_were_given_if_a_reset_gives_them_again(*, again: bool) -> None:
    arrivals, later, earlier = Arrivals(), turn(NOON + SECOND if again else None), turn(NOON if again else None)
    with arrivals.waiting(later), arrivals.waiting(earlier):
        assert arrivals.is_turn_of(earlier, 0) is again
        assert arrivals.is_turn_of(later, 0) is not again
    assert not arrivals


def test_a_message_that_bears_no_instant_keeps_its_place_among_the_others() -> None:
    arrivals = waiting(({}, None), ({}, NOON), ("unreadable", None), ({}, NOON + SECOND), ({}, NOON - SECOND))
    with arrivals.waiting(turn(NOON)):
        assert arrivals.due() == 3
        assert [message.at for message in arrivals.take(3)] == [None, NOON, NOON]
        assert arrivals.due() == 0


def test_what_no_reset_gives_again_comes_as_it_arrived_whatever_its_instant() -> None:
    arrivals, decision = waiting(({"rule": "modify"}, NOON + SECOND), again=False), turn(NOON)
    with arrivals.waiting(decision):
        assert arrivals.due() == 1
        assert not arrivals.is_turn_of(decision, 1)
        arrivals.take(1)
        assert arrivals.is_turn_of(decision, 1)


def test_a_decision_that_was_not_given_before_waits_for_the_messages_that_had_arrived() -> None:
    arrivals = waiting(*[({}, None)] * (MESSAGES_AT_ONCE + 1))
    assert len(arrivals.take(arrivals.due())) == MESSAGES_AT_ONCE
    assert not arrivals.is_turn_of(None, MESSAGES_AT_ONCE + 1)
    arrivals.take(1)
    assert arrivals.is_turn_of(None, MESSAGES_AT_ONCE + 1)
