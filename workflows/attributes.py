"""The typed search attributes by which operators list and filter cases."""

from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from statecharts.rules import Party
from workflows.docket import Docket
from workflows.view import state_in_words

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


def attributes(docket: Docket) -> dict[SearchAttributeKey[Any], Any]:
    """The values that a case has now and that change as it moves; None: it has none."""
    facts, nearest = docket.case.facts, _nearest(docket)
    return {
        PROCESS: docket.process.name,
        SHOP: facts.shop,
        ORDER: facts.order,
        STATE: state_in_words(docket),
        DEADLINE: nearest,
        WAITS_FOR: _waits_for(docket),
        NEEDS_OPERATOR: docket.record.waits_for_operator(),
        AT_STAKE: None if docket.case.at_stake is None else float(docket.case.at_stake),
    }


def _nearest(docket: Docket) -> datetime | None:
    return min((each.due for each in docket.deadlines()), default=None)


def _waits_for(docket: Docket) -> str | None:
    if docket.closed:
        return None
    clocks = docket.process.clocks
    party = next((clocks[each.rule].of for each in docket.deadlines()), Party.PLATFORM)
    return party.label


def opening_attributes(docket: Docket) -> TypedSearchAttributes:
    """The attributes to start a case with."""
    values = {**attributes(docket), ORDERS: list(docket.case.orders or (docket.case.facts.order,))}
    return TypedSearchAttributes([SearchAttributePair(key, each) for key, each in values.items() if each is not None])
