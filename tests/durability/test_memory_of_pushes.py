"""50,000 pushes pile up while Temporal is away: the gateway's memory does not grow with them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from aftersales.gateway.inbox import INBOX, Inbox
from tests.support.platforms.gateways import gateway_process, gateway_settings
from tests.support.platforms.pushing import body, content, pushed, signed
from tests.support.programs.programs import free_port

PUSHES = 50_000
WARM = 5_000
"""Pushes after which all that is kept for ever is there."""
AT_ONCE = 16
GROWTH_MB = 20
"""It grew by 6 MB; a kilobyte kept of each push would be 45."""


def pushes(first: int, last: int) -> Iterator[bytes]:
    """Yield pushes about a tenth as many cases."""
    for number in range(first, last):
        yield body(pushed("227", f"m{number}", content(1000 + number // 10)))


async def push(client: httpx2.AsyncClient, bodies: Iterator[bytes]) -> None:
    async def some() -> None:
        for message in bodies:
            answer = await client.post("/douyin", content=message, headers=signed(message))
            assert answer.status_code == 200

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


def resident_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.timeout(900)
async def test_fifty_thousand_pushes_leave_the_gateway_as_small_as_it_was(tmp_path: Path) -> None:
    settings = gateway_settings(tmp_path, "http://127.0.0.1:9", free_port())
    async with gateway_process(**settings) as gateway:
        await gateway.started()
        async with gateway.client() as client:
            await push(client, pushes(0, WARM))
            before = resident_mb(gateway.process.pid)
            await push(client, pushes(WARM, PUSHES))
            after = resident_mb(gateway.process.pid)
    async with Inbox(tmp_path / INBOX) as inbox:
        assert (await inbox.counts())["states"]["new"] == PUSHES
    print(f"{before:.0f} MB after {WARM} pushes, {after:.0f} MB after {PUSHES}")  # noqa: T201 - the figure that the drill is asked for
    assert after - before < GROWTH_MB
