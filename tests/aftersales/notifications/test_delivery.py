"""The bots' rate limits hold in every period of their length."""

import pytest

from aftersales.notifications.delivery import RATE_MARGIN, RATES, Rate, RateLimit


@pytest.mark.parametrize("rates", RATES.values())
def test_no_stretch_of_time_has_more_messages_than_the_bot_allows(rates: tuple[Rate, ...]) -> None:
    limit, gone, now = RateLimit(rates), list[float](), 0.0
    for number in range(300):
        now += 0.0 if number % 7 else 0.5  # they come in bursts
        at = now + limit.wait(now)
        limit.take(at)
        gone.append(at)

    assert gone == sorted(gone)
    for rate in rates:
        for first, beyond in zip(gone, gone[rate.messages :], strict=False):
            assert beyond - first >= rate.seconds


def test_as_many_as_are_allowed_go_at_once() -> None:
    limit = RateLimit((Rate(3, 60),))
    for _ in range(3):
        assert limit.wait(7.0) == 0
        limit.take(7.0)

    assert limit.wait(7.0) == 60 + RATE_MARGIN
    assert limit.wait(67.0 + RATE_MARGIN) == 0


def test_what_has_no_rate_never_waits() -> None:
    limit = RateLimit(())
    for _ in range(50):
        limit.take(1.0)

    assert limit.wait(1.0) == 0
