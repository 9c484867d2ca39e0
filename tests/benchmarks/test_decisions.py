"""The cost of a case beside many open ones is compared turn by turn with that beside few."""

import pytest

from benchmarks.decisions import FLAT, Costs, WayAtSize, costs_in_words, judged

WAITS = {500: WayAtSize(waits_ms=[30.0]), 20_000: WayAtSize(waits_ms=[50.0])}
QUEUED = {"openings": 10_000, "p99_ms": 500.0}


def costs(many: list[float], few: list[float]) -> Costs:
    """Return costs of which the server's share is a half."""
    return {
        name: {"worker_ms": [ms / 2 for ms in of], "server_ms": [ms / 2 for ms in of]}
        for name, of in (("many", many), ("few", few))
    }


def verdict(many: list[float], few: list[float]) -> tuple[str, bool]:
    *_, (_, value, met) = judged(WAITS, QUEUED, costs(many, few))
    return value, met


def test_a_machine_that_becomes_slower_changes_nothing() -> None:
    assert verdict([100.0, 200.0, 400.0], [100.0, 200.0, 400.0]) == ("1", True)


@pytest.mark.parametrize(
    ("ratio", "met"), [(1 + FLAT - 0.01, True), (1 + FLAT + 0.01, False), (1 - FLAT - 0.01, False)]
)
def test_a_tenth_more_or_less_is_as_much_as_may_be(ratio: float, met: bool) -> None:  # noqa: FBT001
    assert verdict([100 * ratio] * 3, [100.0] * 3) == (f"{ratio:.2f}", met)


def test_one_turn_that_was_disturbed_does_not_decide() -> None:
    assert verdict([100.0, 100.0, 300.0], [100.0] * 3) == ("1 (1.00-3.00)", True)


def test_what_worker_and_server_took_is_told_apart() -> None:
    assert costs_in_words(costs([120.0], [100.0])) == (
        "CPU of a case beside the most open cases and beside the fewest, in turns: "
        "worker 60 ms and 50 ms; server 60 ms and 50 ms."
    )
