"""The typed search attributes by which operators list and filter cases."""

from collections.abc import Sequence
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from statecharts.chart import Deadline
from statecharts.rules import OPERATORS, Party
from workflows.engine.situation import CaseSituation
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
"""All orders of a case, so that a search for any of them finds it; they never change."""

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
"""All search attributes; ``aftersales setup`` registers them."""


OWNERS_SINCE = "2026-11-27"
"""The edition since which a case without a deadline waits for whoever can lead it on; before, for the platform."""


def attributes(situation: CaseSituation) -> dict[SearchAttributeKey[Any], Any]:
    """Return the current values of the search attributes that change as the case moves; None means unset."""
    facts, deadlines = situation.case.facts, situation.deadlines()
    orders = list(situation.case.orders) or ([] if facts.order is None else [facts.order])
    return {
        PROCESS: situation.process.name,
        SHOP: facts.shop,
        ORDER: facts.order,
        ORDERS: orders or None,
        STATE: state_in_words(situation),
        DEADLINE: deadlines[0].due if deadlines else None,
        WAITS_FOR: _waits_for(situation, deadlines),
        NEEDS_OPERATOR: situation.state.waits_for_operator,
        AT_STAKE: None if situation.case.at_stake is None else float(situation.case.at_stake),
    }


def _waits_for(situation: CaseSituation, deadlines: Sequence[Deadline]) -> str | None:
    if situation.closed:
        return None
    return (situation.owner(deadlines[0]) if deadlines else _leads_on(situation)).label


def _leads_on(situation: CaseSituation) -> Party:
    """Return who can lead a case on in which no clock runs: one of our users if any of them can, else the platform."""
    if not situation.case.opened_since(OWNERS_SINCE):
        return Party.PLATFORM
    leading = (
        view.chart.rules[name].party
        for view in situation.chart_views()
        for name in view.open_rules(*OPERATORS)
        if any(transition.targets for _, transition in view.transitions(name))
    )
    return next(leading, Party.PLATFORM)


def opening_attributes(situation: CaseSituation) -> TypedSearchAttributes:
    """Return the attributes with which a case is started."""
    return TypedSearchAttributes(
        [SearchAttributePair(key, value) for key, value in attributes(situation).items() if value is not None]
    )
