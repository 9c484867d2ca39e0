"""When a case's turn is, and what it was told before."""

from datetime import UTC, datetime, timedelta

import pytest

from aftersales.gateway.rounds import REPEATED_AFTER, ToldBefore, turn_comes
from cases.messages import Report

NOW = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
EVERY = timedelta(hours=2)


def story(*message_ids: str) -> list[Report]:
    return [Report(message_id=message_id, rule="scan") for message_id in message_ids]


@pytest.mark.parametrize("case_id", ["douyin_shipment/1", "douyin_shipment/2", "x"])
@pytest.mark.parametrize("minutes", [1, 10, 45])
def test_a_case_has_one_turn_in_every_round_whatever_the_run_covers(case_id: str, minutes: int) -> None:
    run = timedelta(minutes=minutes)
    runs = int(EVERY * 30 / run)
    turns = sum(turn_comes(case_id, EVERY, NOW + run * number, NOW + run * (number + 1)) for number in range(runs))
    assert turns in range(29, 32)


def test_after_an_outage_every_case_has_its_turn() -> None:
    assert all(turn_comes(f"c/{number}", EVERY, NOW, NOW + EVERY) for number in range(100))


def test_only_what_is_new_is_told_until_a_day_has_passed() -> None:
    told = ToldBefore()
    assert told.news("c/1", story("a", "b"), NOW) == story("a", "b")
    told.told("c/1", story("a", "b"), NOW)
    told.told("c/1", story("a", "b", "c"), NOW + EVERY)
    assert told.news("c/1", story("a", "b", "c", "d"), NOW + 2 * EVERY) == story("d")
    assert told.news("c/2", story("a"), NOW) == story("a")
    assert told.news("c/1", story("a"), NOW + REPEATED_AFTER - timedelta(seconds=1)) == []
    assert told.news("c/1", story("a"), NOW + REPEATED_AFTER) == story("a")


def test_the_cases_told_longest_ago_are_forgotten_first() -> None:
    told = ToldBefore(most=2)
    for case_id in ("c/1", "c/2", "c/1", "c/3"):
        told.told(case_id, story("a"), NOW)
    assert [told.news(case_id, story("a"), NOW) == [] for case_id in ("c/1", "c/2", "c/3")] == [True, False, True]
