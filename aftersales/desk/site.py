"""The desk as a web application: its pages, who may see them, and the headers of every answer."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from aftersales.desk.login import Login
from aftersales.desk.pages import case_page, home
from aftersales.desk.rendering import DESK_FOLDER, page
from aftersales.desk.services import DeskServices
from cases.errors import CaseError

PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
"""The headers of every page; nothing comes from another host, and no address goes to one."""
OPEN_PATHS: Final = ("/static/", "/healthz", "/login")
"""The paths that need no user."""
Next = Callable[[Request], Awaitable[Response]]


class Gate(BaseHTTPMiddleware):
    """Lets in who is logged in, sends others to the page of logging in, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, login: Login) -> None:
        """Let in whom the login knows."""
        super().__init__(app)
        self._login = login

    async def dispatch(self, request: Request, call_next: Next) -> Response:
        """Answer one request."""
        response = await self._answer(request, call_next)
        for name, value in PAGE_HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def _answer(self, request: Request, call_next: Next) -> Response:
        user = self._login.user_of(request)
        request.state.user = user
        if user is None and not request.url.path.startswith(OPEN_PATHS):
            address = self._login.address
            return RedirectResponse(address, 303) if address else PlainTextResponse("请先登录 / log in first", 401)
        return await call_next(request)


async def health(request: Request) -> Response:
    """Answer that the desk is alive."""
    del request
    return PlainTextResponse("ok")


async def failed(request: Request, fault: Exception) -> Response:
    """Say in a page what went wrong."""
    return page(request, "error.html", status=503, words=str(fault))


def make_desk(services: DeskServices, login: Login) -> Starlette:
    """Make the application."""
    app = Starlette(
        routes=[
            Route("/", home.home),
            Route("/case/{process}/{own_id:path}", case_page.case_page, methods=["GET", "POST"]),
            Route("/healthz", health),
            Mount("/static", StaticFiles(directory=DESK_FOLDER / "static")),
            *login.routes,
        ],
        middleware=[Middleware(Gate, login=login)],
        exception_handlers={CaseError: failed},
    )
    app.state.services = services
    return app
