"""Temporal is away while pushes keep coming for two minutes: each is answered, kept, and delivered once, in order."""

import asyncio
import json
import signal
import time
from pathlib import Path

import httpx2
import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from aftersales.gateway.dispatcher import FAILS, WORKS
from aftersales.runtime.temporal.embedded_server import embedded_server
from tests.support.platforms.gateways import gateway_process, gateway_settings, platform
from tests.support.platforms.pushing import body, content, pushed, signed
from tests.support.platforms.serving import serving
from tests.support.programs.programs import free_port
from tests.support.temporal.life import eventually

AWAY_SECONDS = 120.0
CASES = range(1001, 1051)
ROUND_SECONDS = 5.0
"""Each case gets a message so often."""
ANSWER_SECONDS = 5.0
"""How soon marketplaces want their answer."""
PATIENCE_SECONDS = 180.0


async def pushed_while_away(client: httpx2.AsyncClient) -> dict[int, list[str]]:
    """Push for two minutes, and return the ids of the messages of every case, in order."""
    sent: dict[int, list[str]] = {own_id: [] for own_id in CASES}
    slowest, until = 0.0, time.monotonic() + AWAY_SECONDS
    while time.monotonic() < until:
        round_began = time.monotonic()
        for own_id, names in sent.items():
            names.append(f"{own_id}-{len(names)}")
            message = body(pushed("227", names[-1], content(own_id)))
            began = time.monotonic()
            assert (await client.post("/douyin", content=message, headers=signed(message))).status_code == 200
            slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(max(0.0, ROUND_SECONDS - (time.monotonic() - round_began)))
    assert slowest < ANSWER_SECONDS
    return sent


async def told(client: Client, own_id: int) -> list[str]:
    """Return the ids of the messages that a case was told, in order; none before it is opened."""
    try:
        history = await client.get_workflow_handle(f"douyin_reship/{own_id}").fetch_history()
    except RPCError as missing:
        if missing.status is not RPCStatusCode.NOT_FOUND:
            raise
        return []
    signals = (event.workflow_execution_signaled_event_attributes.input.payloads for event in history.events)
    return [json.loads(payloads[0].data)["message_id"] for payloads in signals if payloads]


@pytest.mark.timeout(600)
async def test_two_minutes_of_pushes_while_temporal_is_away_arrive_once_and_in_order(tmp_path: Path) -> None:
    port, ui_port, database = free_port(), free_port(), tmp_path / "temporal.db"
    async with serving(platform()) as address:
        settings = gateway_settings(tmp_path, address, port)
        async with gateway_process(**settings) as gateway:
            async with embedded_server(database, port, ui_port) as server:
                await gateway.started()
                server.process.kill()
                await server.ended()
            async with gateway.client() as client:
                sent = await pushed_while_away(client)
            async with embedded_server(database, port, ui_port) as server:
                for own_id, names in sent.items():

                    async def arrived(own_id: int = own_id, names: list[str] = names) -> bool:
                        return len(await told(server.client, own_id)) >= len(names)

                    await eventually(f"the messages of case {own_id}", arrived, PATIENCE_SECONDS)
                    assert await told(server.client, own_id) == names
                assert await gateway.end(signal.SIGTERM) == 0
            assert gateway.events().count(FAILS) == gateway.events().count(WORKS) == 1
