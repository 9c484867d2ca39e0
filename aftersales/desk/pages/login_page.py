"""登录: logging in and out."""

from collections.abc import Sequence
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from aftersales.desk.access.addresses import Proxies, own_page
from aftersales.desk.access.local_login import PasswordLogin
from aftersales.desk.access.login import LOGIN_PAGE, Login, LoginRefused, SessionLogin
from aftersales.desk.access.openid_login import OpenIdLogin
from aftersales.desk.access.sessions import Identity, Session
from aftersales.desk.gate import Doors
from aftersales.desk.rendering import page, services_of

LOGOUT: Final = "/logout"


def login_routes(login: Login) -> Sequence[Route]:
    """Return the pages of a way to log in."""
    if not isinstance(login, SessionLogin):
        return ()
    routes = [Route(LOGIN_PAGE, show_login), Route(LOGOUT, log_out, methods=["POST"])]
    if isinstance(login, PasswordLogin):
        return [*routes, Route(LOGIN_PAGE, log_in, methods=["POST"])]
    return [
        *routes,
        Route(f"{LOGIN_PAGE}/start", begin_at_provider),
        Route(f"{LOGIN_PAGE}/callback", end_at_provider),
    ]


async def show_login(request: Request) -> Response:
    """Show how to log in; whoever is logged in goes on to the page that he wanted."""
    target = own_page(request.query_params.get("next"))
    if request.state.user is not None:
        return RedirectResponse(target, 303)
    return _login_page(request, target)


async def log_in(request: Request) -> Response:
    """Log in with a name and a password."""
    doors = _doors(request)
    assert isinstance(doors.login, PasswordLogin)  # noqa: S101 - else there is no such page
    async with request.form() as form:
        name, password, wanted = (str(form.get(field) or "") for field in ("name", "password", "next"))
    address = Proxies(services_of(request).settings.desk_trusted_proxies).asker(request)
    try:
        who = await doors.login.checked(name, password, address)
    except LoginRefused as bad:
        return _not_let_in(request, bad, own_page(wanted), name)
    return _let_in(request, who, own_page(wanted))


async def begin_at_provider(request: Request) -> Response:
    """Send a browser to the provider of logins."""
    doors = _doors(request)
    assert isinstance(doors.login, OpenIdLogin)  # noqa: S101 - else there is no such page
    target = own_page(request.query_params.get("next"))
    try:
        address, pending = await doors.login.begun(target, _callback(request))
    except LoginRefused as bad:
        return _not_let_in(request, bad, target)
    request.state.session = doors.sessions.awaiting(request.state.session, pending)
    return RedirectResponse(address, 303)


async def end_at_provider(request: Request) -> Response:
    """Log in whom the provider has sent back."""
    doors = _doors(request)
    assert isinstance(doors.login, OpenIdLogin)  # noqa: S101 - else there is no such page
    pending = request.state.session.pending
    request.state.session = request.state.session.model_copy(update={"pending": None})
    if pending is None or not doors.sessions.pends(pending):
        return _not_let_in(request, LoginRefused("登录已超时,请重新登录 / log in again: this took too long", 403), "/")
    try:
        who = await doors.login.finished(request.query_params, pending, _callback(request))
    except LoginRefused as bad:
        return _not_let_in(request, bad, pending.target)
    return _let_in(request, who, pending.target)


async def log_out(request: Request) -> Response:
    """End the session."""
    _doors(request).sessions.end(request.state.session)
    request.state.session = Session()
    return RedirectResponse(f"{LOGIN_PAGE}?out=1", 303)


def _let_in(request: Request, who: Identity, target: str) -> Response:
    sessions = _doors(request).sessions
    session = sessions.begun(who)
    if not sessions.fits(session):
        return _not_let_in(request, LoginRefused("您的店铺过多,无法登录,请联系管理员 / too many shops", 403), target)
    sessions.end(request.state.session)
    request.state.session = session
    structlog.get_logger("desk").info("logged in", name=who.name)
    return RedirectResponse(own_page(target), 303)


def _not_let_in(request: Request, bad: LoginRefused, target: str, name: str = "") -> Response:
    structlog.get_logger("desk").warning("login refused", status=bad.status)
    shown = _login_page(request, target, status=bad.status, words=str(bad), name=name)
    if bad.wait:
        shown.headers["retry-after"] = str(bad.wait)
    return shown


def _login_page(request: Request, target: str, *, status: int = 200, words: str = "", name: str = "") -> Response:
    return page(
        request,
        "login.html",
        status=status,
        target=target,
        words=words,
        name=name,
        with_password=isinstance(_doors(request).login, PasswordLogin),
        logged_out="out" in request.query_params,
    )


def _callback(request: Request) -> str:
    return f"{_doors(request).address.origin(request)}{LOGIN_PAGE}/callback"


def _doors(request: Request) -> Doors:
    doors: Doors = request.app.state.doors
    return doors
