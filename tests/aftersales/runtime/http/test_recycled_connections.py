"""Calls while the server makes its clients reconnect, as it does every five minutes.

Long polls keep the old connection open, so the next call is still sent over it, and is cancelled before the server
sees it.  The SDK retries such a call only if told to; by default it does not for calls of the services themselves.
"""

import ast
import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, PollWorkflowTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from aftersales.monitoring.temporal_checks import check_temporal
from aftersales.runtime.temporal.embedded_server import missing_attributes
from tests.support.places import PACKAGES, ROOT
from tests.support.temporal.servers import start_server

SERVICES = {"workflow_service", "operator_service", "health_service", "test_service"}
RECYCLED = ("--dynamic-config-value", 'frontend.keepAliveMaxConnectionAge="1s"')
PAUSE_SECONDS = 0.1
"""Long compared with a call: a call is cancelled if its connection was closed while none was under way."""
CALLS = 30
CONNECTIONS = 5

Ask = Callable[[Client], Awaitable[object]]


async def once_only(client: Client) -> None:
    await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace), retry=False)


@pytest_asyncio.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    server = await start_server(*RECYCLED)
    yield server.client.service_client.config.target_host
    await server.shutdown()


async def statuses(address: str, ask: Ask) -> set[RPCStatusCode]:
    """Ask by connections that long polls hold open, each until it must have been recycled; return what failed."""
    seen: set[RPCStatusCode] = set()

    async def by_one() -> None:
        client = await Client.connect(address)
        queue = TaskQueue(name=uuid.uuid4().hex)
        polled = PollWorkflowTaskQueueRequest(namespace=client.namespace, task_queue=queue)
        poll = asyncio.create_task(client.workflow_service.poll_workflow_task_queue(polled, retry=False))
        for _ in range(CALLS):
            try:
                await ask(client)
            except RPCError as cut:
                seen.add(cut.status)
            await asyncio.sleep(PAUSE_SECONDS)
        poll.cancel()

    await asyncio.gather(*(by_one() for _ in range(CONNECTIONS)))
    return seen


async def test_a_call_that_is_not_retried_is_cancelled_with_its_connection(address: str) -> None:
    assert await statuses(address, once_only) == {RPCStatusCode.CANCELLED}


@pytest.mark.parametrize("ask", [check_temporal, missing_attributes])
async def test_the_products_calls_hold_when_their_connection_is_recycled(address: str, ask: Ask) -> None:
    assert await statuses(address, ask) == set()


def without_retry(path: Path) -> list[str]:
    """Return the calls of a service in a module that do not say whether they are retried."""
    return [
        f"{path.relative_to(ROOT)}:{call.lineno} {call.func.attr}"
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Attribute)
        and call.func.value.attr in SERVICES
        and "retry" not in {keyword.arg for keyword in call.keywords}
    ]


def test_every_call_of_a_service_says_whether_it_is_retried() -> None:
    modules = [
        path for folder in (*PACKAGES, "tests", "drills", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    ]
    assert [call for path in modules for call in without_retry(path)] == []
