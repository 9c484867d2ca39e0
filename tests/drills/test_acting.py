"""What people in a drill make of a decision that was not answered with success."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drills.acting import People
from drills.stories import PlannedDecision

GIVEN = datetime(2026, 11, 26, 12, tzinfo=UTC)
SHIPPED = PlannedDecision("ship", None, GIVEN, "k1")
BEFORE, AFTER = (GIVEN + timedelta(seconds=seconds) for seconds in (-2, 1))


class Stage:
    """A stage without programs."""

    client: Any = None


def fired(at: datetime, rule: str = "ship") -> dict[str, Any]:
    return {"timeline": [{"rule": rule, "at": at.isoformat()}]}


def decided(status: str) -> dict[str, Any]:
    return {"decisions": [{"rule": "ship", "status": status}]}


@pytest.mark.parametrize(
    ("seen", "became"),
    [
        (None, "unknown"),
        (decided("taken"), "taken"),
        (decided("refused"), "refused"),
        (decided("being_submitted"), "unknown"),
        (fired(AFTER), "taken"),
        (fired(AFTER) | decided("refused"), "taken"),
        (fired(BEFORE), "unknown"),
        (fired(AFTER, "agree"), "unknown"),
    ],
    ids=[
        "no answer",
        "taken",
        "refused",
        "being submitted",
        "the platform tells of it",
        "the platform tells of it after a refusal",
        "it fired before",
        "another rule fired",
    ],
)
async def test_what_the_platform_tells_of_a_decision_shows_that_it_was_taken(
    seen: dict[str, Any] | None, became: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drills.acting.with_sender", lambda client, _: client)
    people = People(Stage(), random.SystemRandom(), 1.0)  # type: ignore[arg-type]

    async def view(case_id: str) -> dict[str, Any] | None:
        assert case_id == "douyin_reship/1"
        return seen

    monkeypatch.setattr(people, "view", view)
    assert await people._found("douyin_reship/1", SHIPPED, GIVEN) == became
