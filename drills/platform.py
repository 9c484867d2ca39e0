"""The sandbox of a drill as a program: it fails and refuses, and keeps a journal of what it has carried out.

``python -m drills.platform FOLDER PORT GATEWAY SEED``.  What the sandbox itself forgets when it is killed (JD's orders)
is read from the journal again.  The operators' program that takes the notices listens here, too.
"""

import asyncio
import json
import random
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftersales.platforms.credentials import read_secrets
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.stopping import stop_asked
from aftersales.sandbox.douyin.faults import Fault
from aftersales.sandbox.douyin.pushing import Behaviour
from aftersales.sandbox.jd import Shipped
from aftersales.sandbox.server import make_sandbox

CONTROL = "drill"
SECRETS, RECORDS, SHIPPED, NOTICES = "secrets.yaml", "records.json", "jd.jsonl", "notices.jsonl"
UNANSWERED = 0.02
"""The share of calls that are carried out, but whose answer is lost; as many fail before they are carried out."""
REFUSED = 0.01
EVIDENCE_UNANSWERED = 0.3
"""The same of evidence, the one call that the sandbox itself carries out as often as it is made."""
JD_BUSY = {"error_response": {"code": "66", "zh_desc": "平台连接后端服务不可用", "en_desc": "Service Unavailable"}}


class ShippedJournal(list[Shipped]):
    """JD's shipped orders, each on disk before JD answers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(
            Shipped(row["order_id"], row["company_id"], row["waybill"], datetime.fromisoformat(row["at"]))
            for row in rows(path)
        )

    def append(self, shipped: Shipped) -> None:
        """Write down an order that is shipped."""
        write(self._path, {**vars(shipped), "at": shipped.at.isoformat()})
        super().append(shipped)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a journal; a line torn by a kill counts as not written."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def write(path: Path, row: dict[str, Any]) -> None:
    """Write a row; begins a new line, in case the one before was torn."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{json.dumps(row, ensure_ascii=False)}\n")


def faults(seed: int) -> Iterable[Fault]:
    """Return how Douyin's methods fail: one call in twenty."""
    evidence = "afterSale.submitEvidence"
    yield Fault(kind="http_500", method=evidence, share=EVIDENCE_UNANSWERED, seed=seed, performed=True)
    yield Fault(kind="http_500", share=UNANSWERED, seed=seed + 1, performed=True)
    yield Fault(kind="http_500", share=UNANSWERED, seed=seed + 2)
    yield Fault(kind="refuse", method="afterSale.operate", share=REFUSED * 4, seed=seed + 3)


async def main(folder: Path, port: int, gateway: str, seed: int) -> None:
    """Serve until somebody stops us."""
    app = make_sandbox(read_secrets(folder / SECRETS), gateway=gateway, state=folder / RECORDS, control_token=CONTROL)
    app.state.jd.shipped = ShippedJournal(folder / SHIPPED)
    for fault in faults(seed):
        app.state.sandbox.faults.add(fault)
    astray = Behaviour(seed=seed, duplicates=0.3, reordered=0.2, delay=2.0, hold=1.0)
    app.state.sandbox.pusher.behave(astray)
    draw = random.Random(seed)

    async def fail(request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Fail one call of JD in twenty-five, half of them after it was carried out."""
        fate = draw.random() if request.url.path.startswith("/jd") else 1.0
        if fate < UNANSWERED:
            return JSONResponse(JD_BUSY)
        answer = await call_next(request)
        return JSONResponse(JD_BUSY) if fate < 2 * UNANSWERED else answer

    async def notice(request: Request) -> Response:
        """Take a notice."""
        row = json.loads(await request.body())
        write(folder / NOTICES, {"key": row["key"], "kind": row["kind"], "at": datetime.now(UTC).isoformat()})
        return Response(status_code=202)

    app.add_middleware(BaseHTTPMiddleware, dispatch=fail)
    app.routes.append(Route("/notices", notice, methods=["POST"]))
    stop = stop_asked()
    with listen("127.0.0.1", port, "DRILL") as listener:
        async with serving(app, listener):
            sys.stderr.write("sandbox started\n")
            sys.stderr.flush()
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
