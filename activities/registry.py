"""All activities, made for a given world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import activities
from activities.effects import How, process_activities
from activities.ledger import ledger_activities
from activities.notifications import notice_activities
from activities.reconcile import catch_up_activity
from cases.ports import Ledger, Look, Notifier, Platform

EFFECTS: dict[str, Mapping[str, How]] = {}
"""How the effects of each process are performed: the EFFECTS of the module that bears the process's name."""

FAULTS: dict[str, str] = {}
"""The modules that cannot be imported, and why: what is wrong with one process must not stop the others."""


def _collect() -> None:
    for module in iter_modules(activities.__path__):
        if f"activities.{module.name}" == __name__:
            continue
        try:
            effects = getattr(import_module(f"activities.{module.name}"), "EFFECTS", None)
        except Exception as bad:  # noqa: BLE001 - see FAULTS
            FAULTS[module.name] = f"{type(bad).__name__}: {bad}"
        else:
            if effects is not None:
                EFFECTS[module.name] = effects


_collect()


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
