"""The calls of the marketplaces are measured by method and result, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftersales.monitoring.figures import PLATFORM_CALLS
from aftersales.monitoring.platform_calls import platform_call
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.marketplace import installed_marketplaces
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport
from cases.errors import PlatformRefused, PlatformUnreachable
from cases.models import read
from tests.support.platforms.serving import serving

Call = Callable[[Any], Awaitable[object]]
TOKEN_SHOP = {"shop_id": "M1", "app_key": "K1", "access_token": "T1"}
CALLS: dict[str, tuple[str, dict[str, str], Call]] = {
    "douyin": ("token.create", {"shop_id": "M1", "app_key": "K1"}, lambda client: client.call("M1", "a.b", {})),
    "jd": ("jingdong.pop.order.get", TOKEN_SHOP, lambda client: client.order("M1", "1")),
    "taobao": ("taobao.trade.get", TOKEN_SHOP, lambda client: client.trade_status("M1", "1")),
    "alibaba_1688": ("alibaba.trade.get.sellerView", TOKEN_SHOP, lambda client: client.is_refunded("M1", "1")),
}
"""By marketplace: the method that is called first, a shop, and the call."""
REFUSAL = {
    "error_response": {"code": "27", "sub_code": "isv.trade-not-exist", "msg": "no", "zh_desc": "无", "sub_msg": "无"},
    "error_code": "400",
    "error_message": "无",
    "code": 40004,
    "msg": "无",
    "sub_code": "isv.unknown",
}
"""A refusal as all of them write it."""


def count(marketplace: str, result: str) -> float:
    (family,) = PLATFORM_CALLS.collect()
    return sum(
        sample.value
        for sample in family.samples
        if sample.name.endswith("_count")
        and sample.labels == {"marketplace": marketplace, "method": CALLS[marketplace][0], "result": result}
    )


async def every_refusal(_: Request) -> Response:
    return JSONResponse(REFUSAL)


async def no_answer(_: Request) -> Response:
    return Response(status_code=503)


@pytest_asyncio.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    routes = [
        Route("/refuses/{path:path}", every_refusal, methods=["POST"]),
        Route("/fails/{path:path}", no_answer, methods=["POST"]),
    ]
    async with serving(Starlette(routes=routes)) as address:
        yield address


@pytest.mark.parametrize(
    ("path", "result", "raised"),
    [("refuses", "refused", PlatformRefused), ("fails", "unreachable", PlatformUnreachable)],
)
@pytest.mark.parametrize("marketplace", installed_marketplaces())
async def test_every_marketplaces_calls_are_measured(
    marketplace: str, path: str, result: str, raised: type[Exception], address: str, tmp_path: Path
) -> None:
    _, shop, call = CALLS[marketplace]
    block = {
        "address": f"{address}/{path}",
        "apps": [{"app_key": "K1", "app_secret": "s3cret"}],
        "shops": [shop],
    }
    access = getattr(read(Secrets, {marketplace: block}, "secrets"), marketplace)
    before = count(marketplace, result)
    async with Transport(marketplace) as transport:
        client = installed_marketplaces()[marketplace].client(access, transport, TokenStore(tmp_path))
        with pytest.raises(raised):
            await call(client)
    assert count(marketplace, result) - before == 1


async def test_how_a_call_ended_is_told_by_what_it_raised() -> None:
    def ended(**expected: float) -> bool:
        (family,) = PLATFORM_CALLS.collect()
        found = {
            sample.labels["result"]: sample.value
            for sample in family.samples
            if sample.name.endswith("_count") and sample.labels["marketplace"] == "of this test"
        }
        return found == expected

    with platform_call("of this test", "m"):
        pass
    with platform_call("of this test", "m") as call:
        call.is_refused = True
    for error in (ValueError, asyncio.CancelledError):
        with pytest.raises(error), platform_call("of this test", "m"):
            raise error
    assert ended(answered=1, refused=1, failed=1, cancelled=1)
