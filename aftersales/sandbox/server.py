"""The sandbox as one web application: the platforms, a control interface, and the background tasks."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route

from aftersales.platforms.credentials import Secrets
from aftersales.sandbox import alibaba_1688, jd, taobao
from aftersales.sandbox.alibaba_1688 import Fake1688
from aftersales.sandbox.control import Bearer, Control
from aftersales.sandbox.douyin import api as douyin
from aftersales.sandbox.douyin.backend import RecordUnknown, Sandbox
from aftersales.sandbox.jd import FakeJd
from aftersales.sandbox.taobao import FakeTaobao
from cases.errors import BadForm, CaseError

log = logging.getLogger(__name__)

_TICK: Final = 0.2
"""Seconds between two checks of the clocks."""


def make_sandbox(apps: Secrets, *, gateway: str | None, state: Path | None, control_token: str) -> Starlette:
    """Return the application.

    Tests in the same process drive the platforms directly: ``state.sandbox`` (Douyin), ``state.jd``,
    ``state.alibaba_1688`` and ``state.taobao``.

    ``apps``: its applications and shops, in the form of our credentials; ``gateway``: the address to push messages
    to, None for no messages; ``state``: the file that keeps its state.  Raises BadForm for an empty token or an
    unreadable file.
    """
    if not control_token:
        raise BadForm("控制令牌不能为空 / the control token must not be empty", ("control_token",))
    sandbox = Sandbox(apps, gateway=gateway, state=state)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await sandbox.pusher.start()
        ticking = asyncio.create_task(_tick(sandbox))
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            await sandbox.pusher.stop()
            sandbox.save()

    fake_jd, fake_1688, fake_taobao = FakeJd(), Fake1688(), FakeTaobao()
    routes: list[BaseRoute] = [
        Route("/health", _health),
        Mount("/control", routes=Control(sandbox).routes(), middleware=[Middleware(Bearer, token=control_token)]),
        Mount("/douyin", routes=douyin.routes(sandbox)),
        Mount("/jd", routes=jd.routes(sandbox, fake_jd)),
        Mount("/1688", routes=alibaba_1688.routes(sandbox, fake_1688)),
        Mount("/taobao", routes=taobao.routes(sandbox, fake_taobao)),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={CaseError: _bad, HTTPException: _http})
    app.state.sandbox = sandbox
    app.state.jd, app.state.alibaba_1688, app.state.taobao = fake_jd, fake_1688, fake_taobao
    return app


async def _tick(sandbox: Sandbox) -> None:
    while True:
        try:
            sandbox.elapse()
            sandbox.save_progress()
        except OSError:
            log.exception("the sandbox's state could not be written")
        await asyncio.sleep(_TICK)


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def _bad(_: Request, error: Exception) -> JSONResponse:
    status = 404 if isinstance(error, RecordUnknown) else 400 if isinstance(error, BadForm) else 409
    return JSONResponse({"error": str(error)}, status)


async def _http(_: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else str(error)
    return JSONResponse({"error": detail}, status)
