"""All activities, made for a given world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from activities import anxinjian_split, claim_1688, douyin_reship, jd_delay_card
from activities.catch_up import Look, catch_up_activity
from activities.effects import How, process_activities
from activities.ledger import Ledger, RememberedLedger, ledger_activities
from activities.notices import LogNotifier, notice_activities
from notices.port import Notifier
from platforms.port import Platform
from platforms.scripted import ScriptedPlatform

EFFECTS: Mapping[str, Mapping[str, How]] = {
    "douyin_reship": douyin_reship.EFFECTS,
    "claim_1688": claim_1688.EFFECTS,
    "jd_delay_card": jd_delay_card.EFFECTS,
    "anxinjian_split": anxinjian_split.EFFECTS,
}


@dataclass(frozen=True)
class World:
    """What activities act upon: the marketplaces, the shop's ledger, the operators.

    ``looks``: how to look for what no message told, by platform.
    """

    platform: Platform = field(default_factory=ScriptedPlatform)
    ledger: Ledger = field(default_factory=RememberedLedger)
    notifier: Notifier = field(default_factory=LogNotifier)
    looks: Mapping[str, Look] = field(default_factory=dict)


def all_activities(world: World) -> list[Callable[..., Any]]:
    """The activities of every process, and those all share."""
    own = [
        each for process, effects in EFFECTS.items() for each in process_activities(process, effects, world.platform)
    ]
    notices = notice_activities(world.notifier)
    shared = [*ledger_activities(world.ledger), *notices, catch_up_activity(world.looks)]
    return [*own, *shared]
