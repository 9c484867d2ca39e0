"""月报: a month's figures per shop, beside those of the month before."""

import asyncio
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from aftersales.desk.rendering import page, services_of, user_of
from aftersales.desk.sections.month_page import month_values
from aftersales.importing.shop_policies import policies_in_force
from aftersales.ledger.month_figures import Month, month_of
from aftersales.ledger.month_report import month_after, month_before, read_report, this_month
from cases.errors import BadForm


async def month_page(request: Request) -> Response:
    """Show the figures of the month that the address names, or of the current one."""
    services = services_of(request)
    user = user_of(request)
    asked, unusable = _asked(request.query_params.get("month", ""))
    shop = request.query_params.get("shop") or None
    open_now = await services.stakes.of(user.shops if shop is None else [shop])
    policies = policies_in_force(services.settings)
    report = await asyncio.to_thread(
        read_report, services.ledger, asked, shop, open_now, policies=policies, sees=user.sees
    )
    values = month_values(report, {name: services.shop_name(name) for name in report.names}, links=True)
    return page(
        request,
        "month.html",
        shops={name: services.shop_name(name) for name in services.shops_of(user, report.names)},
        chosen=shop,
        unusable=unusable,
        earlier=_address(month_before(asked), shop),
        later=_address(month_after(asked), shop) if str(asked) < this_month() else None,
        **values,
    )


def _asked(written: str) -> tuple[Month, str | None]:
    """Return the month that is asked for; one that is none is named, and the current one shown."""
    try:
        return month_of(written or this_month()), None
    except BadForm:
        return month_of(this_month()), f"月份有误,已显示本月:{written};写法如 2026-11"


def _address(month: Month, shop: str | None) -> str:
    return "/month?" + urlencode({"month": str(month), **({"shop": shop} if shop else {})})
