"""A gateway is killed between receiving a message and dispatching it: nothing that it has answered is lost."""

import asyncio
import signal
from functools import partial
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from aftersales.runtime.temporal.embedded_server import embedded_server
from tests.support.platforms.gateways import GatewayProcess, gateway_process, gateway_settings, platform
from tests.support.platforms.pushing import body, content, pushed, signed
from tests.support.platforms.serving import serving
from tests.support.programs.programs import free_port
from tests.support.temporal.life import PROCESS, eventually
from tests.support.temporal.senders import SIGNALED, names_and_ways

CASES = range(1001, 1021)


async def push(gateway: GatewayProcess) -> None:
    """Send a message about each case, all at once, and check every answer."""
    async with gateway.client() as client:
        bodies = [body(pushed("227", f"m{own_id}", content(own_id))) for own_id in CASES]
        answers = await asyncio.gather(
            *(client.post("/douyin", content=pushed_body, headers=signed(pushed_body)) for pushed_body in bodies)
        )
        assert [answer.status_code for answer in answers] == [200] * len(CASES)


async def is_open(client: Client, own_id: int) -> bool:
    try:
        await client.get_workflow_handle(f"{PROCESS}/{own_id}").describe()
    except RPCError as missing:
        if missing.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def test_a_gateway_that_is_killed_before_it_dispatches_loses_nothing(tmp_path: Path) -> None:
    port = free_port()
    async with serving(platform()) as address:
        settings = gateway_settings(tmp_path, address, port)
        async with gateway_process(**settings) as gateway:
            await gateway.started()
            await push(gateway)
            assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
        async with (
            embedded_server(tmp_path / "temporal.db", port, free_port()) as server,
            gateway_process(**settings) as gateway,
        ):
            for own_id in CASES:
                await eventually(f"case {own_id}", partial(is_open, server.client, own_id))
                handle = server.client.get_workflow_handle(f"{PROCESS}/{own_id}")
                assert await names_and_ways(handle, SIGNALED) == [(None, "message")]
            assert await gateway.end(signal.SIGTERM) == 0
            assert "delivery fails" not in gateway.events()
