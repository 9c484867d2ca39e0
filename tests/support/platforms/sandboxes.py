"""A sandbox for tests: two shops of one application, one of another, and calls as a client signs them."""

import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.douyin.signing import canonical, sign
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.server import make_sandbox
from cases.models import read
from tests.support.patience import PATIENCE_SECONDS
from tests.support.platforms.serving import serving

TOKEN = "control"  # noqa: S105 - it opens nothing but this sandbox
APPS = read(
    Secrets,
    {
        "douyin": {
            "apps": [{"app_key": "K1", "app_secret": "first"}, {"app_key": "K2", "app_secret": "second"}],
            "shops": [
                {"shop_id": "1001", "app_key": "K1"},
                {"shop_id": "1002", "app_key": "K1"},
                {"shop_id": "S3", "app_key": "K2", "authorization_code": "code-3"},
            ],
        }
    },
    "apps",
)
NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Plain HTTP needs no certificates, and reading them takes longer than most tests."""
SECRETS = {"K1": "first", "K2": "second"}


class Caller:
    """Calls the sandbox as a client would, and plays with it through the control interface."""

    def __init__(self, app: Starlette, address: str, client: httpx2.AsyncClient) -> None:
        self.app = app
        self.sandbox: Sandbox = app.state.sandbox
        self.address = address
        self.client = client

    async def send(self, method: str, params: Any, /, **query: str) -> httpx2.Response:
        """Send a call; ``query`` overrides its fields (``body``: after signing)."""
        body = params if isinstance(params, str) else canonical(params)
        fields = {"app_key": "K1", "method": method, "timestamp": str(int(time.time())), "v": "2"} | query
        sent = fields.pop("body", body)
        secret = fields.pop("secret", SECRETS.get(fields["app_key"], ""))
        signed = sign(fields["app_key"], secret, fields["method"], body, fields["timestamp"])
        asked = {"sign_method": "hmac-sha256", "sign": signed} | fields
        return await self.client.post(f"/douyin/{method.replace('.', '/')}", params=asked, content=sent)

    async def call(self, method: str, params: Any, /, **query: str) -> dict[str, Any]:
        """Send a call and return the whole envelope."""
        answer = await self.send(method, params, **query)
        assert answer.status_code == 200
        envelope: dict[str, Any] = answer.json()
        return envelope

    async def token(self, shop_id: str = "1001", app_key: str = "K1") -> str:
        """Obtain a shop's access token."""
        params = {"code": "", "grant_type": "authorization_self", "shop_id": shop_id}
        return str((await self.call("token.create", params, app_key=app_key))["data"]["access_token"])

    async def data(self, method: str, params: Any, shop_id: str = "1001") -> dict[str, Any]:
        """Call for a shop, successfully, and return the data."""
        envelope = await self.call(method, params, access_token=await self.token(shop_id))
        assert envelope["code"] == 10000, envelope
        data: dict[str, Any] = envelope["data"]
        return data

    async def control(self, path: str, data: Mapping[str, Any] | None = None, method: str = "POST") -> Any:
        """Use the control interface, successfully."""
        content = json.dumps(data) if data is not None else None
        answer = await self.client.request(method, f"/control{path}", content=content, headers=bearer())
        assert answer.status_code < 300, answer.text
        return answer.json()


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@asynccontextmanager
async def sandbox_at_work(
    gateway: str | None = None, state: Path | None = None, apps: Secrets = APPS
) -> AsyncIterator[Caller]:
    """Serve a sandbox over HTTP."""
    app = make_sandbox(apps, gateway=gateway, state=state, control_token=TOKEN)
    async with (
        serving(app) as address,
        httpx2.AsyncClient(base_url=address, verify=NO_ROOTS, timeout=PATIENCE_SECONDS) as client,
    ):
        yield Caller(app, address, client)
