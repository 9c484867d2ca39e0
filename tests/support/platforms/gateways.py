"""The gateway as a process of its own, and a platform that knows every after-sale."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.patience import PATIENCE_SECONDS
from tests.support.platforms.pushing import APP, SECRET, SHOP
from tests.support.programs.embedded import surroundings
from tests.support.programs.programs import ROOT, free_port
from tests.support.temporal.life import whole_now

COMMAND = "import typer; from aftersales.cli.running.servers import gateway_command; typer.run(gateway_command)"
STARTED = "gateway started"


def platform() -> Starlette:
    """Serve the methods of Douyin that opening cases needs."""

    async def token(_: Request) -> Response:
        granted = {"access_token": "t", "refresh_token": "r", "expires_in": 604800, "shop_id": int(SHOP)}
        return JSONResponse({"code": 10000, "msg": "success", "data": {**granted, "shop_name": "", "scope": "SCOPE"}})

    async def detail(request: Request) -> Response:
        own_id, now = int((await request.json())["after_sale_id"]), int(whole_now().timestamp())
        info = {
            "after_sale_id": own_id,
            "after_sale_status": 6,
            "after_sale_type": 7,
            "apply_time": now,
            "update_time": now,
            "reason": "一直未收到货",
            "status_deadline": now + 48 * 3600,
        }
        order = {"shop_order_id": own_id + 1, "sku_order_infos": [{"sku_order_id": own_id + 2, "pay_amount": 9990}]}
        data = {"process_info": {"after_sale_info": info}, "order_info": order}
        return JSONResponse({"code": 10000, "msg": "success", "data": data})

    return Starlette(
        routes=[
            Route("/token/create", token, methods=["POST"]),
            Route("/afterSale/Detail", detail, methods=["POST"]),
        ]
    )


def secrets_file(folder: Path, platform_address: str) -> Path:
    path = folder / "secrets.yaml"
    block = {
        "address": platform_address,
        "apps": [{"app_key": APP, "app_secret": SECRET}],
        "shops": [{"shop_id": SHOP, "app_key": APP}],
    }
    path.write_text(json.dumps({"douyin": block}), encoding="utf-8")
    path.chmod(0o600)
    return path


def gateway_settings(folder: Path, platform_address: str, temporal_port: int) -> dict[str, str]:
    """Return the variables of a gateway for one shop, whose secrets file is written into its data folder."""
    return {
        "AFTERSALES_DATA_DIR": str(folder),
        "AFTERSALES_SECRETS_FILE": str(secrets_file(folder, platform_address)),
        "TEMPORAL_ADDRESS": f"127.0.0.1:{temporal_port}",
    }


class GatewayProcess:
    """A running gateway, and the lines it writes on standard error."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self.process, self.address, self.lines = process, address, list[str]()
        self._started = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.lines.append(line.decode().rstrip())
            if STARTED in self.lines[-1]:
                self._started.set()
        self._started.set()

    async def started(self) -> "GatewayProcess":
        await asyncio.wait_for(self._started.wait(), PATIENCE_SECONDS)
        assert self.events() == [STARTED], self.lines
        return self

    async def ended(self) -> int:
        await asyncio.wait_for(self._reading, PATIENCE_SECONDS)
        return await self.process.wait()

    async def end(self, how: signal.Signals) -> int:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        return await self.ended()

    def events(self) -> list[Any]:
        """The events that it logged."""
        return [json.loads(line)["event"] for line in self.lines if line.startswith("{")]

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.address, verify=False, timeout=PATIENCE_SECONDS)


@asynccontextmanager
async def gateway_process(**environment: str) -> AsyncIterator[GatewayProcess]:
    """Run a gateway with these variables in its environment; kill it when the block ends."""
    port = environment.get("AFTERSALES_GATEWAY_PORT") or str(free_port())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", COMMAND),
        cwd=ROOT,
        env=surroundings(**{**environment, "AFTERSALES_GATEWAY_PORT": port}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    gateway = GatewayProcess(process, f"http://127.0.0.1:{port}")
    try:
        yield gateway
    finally:
        await gateway.end(signal.SIGKILL)
