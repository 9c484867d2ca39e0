"""The desk over real HTTP, beside the test process's server and worker."""

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.requests import HTTPConnection
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.login import Login, OneUser
from aftersales.desk.access.users import User
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings
from aftersales.simulation.virtual_time import time_moved_by_hand
from cases.messages import Opening
from tests.conftest import TASK_QUEUE
from tests.support.patience import PATIENCE_SECONDS
from tests.support.temporal.life import facts
from workflows.opening import start_case
from workflows.registry import PROCESSES

CLERK = "张三"
OpenOnDesk = Callable[..., Awaitable[str]]
Browse = Callable[[User], Awaitable[httpx2.AsyncClient]]


@pytest.fixture
def ledger(tmp_path: Any) -> Any:
    with SqlLedger(tmp_path / "ledger.sqlite3") as opened:
        yield opened


@pytest.fixture
def services(environment: WorkflowEnvironment, settings: Settings, ledger: SqlLedger) -> DeskServices:
    return DeskServices(environment.client, ledger, settings, {"S1": "旗舰店"})


@asynccontextmanager
async def browsing(
    services: DeskServices, login: Login, address: str | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve a desk, and open a browser without script on it; ``address`` is the public one, if there is one."""
    with listen("127.0.0.1", 0, "AFTERSALES_DESK") as listener:
        own = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if address:
            settings = services.settings.model_copy(update={"desk_address": address})
            services = replace(services, settings=settings)
        async with (
            serving(make_desk(services, login), listener),
            httpx2.AsyncClient(base_url=own, headers={"origin": address or own}, timeout=PATIENCE_SECONDS) as browser,
        ):
            yield browser


def token_in(shown: httpx2.Response) -> str:
    """Return the token that the forms of a page carry."""
    found = re.search(r'<meta name="csrf-token" content="(\w+)">', shown.text)
    assert found, shown.text
    return found[1]


@pytest_asyncio.fixture
async def desk(worker: None, services: DeskServices) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser without script, on the desk of the clerk; what it posts bears the token of the desk's forms."""
    async with browsing(services, OneUser(CLERK)) as browser:
        browser.headers["x-csrf-token"] = token_in(await browser.get("/case/none/none"))
        yield browser


@pytest_asyncio.fixture
async def open_on_desk(environment: WorkflowEnvironment) -> AsyncIterator[OpenOnDesk]:
    """Open cases whose time stands still, so that they wait; they are terminated afterwards."""
    opened: list[str] = []

    async def open_case(process: str = "douyin_reship", own_id: str | None = None, **fields: Any) -> str:
        own_id = own_id or uuid.uuid4().hex[:12]
        values = facts(own_id, **fields) if process == "douyin_reship" else fields
        async with time_moved_by_hand(environment):
            handle = await start_case(
                environment.client, TASK_QUEUE, PROCESSES[process], Opening(facts=values, policy={})
            )
        opened.append(handle.id)
        return handle.id

    yield open_case
    for case_id in opened:
        with suppress(RPCError):  # it has ended by itself
            await environment.client.get_workflow_handle(case_id).terminate("the test is over")


class As(Login):
    """Everybody is the same user."""

    def __init__(self, user: User) -> None:
        self._user = user

    def user_of(self, connection: HTTPConnection) -> User:
        del connection
        return self._user


@pytest_asyncio.fixture
async def browse(worker: None, services: DeskServices) -> AsyncIterator[Browse]:
    """Open browsers of other users, each on a desk of his own beside the same ledger."""
    async with AsyncExitStack() as stack:

        async def open_browser(user: User) -> httpx2.AsyncClient:
            browser = await stack.enter_async_context(browsing(services, As(user)))
            browser.headers["x-csrf-token"] = token_in(await browser.get("/case/none/none"))
            return browser

        yield open_browser
