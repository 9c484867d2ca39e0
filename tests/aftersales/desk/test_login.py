"""Logging in with a password: who is let in, for how long, and who has to wait."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import yaml
from argon2 import PasswordHasher, Type
from starlette.applications import Starlette
from starlette.middleware import Middleware
from typer.testing import CliRunner

from aftersales.cli.main import app
from aftersales.desk.access import passwords
from aftersales.desk.access.access_file import AccessFile
from aftersales.desk.access.addresses import DeskAddress, own_page
from aftersales.desk.access.configured_login import configured_login
from aftersales.desk.access.local_login import PasswordLogin
from aftersales.desk.access.login import OneUser
from aftersales.desk.access.passwords import HASHER
from aftersales.desk.access.sessions import Identity, Lifetimes, Session, Sessions
from aftersales.desk.access.throttle import FOR_ADDRESS, FOR_NAME, FOR_NAME_AND_ADDRESS, WINDOW, Throttle
from aftersales.desk.gate import LARGEST_STRANGE_BODY, Doors, Gate
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk, make_sessions
from aftersales.runtime.settings import Settings
from cases.errors import BadForm
from tests.aftersales.desk.conftest import OpenOnDesk, browsing, token_in

PASSWORD = "correct horse 电池"  # noqa: S105 - of nobody
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a desk that listens there is what is refused
NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)


def test_a_hash_costs_who_guesses_more_than_he_likes() -> None:
    assert (HASHER.type, HASHER.memory_cost, HASHER.time_cost) == (Type.ID, 64 * 1024, 3)


def write_users(path: Path, *users: dict[str, object]) -> Path:
    path.touch(0o600)
    path.write_text(yaml.safe_dump({"users": list(users)}, allow_unicode=True), encoding="utf-8")
    return path


def user(name: str, password: str = PASSWORD, **rights: object) -> dict[str, object]:
    return {"name": name, "password_hash": QUICK.hash(password), **rights}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", QUICK)


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    return write_users(tmp_path / "access.yaml", user("张三", role="handle", shops=["mine"]), user("李四"))


@pytest_asyncio.fixture
async def strange(worker: None, services: DeskServices, users_file: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser in which nobody is logged in."""
    async with browsing(services, PasswordLogin(AccessFile(users_file))) as browser:
        yield browser


async def log_in(
    browser: httpx2.AsyncClient, name: str = "张三", password: str = PASSWORD, target: str = "/"
) -> httpx2.Response:
    shown = await browser.get("/login", params={"next": target})
    form = {"csrf": token_in(shown), "name": name, "password": password, "next": target}
    return await browser.post("/login", data=form)


async def test_whoever_is_not_logged_in_is_sent_to_the_login_and_then_to_his_page(strange: httpx2.AsyncClient) -> None:
    asked = await strange.get("/case/none/none?order=1")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/case/none/none%3Forder%3D1")

    shown = await strange.get(asked.headers["location"])
    assert "用户名" in shown.text
    done = await log_in(strange, target="/case/none/none?order=1")

    assert (done.status_code, done.headers["location"]) == (303, "/case/none/none?order=1")
    assert "张三 · 处理" in (await strange.get("/case/none/none")).text


async def test_a_wrong_password_and_an_unknown_name_are_told_the_same(strange: httpx2.AsyncClient) -> None:
    for name, password in [("张三", "wrong"), ("nobody", PASSWORD), ("", ""), ("x" * 65, "y")]:
        refused = await log_in(strange, name, password)
        assert refused.status_code == 401
        assert "用户名或密码不对" in refused.text
    assert (await strange.get("/")).headers["location"] == "/login"


async def test_who_guesses_has_to_wait_even_if_he_then_knows_the_password(strange: httpx2.AsyncClient) -> None:
    for _ in range(FOR_NAME_AND_ADDRESS):
        assert (await log_in(strange, "张三", "wrong")).status_code == 401

    refused = await log_in(strange)

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 800
    assert "分钟后再试" in refused.text
    assert (await log_in(strange, "李四")).status_code == 303


def test_guesses_are_counted_by_name_by_address_and_by_both_for_some_minutes() -> None:
    clock = [0.0]
    throttle = Throttle(lambda: clock[0])
    assert [throttle.wait_before("a", "1") for _ in range(FOR_NAME_AND_ADDRESS)] == [0] * FOR_NAME_AND_ADDRESS
    assert throttle.wait_before("a", "1") == WINDOW.total_seconds() + 1
    assert throttle.wait_before("a", "2") == 0
    for guess in range(FOR_ADDRESS - FOR_NAME_AND_ADDRESS):
        assert throttle.wait_before(f"name {guess}", "1") == 0
    assert throttle.wait_before("yet another", "1") > 0
    for guess in range(FOR_NAME - FOR_NAME_AND_ADDRESS - 1):
        assert throttle.wait_before("a", f"address {guess}") == 0
    assert throttle.wait_before("a", "yet another") > 0

    clock[0] += WINDOW.total_seconds()
    assert throttle.wait_before("a", "1") == 0


def test_the_right_password_clears_the_mistakes_before_it() -> None:
    throttle = Throttle(lambda: 0.0)
    for _ in range(20):
        for _ in range(FOR_NAME_AND_ADDRESS):
            assert throttle.wait_before("a", "1") == 0
        throttle.was_right("a", "1")


async def test_the_cookie_is_hidden_from_scripts_and_new_at_every_login(strange: httpx2.AsyncClient) -> None:
    first = (await strange.get("/login")).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in first.split(";")}
    before = token_in(await strange.get("/login"))

    await log_in(strange)

    assert token_in(await strange.get("/case/none/none")) != before


async def test_under_https_the_cookie_never_leaves_it(worker: None, services: DeskServices, users_file: Path) -> None:
    public = "https://desk.example.com"
    async with browsing(services, PasswordLogin(AccessFile(users_file)), public) as browser:
        shown = await browser.get("/login", headers={"host": "desk.example.com"})

    name, _, rest = shown.headers["set-cookie"].partition("=")
    assert name == "__Host-aftersales"
    assert "Secure" in rest
    assert shown.headers["strict-transport-security"] == "max-age=31536000"


async def test_after_logging_out_a_copy_of_the_cookie_is_worth_nothing(strange: httpx2.AsyncClient) -> None:
    await log_in(strange)
    shown = await strange.get("/case/none/none")
    copy = dict(strange.cookies)

    left = await strange.post("/logout", data={"csrf": token_in(shown)})

    assert left.headers["location"] == "/login?out=1"
    assert (await strange.get("/")).status_code == 303
    strange.cookies = httpx2.Cookies(copy)
    assert (await strange.get("/")).status_code == 303
    assert (await strange.get("/logout")).status_code in (303, 405)


async def test_a_login_outlives_a_restart_but_not_a_new_password_or_a_smaller_role(
    worker: None, services: DeskServices, users_file: Path
) -> None:
    async with browsing(services, PasswordLogin(AccessFile(users_file))) as browser:
        await log_in(browser)
        cookies = browser.cookies
    async with browsing(services, PasswordLogin(AccessFile(users_file))) as browser:
        browser.cookies = cookies
        assert "张三 · 处理" in (await browser.get("/case/none/none")).text

        write_users(users_file, user("张三", role="view") | {"password_hash": _hash_of("张三", users_file)})
        assert "张三 · 查看" in (await browser.get("/case/none/none")).text

        write_users(users_file, user("张三", "another password"))
        assert (await browser.get("/case/none/none")).status_code == 303


def _hash_of(name: str, path: Path) -> str:
    users = yaml.safe_load(path.read_text(encoding="utf-8"))["users"]
    return str(next(one["password_hash"] for one in users if one["name"] == name))


async def test_as_long_as_the_file_cannot_be_read_nobody_gets_in(strange: httpx2.AsyncClient, users_file: Path) -> None:
    await log_in(strange)
    write_users(users_file, {"name": "张三"})

    refused = await strange.get("/")

    assert refused.status_code == 503
    assert "登录设置有误" in refused.text
    assert str(users_file) not in refused.text


async def test_a_user_of_some_shops_is_told_that_other_cases_do_not_exist(
    strange: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    own, foreign = await open_on_desk(shop_id="mine"), await open_on_desk(shop_id="other")
    await log_in(strange)

    assert (await strange.get(f"/case/{own}")).status_code == 200
    refused = await strange.get(f"/case/{foreign}")
    assert refused.status_code == 404
    assert "没有此案件" in refused.text


def test_a_session_ends_when_it_is_not_used_and_after_some_hours_in_any_case() -> None:
    clock = [NOW]
    sessions = Sessions("s" * 40, Lifetimes(timedelta(hours=2), timedelta(hours=12)), lambda: clock[0])
    session = sessions.begun(Identity(name="张三"))
    assert sessions.read(sessions.written(session)) == session

    clock[0] += timedelta(hours=1, minutes=59)
    assert sessions.read(sessions.written(session)) is not None
    clock[0] += timedelta(minutes=1)
    assert sessions.read(sessions.written(session)) is None

    clock[0] = NOW
    for _ in range(12):
        session = sessions.used(session)
        assert sessions.read(sessions.written(session)) == session
        clock[0] += timedelta(hours=1)
    assert sessions.read(sessions.written(session)) is None


async def test_what_a_script_asks_for_is_no_use_of_the_session(services: DeskServices, users_file: Path) -> None:
    clock = [NOW]
    login = PasswordLogin(AccessFile(users_file))
    sessions = Sessions("s" * 40, now=lambda: clock[0])
    app = make_desk(services, login)
    app.state.doors = doors = Doors(login, sessions, DeskAddress(services.settings))
    guarded = Starlette(routes=app.routes, middleware=[Middleware(Gate, doors=doors)])
    guarded.state = app.state
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(guarded), base_url="http://localhost", headers={"origin": "http://localhost"}
    ) as browser:
        await log_in(browser)
        for dest, minutes, status in (("document", 119, 303), ("empty", 119, 303), ("empty", 2, 200)):
            clock[0] += timedelta(minutes=minutes)
            # Whoever is logged in is led on from the page of logging in.
            shown = await browser.get("/login", headers={"sec-fetch-dest": dest})
            assert shown.status_code == status


def test_a_cookie_that_is_not_ours_is_no_session() -> None:
    sessions = Sessions("s" * 40)
    written = sessions.written(sessions.begun(Identity(name="张三")))

    assert Sessions("t" * 40).read(written) is None
    # Not the last letter, of which only the first bits count.
    assert sessions.read(f"{written[:-2]}{'A' if written[-2] != 'A' else 'B'}{written[-1]}") is None
    assert sessions.read("") is None
    assert sessions.csrf_token(Session(id="a")) != sessions.csrf_token(Session(id="b"))


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "",
        "evil",
        "/a\nb",
        "/login?next=/",
        "/logout",
        "///evil.example",
        "/%0d%0a\r\n",
        " //evil.example",
    ],
)
def test_a_login_leads_to_no_other_host(target: str) -> None:
    assert own_page(target) == "/"


async def test_a_login_that_asks_for_another_host_leads_to_the_first_page(strange: httpx2.AsyncClient) -> None:
    for target in ("//evil.example/", "https://evil.example/"):
        assert (await log_in(strange, target=target)).headers["location"] == "/"
        strange.cookies.clear()


def test_a_user_is_added_by_a_command_that_asks_for_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "access.yaml"
    monkeypatch.setenv("AFTERSALES_DESK_ACCESS_FILE", str(path))

    def add(*options: str, typed: str = f"{PASSWORD}\n{PASSWORD}\n") -> int:
        return CliRunner().invoke(app, ["desk", *options], input=typed).exit_code

    assert add("--add-user", "张三", "--shop", "S1", "--limit", "200.5") == 0
    assert add("--add-user", "李四", "--role", "supervise") == 0
    assert add("--add-user", "张三", "--role", "view", typed="short\nshort\n") == 2
    assert add("--add-user", "王五", "--limit", "much") == 2

    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["access.yaml"]
    assert PASSWORD not in path.read_text(encoding="utf-8")
    users = AccessFile(path).access.users or ()
    assert [(one.name, one.role.value, one.shops, one.limit) for one in users] == [
        ("张三", "handle", ("S1",), users[0].limit),
        ("李四", "supervise", None, None),
    ]
    assert str(users[0].limit) == "200.50"


def test_without_a_file_for_users_the_command_names_the_setting() -> None:
    done = CliRunner().invoke(app, ["desk", "--add-user", "张三"])

    assert done.exit_code == 2
    assert "AFTERSALES_DESK_ACCESS_FILE" in done.stderr


def test_the_desk_of_one_user_is_for_one_machine_alone(settings: Settings) -> None:
    assert isinstance(configured_login(settings), OneUser)
    for changed, named in (
        ({"desk_host": EVERYWHERE}, "AFTERSALES_DESK_HOST"),
        ({"desk_address": "https://desk.example.com"}, "AFTERSALES_DESK_ADDRESS"),
    ):
        with pytest.raises(BadForm, match=named):
            configured_login(settings.model_copy(update=changed))


def test_a_desk_for_other_machines_has_an_address(settings: Settings, users_file: Path) -> None:
    own = settings.model_copy(update={"desk_access_file": users_file})
    assert isinstance(configured_login(own), PasswordLogin)
    with pytest.raises(BadForm, match="AFTERSALES_DESK_ADDRESS"):
        configured_login(own.model_copy(update={"desk_host": EVERYWHERE}))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{}", "users、oidc、proxy"),
        ("users: [{name: a, password_hash: b}, {name: a, password_hash: c}]", "重复"),
        ("proxy: {}", "grants 为空"),
        ("proxy: {}\ngrants: [{role: view}]", "user 或 group"),
        ("users: [{name: a}]", "password_hash"),
        ("proxy: {}\ngrants: [{group: a, role: boss}]", "role"),
    ],
)
def test_a_file_that_lets_in_nobody_or_anybody_is_refused(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "access.yaml"
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadForm, match=named):
        AccessFile(path)


def test_a_file_that_others_may_read_is_refused(users_file: Path) -> None:
    users_file.chmod(0o640)
    with pytest.raises(BadForm, match="chmod 600"):
        AccessFile(users_file)


def test_the_secret_of_the_sessions_is_kept_for_its_owner_alone(services: DeskServices, tmp_path: Path) -> None:
    settings = services.settings.model_copy(update={"data_dir": tmp_path / "data"})
    written = make_sessions(settings).written(Session())
    path = tmp_path / "data" / "desk.secret"

    assert path.stat().st_mode & 0o777 == 0o600
    assert make_sessions(replace(services, settings=settings).settings).read(written) is not None
    path.chmod(0o644)
    with pytest.raises(BadForm, match="chmod 600"):
        make_sessions(settings)
    path.chmod(0o600)
    path.write_text("short", encoding="utf-8")
    with pytest.raises(BadForm, match="32"):
        make_sessions(settings)


async def test_who_is_not_logged_in_may_send_little(strange: httpx2.AsyncClient) -> None:
    shown = await strange.get("/login")
    form = {"csrf": token_in(shown), "name": "x" * LARGEST_STRANGE_BODY, "password": "x"}

    assert (await strange.post("/login", data=form)).status_code == 413
