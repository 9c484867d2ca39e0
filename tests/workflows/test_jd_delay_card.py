"""One card an order, for ever (JD-1), on a real server: while it is open, once it has closed, and all at once."""

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.settings import Settings
from cases.messages import Opening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.processes.delays import DELAY, delay_facts
from tests.support.temporal.life import whole_now
from workflows.opening import start_case


class Orders:
    """A client that opens cases as the commands do."""

    def __init__(self, environment: WorkflowEnvironment, settings: Settings) -> None:
        self.environment, self.settings = environment, settings

    async def open(self, order_id: str, **changes: str) -> WorkflowHandle[Any, Any]:
        facts = delay_facts(whole_now(), order_id, **{"sent_at": "0s", **changes})
        with self.environment.with_time_skipping_disabled():
            return await start_case(
                self.environment.client, self.settings.task_queue, DELAY, Opening(facts=facts, policy={})
            )


@pytest.fixture
def orders(worker: None, environment: WorkflowEnvironment, settings: Settings) -> Orders:
    return Orders(environment, settings)


@pytest.fixture
def order_id() -> str:
    return uuid.uuid4().hex[:12]


async def test_jd_1_a_second_card_is_refused_while_the_first_is_open(orders: Orders, order_id: str) -> None:
    first = await orders.open(order_id)
    with pytest.raises(WorkflowAlreadyStartedError):
        await orders.open(order_id, proposed_ship_at="30d")
    seen = await first.query("view")
    assert (seen["case_id"], seen["state"]) == (f"jd_delay_card/{order_id}", ["awaiting_buyer"])


@pytest.mark.parametrize("ended", ["cancel_order", "ship"])
async def test_jd_1_and_for_ever_after_it_has_closed(orders: Orders, order_id: str, ended: str) -> None:
    first = await orders.open(order_id)
    await first.execute_update(ended, {"carrier": "JDL", "tracking_no": "JD1"} if ended == "ship" else None)
    assert (await asyncio.wait_for(first.result(), PATIENCE_SECONDS))["status"] == "closed"
    with pytest.raises(WorkflowAlreadyStartedError):
        await orders.open(order_id)


async def test_jd_1_of_two_openings_at_once_exactly_one_wins(orders: Orders, order_id: str) -> None:
    opened = await asyncio.gather(*(orders.open(order_id) for _ in range(2)), return_exceptions=True)
    won = [handle for handle in opened if isinstance(handle, WorkflowHandle)]
    lost = [error for error in opened if isinstance(error, WorkflowAlreadyStartedError)]
    assert (len(won), len(lost)) == (1, 1)
    assert (await won[0].query("view"))["state"] == ["awaiting_buyer"]


async def test_jd_1_another_order_has_a_card_of_its_own(orders: Orders, order_id: str) -> None:
    first, second = await orders.open(order_id), await orders.open(f"{order_id}B")
    assert first.id != second.id
