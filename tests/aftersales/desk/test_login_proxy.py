"""Users whom a proxy names: believed from its address, and from no other."""

from pathlib import Path

import pytest
import yaml
from starlette.requests import HTTPConnection

from aftersales.desk.access.access_file import AccessFile
from aftersales.desk.access.addresses import Proxies
from aftersales.desk.access.configured_login import configured_login
from aftersales.desk.access.proxy_login import ProxyLogin
from aftersales.desk.services import DeskServices
from aftersales.runtime.settings import Settings
from cases.errors import BadForm
from tests.aftersales.desk.conftest import browsing

NAMED = {"x-forwarded-user": "张三".encode(), "x-groups": b"others, clerks"}


@pytest.fixture
def access_file(tmp_path: Path) -> Path:
    path = tmp_path / "access.yaml"
    path.touch(0o600)
    grants = [{"user": "李四", "role": "supervise"}, {"group": "clerks", "role": "handle"}]
    path.write_text(
        yaml.safe_dump({"proxy": {"groups_header": "X-Groups"}, "grants": grants}, allow_unicode=True), encoding="utf-8"
    )
    return path


def login(path: Path, proxies: str) -> ProxyLogin:
    return ProxyLogin(AccessFile(path), Proxies(proxies))


async def test_a_trusted_proxy_names_the_user(worker: None, services: DeskServices, access_file: Path) -> None:
    async with browsing(services, login(access_file, "127.0.0.0/8")) as browser:
        assert "张三 · 处理" in (await browser.get("/case/none/none", headers=NAMED)).text
        assert (
            "李四 · 主管" in (await browser.get("/case/none/none", headers={"x-forwarded-user": "李四".encode()})).text
        )
        for headers in ({}, {"x-forwarded-user": b"nobody"}, {"x-forwarded-user": b"\xff"}):
            refused = await browser.get("/", headers=headers)
            assert refused.status_code == 403
            assert "没有使用工作台的权限" in refused.text


async def test_a_header_that_comes_twice_names_nobody(worker: None, services: DeskServices, access_file: Path) -> None:
    twice = [(b"x-forwarded-user", "李四".encode()), (b"x-forwarded-user", "李四".encode())]
    async with browsing(services, login(access_file, "127.0.0.1")) as browser:
        assert (await browser.get("/", headers=twice)).status_code == 403


async def test_the_header_of_anybody_else_is_ignored(worker: None, services: DeskServices, access_file: Path) -> None:
    forged = {**NAMED, "x-forwarded-for": b"10.0.0.5"}  # nor can an address be claimed
    async with browsing(services, login(access_file, "10.0.0.5")) as browser:
        assert (await browser.get("/", headers=forged)).status_code == 403


def test_proxies_must_be_named(settings: Settings, access_file: Path) -> None:
    own = settings.model_copy(update={"desk_access_file": access_file})
    with pytest.raises(BadForm, match="AFTERSALES_DESK_TRUSTED_PROXIES"):
        configured_login(own)
    assert isinstance(configured_login(own.model_copy(update={"desk_trusted_proxies": "10.0.0.5"})), ProxyLogin)


@pytest.mark.parametrize(
    ("client", "forwarded", "asker"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "203.0.113.9, 198.51.100.1, 10.0.0.6", "198.51.100.1"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("::ffff:10.0.0.5", "198.51.100.1", "198.51.100.1"),
    ],
)
def test_the_asker_is_the_last_on_the_way_who_is_no_proxy(client: str, forwarded: str, asker: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    connection = HTTPConnection({"type": "http", "client": (client, 1), "headers": headers})

    assert Proxies("10.0.0.0/24").asker(connection) == asker
