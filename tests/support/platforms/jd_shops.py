"""JD's sandbox over HTTP with one shop, S1, as its client and its adapters need it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.jd.client import JdAccess, JdClient
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox import jd as sandbox
from aftersales.sandbox.jd import FakeJd
from cases.models import read
from tests.support.platforms.serving import serving

SHOP = "S1"
KEY = "s3cret"


class Apps:
    """The secret of the one application that there is."""

    def secret_of(self, platform: str, app_key: str) -> str | None:
        return KEY if (platform, app_key) == ("jd", "K1") else None


def jd_access(address: str, app_key: str = "K1", key: str = KEY) -> JdAccess:
    """Return the block of the secrets file for the shop."""
    block = {
        "address": f"{address}/",
        "apps": [{"app_key": app_key, "app_secret": key}],
        "shops": [{"shop_id": SHOP, "app_key": app_key, "access_token": "T1"}],
    }
    access = read(Secrets, {"jd": block}, "secrets").jd
    assert isinstance(access, JdAccess)
    return access


@asynccontextmanager
async def jd_at(fake: FakeJd) -> AsyncIterator[str]:
    """Serve JD; yield its address."""
    async with serving(Starlette(routes=sandbox.routes(Apps(), fake))) as address:
        yield address


@asynccontextmanager
async def jd_client(fake: FakeJd) -> AsyncIterator[JdClient]:
    """Serve JD; yield a client of the shop."""
    async with jd_at(fake) as address, Transport("jd") as transport:
        yield JdClient(jd_access(address), transport)
