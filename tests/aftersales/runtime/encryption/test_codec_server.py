"""The codec server: for readers with a token, and in a browser for the Web UI's page alone."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from aftersales.monitoring.health_pages import health_routes
from aftersales.monitoring.readiness import Readiness
from aftersales.runtime.encryption.codec_server import LONGEST_BODY, make_codec_server
from aftersales.runtime.encryption.key_ring import KeyRing
from tests.support.records.key_files import READER, TOKEN, content_of, key_file, rewritten

UI = "https://temporal.example.com"
BEARER = {"authorization": f"Bearer {TOKEN}"}
BASIC = {"authorization": f"Basic {base64.b64encode(f'anybody:{TOKEN}'.encode()).decode()}"}
WORDS = "朝阳区"


def payloads(text: str = WORDS) -> dict[str, Any]:
    """Return payloads as the protocol writes them."""
    encoding, data = (base64.b64encode(part).decode() for part in (b"json/plain", json.dumps(text).encode()))
    return {"payloads": [{"metadata": {"encoding": encoding}, "data": data}]}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return key_file(tmp_path / "keys.yaml", "k1", readers={READER: TOKEN})


def started() -> Readiness:
    readiness = Readiness()
    readiness.has_started = True
    return readiness


@pytest_asyncio.fixture
async def codec(keys: Path) -> AsyncIterator[httpx2.AsyncClient]:
    app = make_codec_server(KeyRing(keys), f"{UI}/some/path", health_routes(started()))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://codec") as client:
        yield client


@pytest.mark.parametrize("login", [BEARER, BASIC])
async def test_a_reader_with_a_token_encrypts_and_decrypts(codec: httpx2.AsyncClient, login: dict[str, str]) -> None:
    encrypted = await codec.post("/encode", json=payloads(), headers=login)
    assert encrypted.status_code == 200
    assert encrypted.json() != payloads()
    decrypted = await codec.post("/decode", json=encrypted.json(), headers=login)
    assert (decrypted.status_code, decrypted.json()) == (200, payloads())
    assert decrypted.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/encode", "/decode", "/"])
@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer nonsense", "Basic nonsense", f"Basic {TOKEN}"])
async def test_nobody_else_does(codec: httpx2.AsyncClient, path: str, authorization: str | None) -> None:
    headers = {"authorization": authorization} if authorization else {}
    method = "GET" if path == "/" else "POST"
    answer = await codec.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


async def test_a_token_that_is_withdrawn_opens_nothing_from_then_on(codec: httpx2.AsyncClient, keys: Path) -> None:
    rewritten(keys, {**content_of(keys), "readers": {"bob": "another token of his own"}})
    assert (await codec.post("/decode", json=payloads(), headers=BEARER)).status_code == 401
    his = {"authorization": "Bearer another token of his own"}
    assert (await codec.post("/decode", json=payloads(), headers=his)).status_code == 200


async def test_the_web_ui_may_ask_from_a_browser_with_its_login(codec: httpx2.AsyncClient) -> None:
    asked = {
        "origin": UI,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-namespace",
    }
    allowed = await codec.options("/decode", headers=asked)
    assert allowed.status_code == 200
    answer = await codec.post("/decode", json=payloads(), headers={**BASIC, "origin": UI})
    for headers in (allowed.headers, answer.headers):
        assert headers["access-control-allow-origin"] == UI
        assert headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://temporal.example.com", f"{UI}:8443", "null"])
async def test_no_other_page_may(codec: httpx2.AsyncClient, origin: str) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in (await codec.options("/decode", headers=asked)).headers
    answer = await codec.post("/decode", json=payloads(), headers={**BASIC, "origin": origin})
    assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False)


@pytest.mark.parametrize("body", ["", "nonsense", "[1]", '{"payloads": [1]}', '{"nonsense": 1}', "[" * 5000])
async def test_what_is_no_json_of_payloads_is_refused(codec: httpx2.AsyncClient, body: str) -> None:
    answer = await codec.post("/decode", content=body, headers=BEARER)
    assert (answer.status_code, answer.text) == (400, "expected the JSON of payloads")


async def test_what_is_too_long_is_refused(codec: httpx2.AsyncClient) -> None:
    answer = await codec.post("/decode", content=b"x" * (LONGEST_BODY + 1), headers=BEARER)
    assert answer.status_code == 413


async def test_a_key_that_is_missing_is_named(codec: httpx2.AsyncClient, keys: Path, tmp_path: Path) -> None:
    encrypted = (await codec.post("/encode", json=payloads(), headers=BEARER)).json()
    rewritten(keys, {**content_of(key_file(tmp_path / "new.yaml", "k2")), "readers": {READER: TOKEN}})
    answer = await codec.post("/decode", json=encrypted, headers=BEARER)
    assert (answer.status_code, "'k1'" in answer.text) == (422, True)


async def test_the_log_says_who_has_read_and_nothing_of_what(codec: httpx2.AsyncClient) -> None:
    with capture_logs() as lines:
        await codec.post("/decode", json=payloads(), headers=BEARER)
    (line,) = [line for line in lines if line["event"] == "payloads"]
    assert (line["reader"], line["what"], line["payloads"]) == (READER, "/decode", 1)
    assert WORDS not in str(lines)


async def test_a_browser_logs_in_on_the_first_page(codec: httpx2.AsyncClient) -> None:
    answer = await codec.get("/", headers=BASIC)
    assert (answer.status_code, answer.text.startswith(f"{READER}: ")) == (200, True)
    for path in ("/healthz", "/readyz"):
        assert (await codec.get(path)).text == "ok"
