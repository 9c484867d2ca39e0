"""Where a case differs from the calm run of its story or its journey."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aftersales.sandbox.douyin.model import AfterSaleRecord
from drills.acting import Taken
from drills.reships import PROCESS, Reship
from drills.stories import PlannedDecision, Story
from statecharts.rules import OPERATORS
from tests.support.platforms.market import state_of
from workflows.engine.course import OBSOLETE
from workflows.engine.view import view

SECOND = timedelta(seconds=1)
OVERDUE = timedelta(seconds=30)
"""A clock that has not run out so long after its instant is skipped."""
HELD_UP = timedelta(seconds=60)
"""How long after its answer a decision may count: a console task is confirmed only then."""
OF_OPERATORS = {name for name, rule in PROCESS.rules.items() if rule.party in OPERATORS}
ASKED = "ask_evidence"
"""The rule that the record tells of as well as the message, under an id of its own; what it asks for is asked once."""


def story_wrong(
    story: Story, started: datetime, seen: Mapping[str, Any], taken: Sequence[Taken], at: datetime
) -> list[str]:
    """Return where a case differs from the calm run of its story."""
    decided = [as_given(one) for one in taken]
    calm, performed = (
        view(story.calm(started, at, decided, performed=performed), at).model_dump(mode="json")
        for performed in (False, True)
    )
    wrong = [
        *_difference("state", sorted(seen["state"]), sorted(calm["state"])),
        *_difference("status", seen["status"], calm["status"]),
        *_difference("rules", _fired(seen), _fired(calm)),
        *_difference("ledger", booked(seen), booked(calm)),
    ]
    for entry, there in zip(calm["timeline"], seen["timeline"], strict=False):
        wrong += [] if _same_instant(entry, there, taken) else [f"{entry['rule']} at {there['at']}, not {entry['at']}"]
    # An effect that waits when its case ends is withdrawn: whether it was still performed depends on when it was told.
    wrong += [f"effects too many: {dict(over)}"] if (over := _needed(seen) - _needed(performed)) else []
    wrong += [f"effects missing: {dict(under)}"] if (under := _needed(calm) - _needed(seen)) else []
    return wrong + _clocks_wrong(seen, at)


def reship_wrong(
    reship: Reship, record: Mapping[str, Any], seen: Mapping[str, Any], at: datetime, *, ended: bool
) -> list[str]:
    """Return where a reship differs from the calm run and the end of its journey, in its case or in the record.

    ``ended``: its workflow has.  What buyer or platform did before may then be missing: a message about it that comes
    later than the end is not taken in.
    """
    calm = view(reship.calm(str(seen["facts"]["order_id"]), at), at).model_dump(mode="json")
    of_record = state_of(AfterSaleRecord.model_validate(record, strict=False))
    wrong = [
        *_difference("state", seen["state"], [reship.journey.state]),
        *_difference("record", of_record, reship.journey.state),
        *_difference("status", seen["status"], calm["status"]),
        *_difference("ledger", booked(seen), booked(calm)),
        *_difference("effects", _performed(seen), _performed(calm)),
    ]
    fired, wanted = _firings(seen), _firings(calm)
    wrong += [
        f"{rule} fired {fired[rule]} times instead of {wanted[rule]}"
        for rule in sorted(fired | wanted)
        if fired[rule] > wanted[rule] or (fired[rule] < wanted[rule] and (rule in OF_OPERATORS or not ended))
    ]
    for rule, due in reship.due.items():
        there = [entry["at"] for entry in seen["timeline"] if entry["rule"] == rule]
        if [datetime.fromisoformat(one) for one in there] != [due]:
            wrong.append(f"{rule} at {there}, not {due.isoformat()}")
    return wrong + reship.wrong(record) + _clocks_wrong(seen, at)


def as_given(taken: Taken) -> PlannedDecision:
    """Return a decision as of the instant at which it was given."""
    return replace(taken.decided, at=taken.given.replace(microsecond=0))


def booked(seen: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Return key and amount of the entries that a case has in force."""
    return sorted((entry["key"], entry["amount"]) for entry in seen["ledger"] if entry["status"] != "reversed")


def _difference(name: str, there: Any, wanted: Any) -> list[str]:
    return [] if there == wanted else [f"{name}: {there!r} instead of {wanted!r}"]


def _fired(seen: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    return [(entry["rule"], entry["order"]) for entry in seen["timeline"]]


def _firings(seen: Mapping[str, Any]) -> Counter[str]:
    """Return how often each rule fired, those that ask for the same once."""
    asked = {str(entry["form"]) for entry in seen["timeline"] if entry["rule"] == ASKED}
    others = (entry["rule"] for entry in seen["timeline"] if entry["rule"] != ASKED)
    return Counter(others) + Counter({ASKED: len(asked)})


def _needed(seen: Mapping[str, Any]) -> Counter[tuple[str, str, str | None]]:
    return Counter((one["effect"], one["rule"], one["order"]) for one in seen["effects"] if one["why"] != OBSOLETE)


def _performed(seen: Mapping[str, Any]) -> Counter[tuple[str, str, str | None]]:
    """Return the effects of a reship but its decisions: how often those were carried out, the platform's record says.

    A decision that the platform itself reports first has no effect here.
    """
    effects = PROCESS.effects()
    return Counter(
        {one: many for one, many in _needed(seen).items() if one[0] in effects and not effects[one[0]].submits}
    )


def _same_instant(wanted: Mapping[str, Any], there: Mapping[str, Any], taken: Sequence[Taken]) -> bool:
    at, planned = (datetime.fromisoformat(entry["at"]) for entry in (there, wanted))
    if at == planned:
        return True
    return any(
        one.given - 2 * SECOND <= at <= one.answered + HELD_UP
        for one in taken  # what follows at once from a decision bears its instant
    )


def _clocks_wrong(seen: Mapping[str, Any], at: datetime) -> list[str]:
    overdue = [one for one in seen["deadlines"] if datetime.fromisoformat(one["due"]) < at - OVERDUE]
    return [f"{one['rule']} was due at {one['due']}" for one in overdue]
