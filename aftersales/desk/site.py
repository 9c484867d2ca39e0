"""The desk as a web application: its pages, behind the gate."""

from datetime import timedelta
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from temporalio.service import RPCError

from aftersales.desk.access.addresses import DeskAddress
from aftersales.desk.access.login import Login, SessionLogin
from aftersales.desk.access.sessions import Lifetimes, Sessions
from aftersales.desk.batch.batch_runs import BatchRuns
from aftersales.desk.chinese import words_of
from aftersales.desk.gate import Doors, Gate
from aftersales.desk.pages import batch_pages, case_page, home, live_page, monthly, tasks
from aftersales.desk.pages.login_page import login_routes
from aftersales.desk.rendering import DESK_FOLDER, page
from aftersales.desk.sections.live import LiveWatch
from aftersales.desk.services import DeskServices
from aftersales.monitoring.health_pages import health_routes
from aftersales.monitoring.readiness import Readiness, ReadinessCheck
from aftersales.monitoring.temporal_checks import check_temporal
from aftersales.runtime.secret_files import kept_secret
from aftersales.runtime.settings import Settings
from cases.errors import CaseError, Refused

KEY_FILE: Final = "desk.secret"
UNREACHABLE: Final = "后台服务现在连不上,请稍后刷新,看案件现在的状态;一直这样,请告诉管理员"
NOT_READ: Final = "请求无法读取,什么也没有做"
_NO_PAGE: Final = {404: "没有这个页面", 405: "没有这个页面,什么也没有做"}


async def failed(request: Request, fault: Exception) -> Response:
    """Say in a page what went wrong."""
    assert isinstance(fault, CaseError)  # noqa: S101 - it is registered for these
    return page(request, "error.html", status=403 if isinstance(fault, Refused) else 503, words=words_of(fault))


async def unreachable(request: Request, fault: Exception) -> Response:
    """Say in a page that the server does not answer."""
    structlog.get_logger("desk").error("no answer from Temporal", fault=type(fault).__name__)
    return page(request, "error.html", status=503, words=UNREACHABLE)


async def no_page(request: Request, fault: Exception) -> Response:
    """Say in a page that an address leads nowhere, or takes nothing."""
    status = fault.status_code if isinstance(fault, HTTPException) else 404
    return page(request, "error.html", status=status, words=_NO_PAGE.get(status, NOT_READ))


def make_desk(services: DeskServices, login: Login, readiness: Readiness | None = None) -> Starlette:
    """Make the application; raises BadForm if the secret of its sessions cannot be kept.

    By itself it is ready if Temporal answers; ``readiness`` may say more.
    """
    if readiness is None:
        readiness = Readiness(ReadinessCheck("temporal", lambda: check_temporal(services.client)))
        readiness.has_started = True
    settings = services.settings
    doors = Doors(login, make_sessions(settings), DeskAddress(settings))
    app = Starlette(
        routes=[
            Route("/", home.home),
            Route("/case/{process}/{own_id:path}", case_page.case_page, methods=["GET", "POST"]),
            *health_routes(readiness),
            Route("/month", monthly.month_page),
            Route("/batch", batch_pages.batch_page, methods=["GET", "POST"]),
            Route("/batch/run", batch_pages.carry_out, methods=["POST"]),
            Route("/batch/run/{token}", batch_pages.results_page),
            Route("/tasks", tasks.tasks_page, methods=["GET", "POST"]),
            Route("/live", live_page.live),
            Mount("/static", StaticFiles(directory=DESK_FOLDER / "static")),
            *login_routes(login),
        ],
        middleware=[Middleware(Gate, doors=doors)],
        exception_handlers={CaseError: failed, RPCError: unreachable, HTTPException: no_page},
    )
    app.router.redirect_slashes = False  # it would name the scheme that a proxy in front of us speaks to us
    app.state.services, app.state.doors = services, doors
    app.state.has_sessions = isinstance(login, SessionLogin)
    app.state.batches = BatchRuns(services.cases, services.decisions, services.ledger)
    app.state.live = LiveWatch(services)
    return app


def make_sessions(settings: Settings) -> Sessions:
    """Return the sessions, signed with the secret of this installation, so that they outlive the process."""
    secret = kept_secret(settings.desk_secret_file or settings.data_dir / KEY_FILE)
    lifetimes = Lifetimes(timedelta(minutes=settings.desk_idle_minutes), timedelta(hours=settings.desk_login_hours))
    return Sessions(secret, lifetimes)
