"""Drive a case of the process ``toy``, in the copy of the project that has it; prints what happened as JSON."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from on_the_desk import decided_on_the_desk
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.gateway.app import make_gateway
from aftersales.gateway.case_client import CaseClient
from aftersales.gateway.inbox import Inbox
from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.notifications.log_notifier import LogNotifier
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.settings import Settings
from cases.models import read
from tests.support.platforms.pushing import APP, SECRET, SHOP, body, pushed, signed
from tests.support.platforms.serving import calling, serving
from tests.support.records.register import Register
from tests.support.rules.stage import Scene
from tests.support.temporal.life import Life, eventually, whole_now
from tests.support.temporal.servers import start_server

QUEUE = "toys"
CALLS: list[dict[str, Any]] = []


def douyin() -> Starlette:
    """Serve the methods of Douyin that a toy needs."""

    async def answer(request: Request) -> Response:
        method, asked = request.query_params["method"], await request.json()
        if method == "token.create":
            data = {"access_token": "t", "refresh_token": "r", "expires_in": 604800}
        else:
            CALLS.append({"method": method, "toy_id": asked["toy_id"]})
            data = {"order_id": "O1"}
        return JSONResponse({"code": 10000, "msg": "success", "data": data})

    return Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])


async def drive(folder: Path) -> dict[str, Any]:
    """Open the case and move it by a decision, a message and a clock."""
    environment = await start_server()
    # A client of its own: the cases that it opens have real time until they are moved.
    client = await Client.connect(
        environment.client.service_client.config.target_host, data_converter=pydantic_data_converter
    )

    async def connected() -> Client:
        return client

    async with serving(douyin()) as address:
        app = {"app_key": APP, "app_secret": SECRET}
        block = {"address": address, "apps": [app], "shops": [{"shop_id": SHOP, "app_key": APP}]}
        secrets = read(Secrets, {"douyin": block}, "secrets")
        async with Marketplaces(secrets, TokenStore()) as marketplaces, Inbox(folder / "inbox.db") as inbox:
            cases = CaseClient(connected, marketplaces.message_adapters(), QUEUE, Register())
            gateway = make_gateway(marketplaces.endpoints, inbox, cases.feed)
            dependencies = Dependencies(marketplaces, InMemoryLedger(), LogNotifier())
            settings = Settings(task_queue=QUEUE, data_dir=folder, graceful_shutdown_seconds=0.1)
            async with (
                make_worker(client, settings, dependencies),
                calling(gateway) as platform,
            ):

                async def push(tag: str, message_id: str) -> None:
                    sent = body(pushed(tag, message_id, {"shop_id": int(SHOP), "toy_id": 7}))
                    answer = await platform.post("/douyin", content=sent, headers=signed(sent))
                    assert answer.json()["code"] == 0, answer.text

                    async def dispatched() -> bool:
                        return not (await inbox.counts())["states"]["new"]

                    await eventually("the message is dispatched", dispatched)

                await push("9001", "m1")
                toy = Life(environment, environment.client.get_workflow_handle("toy/7"), Scene(), whole_now())
                pages = await decided_on_the_desk(client, settings, folder)
                await toy.until_state("agreed")
                await push("9002", "m2")
                await toy.until_state("shipped")
                await toy.pass_time("24h")
                ended = await toy.until_closed()
                timeline = (await toy.view())["timeline"]
                states = (await inbox.counts())["states"]
    await environment.shutdown()
    moves = [[entry["rule"], entry["by"]] for entry in timeline]
    return {"state": ended["state"], "moves": moves, "calls": CALLS, "messages": states["done"], "pages": pages}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(drive(Path(sys.argv[1])))))
    sys.stdout.flush()
    os._exit(0)  # the SDK's own threads now and then abort a process that winds down by itself
