"""The typed search attributes by which operators list and filter cases."""

from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from statecharts.rules import Party
from workflows.engine.machine import CaseMachine
from workflows.engine.view import state_in_words

PROCESS = SearchAttributeKey.for_keyword("CaseProcess")
SHOP = SearchAttributeKey.for_keyword("CaseShop")
ORDER = SearchAttributeKey.for_keyword("CaseOrder")
STATE = SearchAttributeKey.for_keyword("CaseState")
DEADLINE = SearchAttributeKey.for_datetime("CaseDeadline")
WAITS_FOR = SearchAttributeKey.for_keyword("CaseWaitsFor")
NEEDS_OPERATOR = SearchAttributeKey.for_bool("CaseNeedsOperator")
AT_STAKE = SearchAttributeKey.for_float("CaseAtStake")

ORDERS = SearchAttributeKey.for_keyword_list("CaseOrders")
"""All orders of a case, by which it is found; they never change."""

KEYS: tuple[SearchAttributeKey[Any], ...] = (
    PROCESS,
    SHOP,
    ORDER,
    ORDERS,
    STATE,
    DEADLINE,
    WAITS_FOR,
    NEEDS_OPERATOR,
    AT_STAKE,
)
"""All of them, as ``aftersales setup`` registers them."""


def attributes(machine: CaseMachine) -> dict[SearchAttributeKey[Any], Any]:
    """The values that a case has now and that change as it moves; None: it has none."""
    facts, nearest = machine.case.facts, _nearest(machine)
    return {
        PROCESS: machine.process.name,
        SHOP: facts.shop,
        ORDER: facts.order,
        STATE: state_in_words(machine),
        DEADLINE: nearest,
        WAITS_FOR: _waits_for(machine),
        NEEDS_OPERATOR: machine.record.waits_for_operator(),
        AT_STAKE: None if machine.case.at_stake is None else float(machine.case.at_stake),
    }


def _nearest(machine: CaseMachine) -> datetime | None:
    return min((each.due for each in machine.deadlines()), default=None)


def _waits_for(machine: CaseMachine) -> str | None:
    if machine.closed:
        return None
    clocks = machine.process.clocks
    party = next((clocks[each.rule].of for each in machine.deadlines()), Party.PLATFORM)
    return party.label


def opening_attributes(machine: CaseMachine) -> TypedSearchAttributes:
    """The attributes to start a case with."""
    values = {**attributes(machine), ORDERS: list(machine.case.orders or (machine.case.facts.order,))}
    return TypedSearchAttributes([SearchAttributePair(key, each) for key, each in values.items() if each is not None])
