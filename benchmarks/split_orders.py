"""Measure the cost of a chart for each order: ``python -m benchmarks.split_orders``.

Times are CPU times of this process: medians and quartiles.  Other load on the machine disturbs them, so run it several
times and take the quietest run; ratios are taken within a round, in which every number of orders takes its turn, and
are steadier.

A whole life goes through the machine alone, without Temporal: every order signed in, recorded, authenticated or waived,
packed, shipped and confirmed, with the choice between, and what is shown of the case after every step.
"""

import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cases.messages import Opening
from workflows.engine.case_workflow import take_message
from workflows.engine.details import current_details
from workflows.engine.machine import CaseMachine
from workflows.engine.search_attributes import attributes
from workflows.registry import PROCESSES

MANY = (1, 4, 10, 20)
BUILDS, ROUNDS = 1000, 9
OPENED = datetime(2026, 1, 5, 1, tzinfo=UTC)
SPLIT = PROCESSES["anxinjian_split"]
ITEM = "O1"
SHIPPED = ("pack", "print_waybill", "pick_up", "deliver", "confirm_receipt")


def main() -> None:
    """Print what a chart costs, and a line for each number of orders."""
    case = machine(1)
    print(f"build the chart of an order  {spread([milliseconds(lambda: build(case, ITEM)) for _ in range(BUILDS)])} ms")
    print(f"build the chart of the item  {spread([milliseconds(lambda: build(case, None)) for _ in range(BUILDS)])} ms")
    steps = {many: live(machine(many)) for many in MANY}
    rounds = [{many: whole_life(many) for many in MANY} for _ in range(ROUNDS)]
    print(f"{'N':>2} {'steps':>6} {'whole life, ms':>30} {'a step, ms':>20} {'life / N=1':>20} {'step / N=1':>20}")
    for many in MANY:
        times = [lives[many] for lives in rounds]
        ratios = [lives[many] / lives[1] for lives in rounds]
        a_step, fewer = [time_taken / steps[many] for time_taken in times], steps[1] / steps[many]
        columns = f"{spread(a_step):>20} {spread(ratios):>20} {spread([ratio * fewer for ratio in ratios]):>20}"
        print(f"{many:>2} {steps[many]:>6} {spread(times):>30} {columns}")


def machine(many: int) -> CaseMachine:
    """Open a case of ``many`` orders; the first carries the item."""
    facts = {
        "provider_id": "P1",
        "merchant_id": "M1",
        "item_id": "I1",
        "authentication_fee": "30.00",
        "freight_fee": "12.00",
        "sub_orders": [
            {
                "order_id": f"O{number}",
                "carries_item": number == 1,
                "auto_receipt_at": (OPENED + timedelta(days=30)).isoformat(),
            }
            for number in range(1, many + 1)
        ],
    }
    case = SPLIT.open_case(Opening(facts=facts, policy={}))
    return CaseMachine(SPLIT, "anxinjian_split/I1", case, now=OPENED)


def build(opened: CaseMachine, order: str | None) -> None:
    """Build a chart from its snapshot, as firing a rule does."""
    SPLIT.chart_of(order)(opened.case.part(order), OPENED, opened.state.snapshot_of(order))


def live(case: CaseMachine) -> int:
    """Bring every order to its end; return how many steps that took."""
    now, steps = OPENED, 0
    for rule, order in story(list(case.state.orders)):
        now += timedelta(minutes=1)
        if rule in ("pick_up", "deliver", "confirm_receipt"):
            take_message(case, {"message_id": f"{order} {rule}", "rule": rule, "order": order}, now)
        else:
            case.decide(rule, form(rule, order) | ({"order": order} if order else {}), now)
        case.advance(now)
        case.next_instant(now)
        current_details(case)
        attributes(case)
        steps += 1
    if not case.closed:
        raise AssertionError(case.states())
    return steps


def story(orders: list[str]) -> list[tuple[str, str | None]]:
    """Return the rules of a whole life with their orders."""
    item, *others = orders
    rules: list[tuple[str, str | None]] = [("choose", None)] if others else []
    rules += [(rule, order) for rule in ("sign_in", "record") for order in orders]
    rules += [("authenticate", item), *(("waive", order) for order in others)]
    return rules + [(rule, order) for rule in SHIPPED for order in orders]


def form(rule: str, order: str | None) -> dict[str, Any]:
    """Return the form of a rule that asks for one."""
    forms: dict[str, dict[str, Any]] = {
        "choose": {"way": "keep_all", "freight_consent": True},
        "authenticate": {"verdict": "pass"},
        "print_waybill": {"carrier": "YTO", "tracking_no": f"YT-{order}"},
    }
    return forms.get(rule, {})


def whole_life(many: int) -> float:
    """Return the mean CPU milliseconds of a life; few orders are repeated, so that each run handles as many orders."""
    lives = max(MANY) // many
    gc.collect()
    return statistics.fmean(milliseconds(lambda: live(machine(many))) for _ in range(lives))


def milliseconds(work: Callable[[], object]) -> float:
    """Return the CPU time of this process."""
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1e6


def spread(times: list[float]) -> str:
    """Format the median and the quartiles."""
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


if __name__ == "__main__":
    main()
