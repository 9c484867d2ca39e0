"""Logging in at a provider of OpenID Connect, over real HTTP, and every answer of a provider that is not believed."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio
import yaml

from aftersales.desk.access.access_file import AccessFile, ClaimNames
from aftersales.desk.access.login import LoginRefused
from aftersales.desk.access.openid_login import OpenIdLogin, identity_of
from aftersales.desk.access.users import Role
from aftersales.desk.services import DeskServices
from tests.aftersales.desk.conftest import browsing, token_in
from tests.support.pages.openid_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    FOREIGN_KEY,
    SIGNING_KEY,
    OpenIdProvider,
    openid_provider,
)

GRANTS = [
    {"user": "王五", "role": "view"},
    {"group": "supervisors", "role": "supervise"},
    {"group": "clerks", "role": "handle", "shops": ["S1"], "limit": 200},
]


def write_access(path: Path, provider: OpenIdProvider, grants: Any = GRANTS, **claims: str) -> OpenIdLogin:
    oidc = {"issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "claims": claims}
    path.touch(0o600)
    path.write_text(yaml.safe_dump({"oidc": oidc, "grants": grants}, allow_unicode=True), encoding="utf-8")
    return OpenIdLogin(AccessFile(path))


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with openid_provider(preferred_username="张三", groups=["others", "clerks"]) as running:
        yield running


@pytest_asyncio.fixture
async def browser(
    worker: None, services: DeskServices, provider: OpenIdProvider, tmp_path: Path
) -> AsyncIterator[httpx2.AsyncClient]:
    async with browsing(services, write_access(tmp_path / "access.yaml", provider)) as opened:
        yield opened


async def return_address(browser: httpx2.AsyncClient, target: str = "/") -> str:
    """Begin at the desk, log in at the provider, and return where it sends the browser."""
    begun = await browser.get("/login/start", params={"next": target})
    assert begun.status_code == 303
    async with httpx2.AsyncClient(verify=False) as elsewhere:
        return str((await elsewhere.get(begun.headers["location"])).headers["location"])


async def log_in(browser: httpx2.AsyncClient, target: str = "/") -> httpx2.Response:
    return await browser.get(await return_address(browser, target))


async def test_a_clerk_logs_in_and_comes_to_the_page_that_he_wanted(browser: httpx2.AsyncClient) -> None:
    assert "用公司账号登录" in (await browser.get("/login")).text

    done = await log_in(browser, "/case/none/none?order=1")

    assert (done.status_code, done.headers["location"]) == (303, "/case/none/none?order=1")
    shown = await browser.get("/case/none/none")
    assert "张三 · 处理" in shown.text
    await browser.post("/logout", data={"csrf": token_in(shown)})
    assert (await browser.get("/")).status_code == 303


async def test_only_secrets_of_this_login_are_sent_and_none_of_the_desk(browser: httpx2.AsyncClient) -> None:
    begun = await browser.get("/login/start", params={"next": "/case/none/none?order=1"})

    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert set(asked) == {
        "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method",
    }  # fmt: skip
    assert asked["redirect_uri"] == [f"{str(browser.base_url).rstrip('/')}/login/callback"]


NOT_BELIEVED: dict[str, dict[str, Any]] = {
    "of another issuer": {"changed": {"iss": "https://evil.example"}},
    "for another client": {"changed": {"aud": "other"}},
    "for several clients, without saying for which": {"changed": {"aud": [CLIENT_ID, "other"]}},
    "for several clients, to another": {"changed": {"aud": [CLIENT_ID, "other"], "azp": "other"}},
    "of another login": {"changed": {"nonce": "other"}},
    "without nonce": {"changed": {"nonce": None}},
    "expired": {"changed": {"exp": int(time.time()) - 120}},
    "of the future": {"changed": {"iat": int(time.time()) + 600}},
    "about nobody": {"changed": {"sub": None}},
    "signed by another": {"signed_with": FOREIGN_KEY},
    "signed with a key that is unknown": {"key_id": "k2"},
    "signed with what everybody knows": {"signed_with": CLIENT_SECRET.encode() * 2, "algorithm": "HS256"},
    "not signed": {"signed_with": None, "algorithm": "none"},
    "of a provider that calls itself otherwise": {"stated_issuer": "https://evil.example"},
}


async def test_an_answer_that_is_not_to_be_believed_lets_nobody_in(
    browser: httpx2.AsyncClient, provider: OpenIdProvider
) -> None:
    for what, spoilt in NOT_BELIEVED.items():
        honest = {name: getattr(provider, name) for name in spoilt}
        address = await return_address(browser)
        for name, value in spoilt.items():
            setattr(provider, name, value)
        refused = await browser.get(address)
        for name, value in honest.items():
            setattr(provider, name, value)

        assert refused.status_code == 403, what
        assert "不可信" in refused.text, what
        assert (await browser.get("/")).status_code == 303, what
    assert (await log_in(browser)).headers["location"] == "/"


async def test_clocks_may_differ_a_little(browser: httpx2.AsyncClient, provider: OpenIdProvider) -> None:
    provider.changed = {"exp": int(time.time()) - 30, "iat": int(time.time()) + 30}

    assert (await log_in(browser)).headers["location"] == "/"


async def test_an_answer_to_another_login_is_refused(browser: httpx2.AsyncClient) -> None:
    for part, other in [("state=", "state=forged"), ("iss=", "iss=https://evil.example&x="), ("iss=", "x=")]:
        address = await return_address(browser)
        assert (await browser.get(address.replace(part, other))).status_code == 403


async def test_a_login_counts_once_and_in_the_browser_that_began_it(
    browser: httpx2.AsyncClient, worker: None, services: DeskServices
) -> None:
    address = await return_address(browser)
    cookies, browser.cookies = browser.cookies, httpx2.Cookies()
    assert (await browser.get(address)).status_code == 403

    browser.cookies = cookies
    assert (await browser.get(address)).headers["location"] == "/"
    assert (await browser.get(address)).status_code == 403


async def test_whoever_the_provider_refuses_is_told(browser: httpx2.AsyncClient, provider: OpenIdProvider) -> None:
    provider.refuses = True

    refused = await log_in(browser)

    assert refused.status_code == 401
    assert "登录服务没有让您登录" in refused.text


async def test_whoever_has_no_grant_is_told_and_stays_outside(
    browser: httpx2.AsyncClient, provider: OpenIdProvider
) -> None:
    provider.claims["groups"] = ["others"]

    refused = await log_in(browser)

    assert refused.status_code == 403
    assert "没有使用工作台的权限" in refused.text


async def test_a_provider_that_is_away_is_said_to_be(worker: None, services: DeskServices, tmp_path: Path) -> None:
    async with openid_provider() as gone:
        login = write_access(tmp_path / "access.yaml", gone)
    async with browsing(services, login) as browser:
        refused = await browser.get("/login/start")

    assert refused.status_code == 503
    assert "登录服务暂时不可用" in refused.text


async def test_the_first_grant_that_is_for_a_user_counts_and_a_changed_one_at_once(
    worker: None, services: DeskServices, provider: OpenIdProvider, tmp_path: Path
) -> None:
    path = tmp_path / "access.yaml"
    provider.claims["groups"] = ["clerks", "supervisors"]
    async with browsing(services, write_access(path, provider)) as browser:
        await log_in(browser)
        assert "张三 · 主管" in (await browser.get("/case/none/none")).text

        write_access(path, provider, [{"group": "clerks", "role": "view"}])
        assert "张三 · 查看" in (await browser.get("/case/none/none")).text

        write_access(path, provider, [{"group": "nobody", "role": "view"}])
        assert (await browser.get("/")).status_code == 303


async def test_claims_that_the_token_leaves_out_are_asked_for(
    browser: httpx2.AsyncClient, provider: OpenIdProvider
) -> None:
    provider.claims.pop("groups")
    provider.about = {"groups": ["supervisors"], "preferred_username": "another name"}

    await log_in(browser)

    assert "张三 · 主管" in (await browser.get("/case/none/none")).text


async def test_what_is_told_about_somebody_else_is_not_believed(
    browser: httpx2.AsyncClient, provider: OpenIdProvider
) -> None:
    provider.claims.pop("groups")
    provider.about = {"groups": ["supervisors"], "sub": "u-2"}

    assert (await log_in(browser)).status_code == 403


async def test_role_shops_and_limit_may_be_claims(
    worker: None, services: DeskServices, provider: OpenIdProvider, tmp_path: Path
) -> None:
    names = {"name": "name", "role": "desk.role", "shops": "desk.shops", "limit": "desk.limit"}
    provider.claims |= {"name": "赵六", "desk": {"role": ["view", "处理"], "shops": ["S1", 2], "limit": "99.5"}}
    login = write_access(tmp_path / "access.yaml", provider, [], **names)
    async with browsing(services, login) as browser:
        await log_in(browser)
        assert "赵六 · 处理" in (await browser.get("/case/none/none")).text


def test_what_claims_leave_open_gives_no_right() -> None:
    names = ClaimNames(name="name", role="role", shops="shops", limit="limit")

    who = identity_of({"name": " 赵六 ", "role": "boss", "limit": "NaN"}, names)

    assert (who.name, who.role, who.shops, who.limit) == ("赵六", None, (), 0)
    assert identity_of({"name": "a", "role": ["handle", "supervise"]}, names).role is Role.SUPERVISE


@pytest.mark.parametrize("name", [None, "", " ", "x" * 65, "a\nb", 7, ["a"]])
def test_a_name_that_cannot_be_recorded_is_refused(name: object) -> None:
    with pytest.raises(LoginRefused, match="姓名"):
        identity_of({"name": name}, ClaimNames(name="name"))


def test_rights_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(LoginRefused, match="shops"):
        identity_of({"name": "a", "shops": ["not an id"]}, ClaimNames(name="name", shops="shops"))


async def test_shops_that_no_cookie_can_hold_are_refused_in_words(
    worker: None, services: DeskServices, provider: OpenIdProvider, tmp_path: Path
) -> None:
    provider.claims |= {"role": "view", "shops": [f"{hash(str(number)):x}" for number in range(1000)]}
    login = write_access(tmp_path / "access.yaml", provider, [], role="role", shops="shops")
    async with browsing(services, login) as browser:
        refused = await log_in(browser)

    assert refused.status_code == 403
    assert "店铺过多" in refused.text


def test_the_key_of_the_provider_is_never_part_of_what_is_logged(provider: OpenIdProvider, tmp_path: Path) -> None:
    write_access(tmp_path / "access.yaml", provider)

    access = AccessFile(tmp_path / "access.yaml").access

    assert CLIENT_SECRET not in f"{access!r}{json.dumps(access.model_dump(mode='json'))}"
    assert SIGNING_KEY is not FOREIGN_KEY
