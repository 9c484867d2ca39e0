"""A desk for tests in a browser, with the clerks who work at it and the cases that they work."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from playwright.async_api import Page, expect
from starlette.requests import HTTPConnection
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.login import Login
from aftersales.desk.access.users import Role, User
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.runtime.http.http_server import listen, serving
from aftersales.simulation.virtual_time import time_moved_by_hand
from cases.messages import Opening
from statecharts.rules import Party
from tests.conftest import TASK_QUEUE
from tests.support.temporal.life import eventually, facts
from workflows.engine import search_attributes as sa
from workflows.opening import start_case
from workflows.registry import PROCESSES

RESHIP, CARD = PROCESSES["douyin_reship"], PROCESSES["jd_delay_card"]
DELETING_PATIENCE: Final = timedelta(minutes=2)
"""How long one deletion may take: a busy machine's server has more to do for it than to open a case."""
CLERK_HEADER: Final = "x-clerk"
"""The header by which a browser says who sits before it."""
SUPERVISOR: Final = User(name="张三", role=Role.SUPERVISE)
CLERKS: Final[Mapping[str, User]] = MappingProxyType(
    {
        "colleague": User(name="李四", role=Role.HANDLE),
        "looker": User(name="实习", role=Role.VIEW),
        "foreign": User(name="外店", role=Role.SUPERVISE, shops=("elsewhere",)),
    }
)
"""Those who are not the supervisor, who sits before every other browser."""


class SeatedClerks(Login):
    """Whoever the browser says sits before it."""

    def user_of(self, connection: HTTPConnection) -> User | None:
        return CLERKS.get(connection.headers.get(CLERK_HEADER, ""), SUPERVISOR)


@dataclass
class RunningDesk:
    """A desk that can be stopped and started under the pages that are open."""

    services: DeskServices
    port: int
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        listener = self._running.enter_context(listen("127.0.0.1", self.port, "AFTERSALES_DESK"))
        await self._running.enter_async_context(serving(make_desk(self.services, SeatedClerks()), listener))

    async def stop(self) -> None:
        await self._running.aclose()


@dataclass
class Cases:
    """The cases that a test opens; their time stands still."""

    environment: WorkflowEnvironment
    opened: list[str] = field(default_factory=list)

    async def reship(self, shop: str, hours_ago: float = 1, **fields: Any) -> str:
        applied = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours_ago)
        own_id = f"{shop}-{len(self.opened)}"
        return await self._open(RESHIP, facts(own_id, shop_id=shop, applied_at=applied.isoformat(), **fields))

    async def card(self, shop: str, reason: str) -> str:
        now = datetime.now(UTC).replace(microsecond=0)
        promised, proposed = ((now + timedelta(hours=hours)).isoformat() for hours in (30, 120))
        said = {"promised_ship_at": promised, "proposed_ship_at": proposed, "reason": reason}
        return await self._open(CARD, {"shop_id": shop, "order_id": f"{shop}-{len(self.opened)}", **said})

    async def _open(self, process: Any, values: dict[str, Any]) -> str:
        async with time_moved_by_hand(self.environment):
            handle = await start_case(self.environment.client, TASK_QUEUE, process, Opening(facts=values))
        self.opened.append(handle.id)
        return handle.id

    async def stand_ins(self, shop: str, dues: Iterable[datetime]) -> None:
        """Open cases that only the list knows: no worker runs them."""
        client, gate = self.environment.client, asyncio.Semaphore(16)

        async def start(number: int, due: datetime) -> None:
            values: dict[Any, Any] = {
                sa.PROCESS: RESHIP.name,
                sa.SHOP: shop,
                sa.STATE: "待商家处理",
                sa.DEADLINE: due,
                sa.WAITS_FOR: Party.MERCHANT.label,
                sa.NEEDS_OPERATOR: False,
            }
            attributes = TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values.items()])
            case_id = f"{RESHIP.name}/{shop}-{number}"
            self.opened.append(case_id)
            async with gate:
                await client.start_workflow(RESHIP.name, id=case_id, task_queue="nobody", search_attributes=attributes)

        await asyncio.gather(*(start(number, due) for number, due in enumerate(dues)))

    async def delete(self) -> None:
        """Delete the cases: terminated ones would be listed as such in other tests."""
        client, gate = self.environment.client, asyncio.Semaphore(4)

        async def delete(case_id: str) -> None:
            asked = DeleteWorkflowExecutionRequest(
                namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=case_id)
            )
            async with gate:
                await client.workflow_service.delete_workflow_execution(asked, retry=True, timeout=DELETING_PATIENCE)

        await asyncio.gather(*map(delete, self.opened))


async def go_to_list(page: Page, desk: RunningDesk, shop: str, cases: int) -> None:
    """Go to the list of a shop, once the server lists so many cases of it."""
    client = desk.services.client

    async def listed() -> bool:
        return (await client.count_workflows(f"{sa.SHOP.name} = '{shop}'")).count >= cases

    await eventually("the cases are listed", listed)
    await page.goto(f"{desk.address}/?shop={shop}")


async def show(page: Page, desk: RunningDesk, shop: str, *case_ids: str) -> None:
    """Show the list of a shop, once it has the cases and what can be done with them."""
    await go_to_list(page, desk, shop, len(case_ids))
    for case_id in case_ids:
        await expect(page.locator(f'[data-case="{case_id}"] .button').first).to_be_visible()
