"""The gate of the desk: what every request has to pass before a page sees it, and what every answer carries."""

import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aftersales.desk.access.addresses import DeskAddress, own_page
from aftersales.desk.access.login import LOGIN_PAGE, Login
from aftersales.desk.access.sessions import Session, Sessions
from aftersales.desk.rendering import page
from cases.errors import CaseError

PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer, browsers would hide the origin of our own forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
"""The headers of every page; nothing comes from another host, and no address goes to one."""
HTTPS_ONLY: Final = "max-age=31536000"
READING: Final = ("GET", "HEAD")
"""The methods that change nothing."""
LARGEST_BODY: Final = 8 * 1024 * 1024
LARGEST_STRANGE_BODY: Final = 64 * 1024
"""What somebody may send who is not logged in."""
MOST_FIELDS: Final = 2000
"""The most fields of a form; the largest batch has fewer."""
FORM_FIELD: Final = "csrf"
FORM_HEADER: Final = "x-csrf-token"
"""Where a form carries its token; a script may send it in the header instead."""
WITHOUT_SESSION: Final = ("/static/", "/healthz", "/readyz")
"""The paths that are the same for everybody, under whatever name the desk is asked."""
FORGED: Final = "请求不是从工作台的页面发出的,已拒绝 / the request did not come from a page of the desk"
BROKEN: Final = "工作台出了故障,刚才的操作可能没有完成:请回到待办,看案件现在的状态,并告诉管理员"
OUTDATED: Final = "页面已过期,没有提交:请返回上一页,刷新后重试 / the page is out of date: go back, reload it, try again"


@dataclass(frozen=True)
class Doors:
    """What the gate decides by: the way to log in, the sessions, and the desk's own addresses."""

    login: Login
    sessions: Sessions
    address: DeskAddress

    @property
    def cookie(self) -> str:
        """The name of the cookie; browsers take one with this prefix by https alone, and from no other host."""
        return "__Host-aftersales" if self.address.is_https else "aftersales"


class Gate:
    """Lets in who is logged in, sends others to the page of logging in, and refuses forged requests."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        """Guard an application."""
        self._app, self._doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, doors = Request(scope, receive), self._doors
        kept = request.cookies.get(doors.cookie)
        request.state.session = doors.sessions.read(kept) or Session()
        request.state.csrf = doors.sessions.csrf_token(request.state.session)
        request.state.user = None

        answering = False

        async def answer(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                self._put_headers(request, kept, MutableHeaders(scope=message))
            await send(message)

        try:
            if request.scope["path"].startswith(WITHOUT_SESSION):
                refused: Response | None = None
            else:
                refused = self._refusal(request)
                if refused is None and request.method not in READING:
                    refused, receive = await self._with_token(request)
            await (refused or self._app)(scope, receive, answer)
        except ClientDisconnect:
            return  # nobody waits for an answer
        except Exception:
            if answering:
                raise
            structlog.get_logger("desk").exception("page failed")
            await _refused(request, 500, BROKEN)(scope, receive, answer)

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that is not let in; note the user of one that is."""
        if not self._doors.address.is_ours(request.headers.get("host")):
            text = "请使用工作台的地址访问 / not the address of this desk: set AFTERSALES_DESK_ADDRESS"
            return PlainTextResponse(text, 400)
        if request.method not in READING and not self._is_from_us(request):
            return _refused(request, 403, FORGED, "origin")
        try:
            request.state.user = self._doors.login.user_of(request)
        except CaseError:  # the access file has been changed, and cannot be read
            structlog.get_logger("desk").exception("access file")
            return _refused(request, 503, "登录设置有误,请联系管理员 / the access file cannot be read")
        if request.state.user is None and not request.scope["path"].startswith(LOGIN_PAGE):
            return self._to_login(request)
        return None

    def _is_from_us(self, request: Request) -> bool:
        """Return whether a browser says that a page of ours has sent a request; every browser says so of a POST."""
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is not None and site not in ("same-origin", "none"):
            return False
        if origin is None:
            return site is not None
        return origin.lower() == self._doors.address.origin(request)

    async def _with_token(self, request: Request) -> tuple[Response | None, Receive]:
        largest = LARGEST_STRANGE_BODY if request.state.user is None else LARGEST_BODY
        body = await _body(request, largest)
        if body is None:
            text = f"内容过大,最多 {largest // 1024} KB / too large"
            return _refused(request, 413, text), request.receive
        given = request.headers.get(FORM_HEADER)
        if given is None:
            try:
                sent = Request(request.scope, _again(body, request.receive))
                async with sent.form(max_fields=MOST_FIELDS, max_part_size=LARGEST_BODY) as form:
                    given = form.get(FORM_FIELD)  # type: ignore[assignment]
            except HTTPException:
                return _refused(request, 400, "表单无法读取 / the form cannot be read"), request.receive
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), request.state.csrf.encode()):
            return _refused(request, 403, OUTDATED, "token"), request.receive
        return None, _again(body, request.receive)

    def _to_login(self, request: Request) -> Response:
        if self._doors.login.address is None:
            return _refused(request, 403, "您没有使用工作台的权限,请联系管理员 / you may not use the desk")
        wanted = request.scope["path"]
        if request.method not in READING:
            wanted = urlsplit(request.headers.get("referer", "")).path
        elif request.url.query:
            wanted = f"{wanted}?{request.url.query}"
        target = own_page(wanted)
        asked = "" if target == "/" else f"?next={quote(target, safe='/')}"
        return RedirectResponse(f"{self._doors.login.address}{asked}", 303)

    def _put_headers(self, request: Request, kept: str | None, headers: MutableHeaders) -> None:
        for name, value in PAGE_HEADERS.items():
            headers.setdefault(name, value)
        if self._doors.address.is_https:
            headers.setdefault("strict-transport-security", HTTPS_ONLY)
        if request.scope["path"].startswith(WITHOUT_SESSION):
            return
        session: Session = request.state.session
        # What a script asks for in the background is no sign that anybody is there.
        if request.headers.get("sec-fetch-dest", "document") == "document":
            session = self._doors.sessions.used(session)
        value = self._doors.sessions.written(session)
        if value != kept:
            secure = "; Secure" if self._doors.address.is_https else ""
            headers.append("set-cookie", f"{self._doors.cookie}={value}; Path=/; HttpOnly; SameSite=Lax{secure}")


def _refused(request: Request, status: int, words: str, why: str | None = None) -> Response:
    if why:
        structlog.get_logger("desk").warning("request refused", why=why)
    return page(request, "error.html", status=status, words=words)


async def _body(request: Request, largest: int) -> bytes | None:
    """Return the body of a request; None if it is larger."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            return None
        parts.append(part)
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a way to receive a body that has been read."""
    left = [body]

    async def received() -> Message:
        return {"type": "http.request", "body": left.pop(), "more_body": False} if left else await receive()

    return received
