"""What a case of ten orders costs from opening to closing, viewed after every step.

Counted are calls, not seconds: those are the same on a busy machine.
"""

from cProfile import Profile
from pstats import Stats
from typing import Any

from tests.support.processes.splits import ITEM, ITEM_WAY, KEEP_ALL, OPENED, WAIVED_WAY, form_of, opened, order_ids
from workflows.engine.details import current_details
from workflows.engine.machine import CaseMachine
from workflows.engine.view import view

MANY = 10
CALLS = 1_500_000
"""There are 1.2 million, in 0.8 seconds of CPU time on a slow machine."""


def live() -> None:
    """Lead a case from opening to closing."""
    machine = opened(MANY)
    _step(machine, "choose", KEEP_ALL)
    for order in order_ids(MANY):
        for rule in ITEM_WAY if order == ITEM else WAIVED_WAY:
            _step(machine, rule, form_of(rule, order) | {"order": order})
    assert machine.states() == ["settled"]


def _step(machine: CaseMachine, rule: str, form: dict[str, object]) -> None:
    machine.decide(rule, form, OPENED)
    machine.advance(OPENED)
    assert current_details(machine)
    assert view(machine, OPENED).timeline


def test_ten_orders_live_their_life_in_so_many_calls_with_every_step_shown() -> None:
    live()  # charts and models are read once for all cases
    with Profile() as profile:
        live()
    counted: Any = Stats(profile)
    assert counted.total_calls < CALLS
