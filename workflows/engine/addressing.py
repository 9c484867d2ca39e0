"""Which order is meant: a rule about one order of a case names it."""

from typing import Any

from cases.errors import BadForm
from workflows.engine.machine import CaseMachine

ORDER = "order"
"""The field beside a form's own by which an order is named."""


def addressee(machine: CaseMachine, rule: str, order: str | None) -> str | None:
    """The order whose chart a rule moves, None for the case's own; raises BadForm, listing the orders there are."""
    if not machine.process.names_order(rule):
        return None
    orders = machine.record.orders
    if order is None and len(orders) == 1:
        return next(iter(orders))
    if order not in orders:
        given = "" if order is None else f" {order!r} 不在本案件 / is not of this case;"
        raise BadForm(
            f"{rule}: order:{given} 须指明订单 / say which order is meant, one of: {', '.join(orders)}", (rule, ORDER)
        )
    return order


def addressed(machine: CaseMachine, rule: str, raw: Any) -> tuple[str | None, Any]:
    """The order that is meant, and the form without its name; raises BadForm."""
    if not machine.process.names_order(rule) or not isinstance(raw, dict | None):
        return addressee(machine, rule, None), raw
    form = dict(raw or {})
    order = form.pop(ORDER, None)
    if order is not None and not isinstance(order, str):
        raise BadForm(f"{rule}: order: 应为文字 / expected text, got {order!r}", (rule, ORDER))
    return addressee(machine, rule, order), form
