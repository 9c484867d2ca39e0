"""Rendering pages: one template a page, with everything in it escaped unless a template says otherwise."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from aftersales.desk.access.users import User
from aftersales.desk.chinese import chinese_of
from aftersales.desk.keys import key_of
from aftersales.platforms.marketplace import console_address
from cases.shanghai import SHANGHAI

if TYPE_CHECKING:
    from aftersales.desk.services import DeskServices

DESK_FOLDER: Final = Path(__file__).parent
SECTIONS: Final[Mapping[str, str]] = {"/": "待办", "/batch": "批量", "/tasks": "控制台任务", "/month": "月报"}
"""The addresses and names of the sections, as in the navigation."""


def is_live(path: str) -> bool:
    """Return whether a page is kept up to date while it is open."""
    return path in ("/", "/tasks") or path.startswith("/case/")


def _moment(at: datetime | str | None, form: str = "%m-%d %H:%M") -> str:
    if at is None:
        return ""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    return instant.astimezone(SHANGHAI).strftime(form)


def _money(amount: Decimal | float | str | None) -> str:
    return "未知" if amount is None else f"{Decimal(str(amount)):.2f} 元"


def _remaining(due: datetime, now: datetime) -> str:
    """Return how much time is left, or how long ago it ended."""
    minutes = int(abs(due - now).total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    length = f"{days}天{hours}小时" if days else f"{hours}小时{rest}分" if hours else f"{rest}分"
    return f"已超时 {length}" if due <= now else f"剩 {length}"


def server_time() -> str:
    """Return the time now, for pages to count by: the clock of whoever looks at one may be wrong."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def case_path(case_id: str, rule: str | None = None, order: str | None = None) -> str:
    """Return the address of a case's page, or of the panel in which a rule of it, or of an order, is decided."""
    named = {name: value for name, value in (("rule", rule), ("order", order)) if value}
    return f"/case/{quote(case_id)}" + (f"?{urlencode(named)}" if named else "")


def _console_address(page: str, case_id: str) -> str | None:
    """Return the address of the back office in which a page of a case's console tasks is, if it is in one."""
    return console_address(case_id.partition("/")[0], page)


def make_environment() -> Environment:
    """Return the environment of the templates; a name that a template is not given is an error."""
    environment = Environment(
        loader=FileSystemLoader(DESK_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "money": _money, "remaining": _remaining, "chinese": chinese_of}
    environment.filters |= {"case_path": case_path, "console_address": _console_address}
    environment.globals |= {"sections": SECTIONS}
    environment.globals |= {"key_of": key_of, "is_live": is_live, "server_time": server_time}
    return environment


ENVIRONMENT: Final = make_environment()


def user_of(request: Request) -> User:
    """Return the user who asks; every page but that of logging in has one."""
    user: User = request.state.user
    return user


def services_of(request: Request) -> "DeskServices":
    """Return what the pages of the desk work with."""
    services: DeskServices = request.app.state.services
    return services


def _hidden(token: str) -> Markup:
    """Return the field that every posted form carries: it shows that a page of ours has sent it."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page rendered from a template."""
    text = ENVIRONMENT.get_template(template).render(
        user=getattr(request.state, "user", None),
        path=request.scope["path"],
        csrf=_hidden(request.state.csrf),
        csrf_token=request.state.csrf,
        can_log_out=request.app.state.has_sessions,
        **values,
    )
    return HTMLResponse(text, status)
