"""Many reships at once with unreliable messages: all cases end as their records say."""

import asyncio
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from temporalio.client import WorkflowUpdateFailedError

from aftersales.sandbox.douyin.faults import Fault
from aftersales.sandbox.douyin.pushing import Behaviour
from tests.support.platforms.market import (
    OTHER_QUIET_SHOP,
    OTHER_SHOP,
    PIECE,
    QUIET_SHOP,
    REFUSAL,
    SHIPMENT,
    SHOP,
    Market,
    Reship,
    state_of,
)
from tests.support.temporal.life import eventually
from workflows.engine.decisions import WRONG_STATE

SEED = 7
ASTRAY = Behaviour(seed=SEED, duplicates=0.2, reordered=0.2, delay=0.2, hold=0.2)
FAULTS = (
    Fault(kind="http_500", share=0.03, seed=SEED),
    Fault(kind="timeout", share=0.02, seed=SEED + 1, seconds=0.1),
)
"""How the platform fails: one call in twenty."""

OPERATORS = 20
"""How many people decide at the same time."""
TIMES = 10
"""How often every journey is made."""

Step = tuple[str, dict[str, Any]]
Journey = tuple[str, tuple[Step, ...]]
"""The buyer's reason, and what happens next; what begins with "operator" is an update of the case."""

REFUSED = ("operator refuse", REFUSAL)
AGREED = ("operator agree", {})
PROVED = ("operator submit_evidence", {"evidence": [PIECE]})
SHIPPED = ("operator ship", SHIPMENT)
PUT_OFF = ("set-deadline", {"within": "60h"})
MODIFIED = ("modify", {"reason": "never_received"})
IN_CONSOLE = ("ship", {"company_code": "zhongtong", "tracking_no": "ZT0002"})
ASKED, WANTED = ("ask-platform", {}), ("want-evidence", {})
REFUSED_IN_CONSOLE = ("refuse", {"reason": "商品已正常送达", "evidence": [PIECE["url"]]})

JOURNEYS: tuple[Journey, ...] = (
    ("never_received", (PUT_OFF, ("agree", {}), IN_CONSOLE)),
    ("other", (AGREED, PUT_OFF, SHIPPED)),
    ("never_received", (REFUSED, WANTED, PROVED, ("rule-refund", {}))),
    ("never_received", (REFUSED, ("rule-dismiss", {}))),
    ("never_received", (REFUSED, WANTED, PROVED, ("rule-reship", {}), SHIPPED)),
    ("short_shipped", (REFUSED, MODIFIED, AGREED, PUT_OFF, ("withdraw", {}))),
    ("short_shipped", (REFUSED, ASKED, WANTED, ("rule-dismiss", {}))),
    ("other", (PUT_OFF, ("agree", {}), ("withdraw", {}))),
    ("never_received", (REFUSED_IN_CONSOLE, WANTED, ("withdraw", {}))),
    ("short_shipped", (REFUSED, ASKED, ("rule-refund", {}))),
    ("other", (REFUSED, ("modify", {"reason": "short_shipped"}), REFUSED, ("modify", {"reason": "other"}), AGREED)),
)
IN_CONSOLE_ALONE: tuple[Journey, ...] = (
    ("never_received", (("agree", {}), IN_CONSOLE, ("sign", {}))),
    ("never_received", (REFUSED_IN_CONSOLE, WANTED, ("rule-refund", {}))),
    ("never_received", (REFUSED_IN_CONSOLE, ("rule-dismiss", {}))),
    ("never_received", (REFUSED_IN_CONSOLE, ("rule-reship", {}), IN_CONSOLE)),
    ("short_shipped", (("agree", {}), PUT_OFF, ("withdraw", {}))),
    ("short_shipped", (REFUSED_IN_CONSOLE, ASKED, ("rule-dismiss", {}))),
    ("other", (PUT_OFF, REFUSED_IN_CONSOLE)),
)


async def lived(market: Market, journeys: tuple[Journey, ...], times: int, shops: tuple[str, str]) -> list[Reship]:
    """Make every journey ``times`` times at once, step by step, in alternating shops; return the reships."""
    wanted = list(zip(journeys * times, cycle(shops)))
    reships = [market.applies(reason, shop) for (reason, _), shop in wanted]
    for number in range(max(len(steps) for _, steps in journeys)):
        going = [
            (reship, steps[number]) for reship, ((_, steps), _) in zip(reships, wanted, strict=True) if steps[number:]
        ]
        if any(name.startswith("operator") for _, (name, _) in going):
            await market.drained()  # so that operators see the present state
        await market.no_record_ahead()
        desk = asyncio.Semaphore(OPERATORS)
        await asyncio.gather(*(_step(desk, reship, *step) for reship, step in going))
    return reships


async def _step(desk: asyncio.Semaphore, reship: Reship, name: str, form: dict[str, Any]) -> None:
    if not name.startswith("operator"):
        reship.happens(name, **form)
        return
    async with desk:
        await _decide(reship, name, form)


async def _decide(reship: Reship, name: str, form: dict[str, Any]) -> None:
    rule = name.removeprefix("operator ")

    async def offered() -> bool:
        view = await reship.view()
        return not view["busy"] and rule in [action["rule"] for action in view["actions"]]

    # What the platform says waits while a decision is being submitted, and so do people who look at the case.
    await eventually(f"{reship.id} offers {rule}", offered)
    changed_at = reship.record.updated_at
    try:
        await reship.act(rule, form or None)
    except WorkflowUpdateFailedError as failed:
        # On a busy machine the task is lost once the platform has taken the decision, and its message comes first.
        if WRONG_STATE not in str(failed.cause) or reship.record.updated_at == changed_at:
            raise

    async def done() -> bool:
        return reship.record.updated_at != changed_at

    await eventually(f"{name} of {reship.id} is done on the platform", done)


async def differing(reships: Sequence[Reship]) -> list[tuple[str, str, str]]:
    """Return the cases whose state differs from their record's, or that need an operator."""
    seen = await asyncio.gather(*(reship.view() for reship in reships))
    return [
        (reship.id, str(view["state"]), state_of(reship.record))
        for reship, view in zip(reships, seen, strict=True)
        if view["state"] != [state_of(reship.record)] or view["needs_operator"]
    ]


async def test_g_3_five_hundred_messages_twice_late_or_out_of_order_end_as_if_all_had_gone_well(
    market: Market,
) -> None:
    before = await market.inbox()
    market.sandbox.pusher.behave(ASTRAY)
    for fault in FAULTS:
        market.sandbox.faults.add(fault)
    reships = await lived(market, JOURNEYS, TIMES, (SHOP, OTHER_SHOP))
    after = await market.dispatched()
    assert await differing(reships) == []
    dispatched = after["states"]["done"] - before["states"]["done"]
    assert (len(reships), dispatched) == (11 * TIMES, 52 * TIMES)
    assert after["states"] == {**before["states"], "done": after["states"]["done"]}
    again = after["duplicates"] - before["duplicates"]
    assert again > dispatched // 10
    assert dispatched >= 500


async def test_g_3_what_lost_messages_said_is_found_by_one_reconciliation(market: Market) -> None:
    market.sandbox.pusher.behave(ASTRAY.model_copy(update={"lost": 0.25}))
    reships = await lived(market, IN_CONSOLE_ALONE, 2, (QUIET_SHOP, OTHER_QUIET_SHOP))
    await market.drained()
    market.sandbox.pusher.behave(ASTRAY.model_copy(update={"lost": 1.0}))
    reships.append(market.applies("never_received", QUIET_SHOP))
    await market.dispatched()
    market.calm()
    results = await asyncio.gather(market.reconcile(QUIET_SHOP), market.reconcile(OTHER_QUIET_SHOP))
    assert await differing(reships) == []
    assert sum(result["failed"] for result in results) == 0
    assert sum(result["opened"] for result in results) >= 1  # the last one, of which no message came
