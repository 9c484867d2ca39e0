"""The gateway and the desk over real HTTP, fuzzed by schemathesis from a description made of their own routes.

The desk stands before a real Temporal server with a worker and a few open cases, so that what is posted is carried out.
"""

import asyncio
import re
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import schemathesis
from starlette.applications import Starlette
from starlette.routing import Route

from aftersales.bootstrap import make_worker, simulated_dependencies
from aftersales.desk.access.login import OneUser
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.gateway.app import make_gateway
from aftersales.gateway.dispatcher import Dispatcher
from aftersales.gateway.inbox import Inbox
from aftersales.ledger.store import SqlLedger
from aftersales.platforms.scripted import Script
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.embedded_server import embedded_server
from cases.messages import Opening
from proofs.fuzzing.campaign import FailingInput, Fuzzed, fuzz_round
from proofs.fuzzing.target import BadOutcome
from tests.support.platforms.pushing import SENDERS, RecordingFeed, endpoints
from tests.support.programs.programs import free_port
from tests.support.temporal.life import facts
from workflows.opening import start_case
from workflows.registry import PROCESSES

MOST_SECONDS = 20.0
"""How long an answer may take, on a machine that does other things too."""
ROUND_OF_REQUESTS = 50
OPEN = ("F1", "F2")
QUEUE = "fuzz"
ODD = [
    "",
    "0",
    "-1",
    "1",
    "400",
    "1e9",
    "2026-01",
    "2026-13",
    "=1+1",
    "../..",
    "F1",
    "S1",
    "O1",
    "%00",
    "<x>",
    "\u202e",
]
QUERY = (
    *("shop", "platform", "process", "state", "least", "clerk", "search", "group", "page", "rule", "order", "month"),
    *("mark", "next", "of", "sent", "task"),
)
POSTED = (
    *(
        "desk-do",
        "desk-rule",
        "desk-order",
        "desk-id",
        "desk-seen",
        "desk-serial",
        "desk-note",
        "desk-claim",
        "desk-sure",
    ),
    *(
        "desk-case",
        "desk-again",
        "desk-instead",
        "token",
        "plan",
        "act",
        "label",
        "lines",
        "case",
        "left",
        "clerk",
        "preview",
    ),
    *("reason", "note", "occurred_at", "carrier", "tracking_no", "after_consent", "evidence.0.kind", "evidence.0.url"),
)
DONE = [
    "fire",
    "agree",
    "refuse",
    "ship",
    "note",
    "claim",
    "leave",
    "done_by_hand",
    "retry_effect",
    "choose",
    "confirm",
]


@dataclass(frozen=True)
class Site:
    """A web application that is served: its routes, where, and the headers that every request bears."""

    name: str
    app: Starlette
    address: str
    headers: dict[str, str]


def described(app: Starlette) -> dict[str, Any]:
    """Return an OpenAPI description of an application's routes, with the names that our pages use."""
    paths: dict[str, Any] = {}
    for route in app.routes:
        if isinstance(route, Route):
            path = re.sub(r":\w+}", "}", route.path)
            names = re.findall(r"{(\w+)}", path)
            methods = sorted((route.methods or {"GET"}) - {"HEAD"})
            paths[path] = {method.lower(): _operation(method, names) for method in methods}
    return {"openapi": "3.0.3", "info": {"title": "fuzz", "version": "1"}, "paths": paths}


def _operation(method: str, names: list[str]) -> dict[str, Any]:
    text = {"anyOf": [{"type": "string", "enum": ODD}, {"type": "string", "maxLength": 30}]}
    known = {"process": {"anyOf": [{"enum": list(PROCESSES)}, text]}, "own_id": {"anyOf": [{"enum": [*OPEN]}, text]}}
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": known.get(name, text)} for name in names),
        *({"name": name, "in": "query", "required": False, "schema": text} for name in QUERY),
    ]
    operation: dict[str, Any] = {"parameters": parameters, "responses": {"default": {"description": "any"}}}
    if method == "POST":
        done = {"anyOf": [{"enum": DONE}, text]}
        fields = {name: done if name in ("desk-do", "desk-rule", "act") else text for name in POSTED}
        form = {"type": "object", "properties": fields, "additionalProperties": text}
        upload = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}, **fields}}
        operation["requestBody"] = {
            "content": {
                "application/x-www-form-urlencoded": {"schema": form},
                "multipart/form-data": {"schema": upload},
                "application/json": {"schema": {}},
            }
        }
    return operation


@contextmanager
def sites() -> Iterator[tuple[Site, ...]]:
    """Serve gateway and desk in a thread of their own until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    served = _served()
    try:
        yield asyncio.run_coroutine_threadsafe(served.__aenter__(), loop).result(timeout=120)
    finally:
        asyncio.run_coroutine_threadsafe(served.__aexit__(None, None, None), loop).result(timeout=60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[Site, ...]]:
    with tempfile.TemporaryDirectory(prefix="aftersales-fuzz-") as name:
        folder = Path(name)
        own = Settings(task_queue=QUEUE, data_dir=folder, graceful_shutdown_seconds=0.1)
        async with (
            embedded_server(folder / "temporal.db", free_port(), free_port()) as server,
            make_worker(server.client, own, simulated_dependencies(Script())),
            Inbox(folder / "inbox.db") as inbox,
        ):
            for own_id in OPEN:
                await start_case(server.client, QUEUE, PROCESSES["douyin_reship"], Opening(facts=facts(own_id)))
            with SqlLedger(folder / "ledger.sqlite3") as ledger:
                desk = make_desk(DeskServices(server.client, ledger, own, {"S1": "旗舰店"}), OneUser("fuzz"))
                feed = RecordingFeed().feed
                gateway = make_gateway(endpoints(), inbox, feed, dispatcher=Dispatcher(inbox, feed, SENDERS))
                async with _at(desk) as desk_address, _at(gateway) as gateway_address:
                    yield (
                        Site("desk", desk, desk_address, await _as_browser(desk_address)),
                        Site("gateway", gateway, gateway_address, {}),
                    )


@asynccontextmanager
async def _at(app: Starlette) -> AsyncIterator[str]:
    with listen("127.0.0.1", 0) as listener:
        async with serving(app, listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def _as_browser(address: str) -> dict[str, str]:
    """Return the headers of a browser that has opened a page: its session, and the token of the page's forms."""
    async with httpx2.AsyncClient(base_url=address) as browser:
        shown = await browser.get("/case/none/none")
        token = re.search(r'<meta name="csrf-token" content="(\w+)">', shown.text)
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        return {"origin": address, "x-csrf-token": token[1] if token else "", "cookie": cookies}


def fuzz_site(site: Site, seconds: float, first_seed: int) -> Fuzzed:
    """Send what is drawn for every route in turn; every answer must be in words and in time."""
    done, until = Fuzzed(site.name), time.monotonic() + seconds
    left = [found.ok() for found in schemathesis.openapi.from_dict(described(site.app)).get_all_operations()]
    share = seconds / len(left) / 2
    number = first_seed
    while left and time.monotonic() < until:
        for operation in list(left):
            ends = min(until, time.monotonic() + share)
            if failed := fuzz_round(
                operation.as_strategy(), partial(_send, site), number, ROUND_OF_REQUESTS, ends, done
            ):
                case, why = failed
                request, where = case.as_curl_command(), f"{operation.method} {operation.path}"
                done.found += (FailingInput(site.name, request.encode("utf-8", "replace"), f"{where}: {why}"),)
                left.remove(operation)
        number += 1
    return done


def _send(site: Site, case: Any) -> None:
    began = time.monotonic()
    answer = case.call(base_url=site.address, headers=site.headers, timeout=MOST_SECONDS + 10, allow_redirects=False)
    if why := _wrong(answer, time.monotonic() - began):
        raise BadOutcome(why)


def _wrong(answer: Any, took: float) -> str | None:
    if answer.status_code >= 500:  # noqa: PLR2004 - a fault of ours
        return f"status {answer.status_code}: {answer.text[:200]}"
    if "Traceback (most recent call last)" in answer.text:
        return "a traceback is shown"
    return f"took {took:.1f} s" if took > MOST_SECONDS else None
