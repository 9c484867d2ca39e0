"""All activities, made for a given world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from activities import anxinjian_split, claim_1688, douyin_reship, jd_delay_card
from activities.effects import How, process_activities
from activities.ledger import ledger_activities
from activities.notifications import notice_activities
from activities.reconcile import catch_up_activity
from cases.ports import Ledger, Look, Notifier, Platform

EFFECTS: Mapping[str, Mapping[str, How]] = {
    "douyin_reship": douyin_reship.EFFECTS,
    "claim_1688": claim_1688.EFFECTS,
    "jd_delay_card": jd_delay_card.EFFECTS,
    "anxinjian_split": anxinjian_split.EFFECTS,
}


@dataclass(frozen=True)
class Dependencies:
    """What activities act upon: the marketplaces, the shop's ledger, the operators.

    ``looks``: how to look for what no message told, by platform.
    """

    platform: Platform
    ledger: Ledger
    notifier: Notifier
    looks: Mapping[str, Look] = field(default_factory=dict)


def all_activities(world: Dependencies) -> list[Callable[..., Any]]:
    """The activities of every process, and those all share."""
    own = [
        each for process, effects in EFFECTS.items() for each in process_activities(process, effects, world.platform)
    ]
    notices = notice_activities(world.notifier)
    shared = [*ledger_activities(world.ledger), *notices, catch_up_activity(world.looks)]
    return [*own, *shared]
