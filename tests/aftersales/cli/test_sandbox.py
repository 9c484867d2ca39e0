"""The sandbox that `up` runs: its secrets and the command that plays with it."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import Result
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aftersales.platforms.credentials import read_secrets
from aftersales.runtime.settings import Settings
from aftersales.sandbox.running import FOLDER, RunningSandbox, running_sandbox
from tests.support.platforms.serving import serving
from tests.support.programs.programs import free_port

SHOPS = {"1001", "S2"}
APPLICATION = ("--apply", "--form", "shop_id=1001", "--form", "reason=short_shipped", "--form", "amount=12.50")

Play = Callable[..., Any]


def settings_in(folder: Path, port: int | None = None) -> Settings:
    return Settings(data_dir=folder, sandbox_port=port or free_port(), gateway_port=free_port())


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_in(tmp_path_factory.mktemp("data"))


@pytest_asyncio.fixture(scope="module")
async def running(settings: Settings) -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(settings, SHOPS) as sandbox:
        yield sandbox


@pytest.fixture
def play(settings: Settings, running: RunningSandbox, aftersales: Callable[..., Result]) -> Play:
    """Run the command in a thread: the sandbox answers in this loop."""

    async def played(*arguments: str, **environment: str) -> Result:
        variables = {
            "AFTERSALES_DATA_DIR": str(settings.data_dir),
            "AFTERSALES_SANDBOX_PORT": str(settings.sandbox_port),
            **environment,
        }
        return await asyncio.to_thread(aftersales, "sandbox", *arguments, **variables)

    return played


def printed(result: Result) -> Any:
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)


def complaint(result: Result, status: int) -> str:
    """Return the single line that the command prints on standard error."""
    assert (result.exit_code, result.stdout) == (status, ""), result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("aftersales: ")
    return line


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_its_secrets_are_made_once_for_their_owner_alone_and_new_shops_are_added(tmp_path: Path) -> None:
    settings, folder = settings_in(tmp_path), tmp_path / FOLDER
    async with running_sandbox(settings, {"S1"}) as first:
        before, token = read_secrets(first.secrets_file), (folder / "control_token").read_text()
        first.sandbox.apply("S1", "其他", 100, after_sale_id="5")
        assert [mode(folder / name) for name in ("secrets.yaml", "control_token")] == [0o600, 0o600]
        assert mode(folder) == 0o700
    other = settings_in(tmp_path)
    async with running_sandbox(other, {"S1", "1002"}) as second:
        after = read_secrets(second.secrets_file)
        assert second.sandbox.record("5")
        assert mode(second.secrets_file) == 0o600

    assert (folder / "control_token").read_text() == token
    assert len(token) >= 32
    for name in ("douyin", "jd"):
        old, new = getattr(before, name), getattr(after, name)
        assert (new.apps, new.shops[: len(old.shops)]) == (old.apps, old.shops)
        assert [shop.shop_id for shop in new.shops] == ["S1", "1002"]
        assert new.address == f"http://127.0.0.1:{other.sandbox_port}/{name}"
    assert before.gateway.status_token == after.gateway.status_token is not None
    assert after.jd.shop("S1").access_token.get_secret_value() != after.jd.shop("1002").access_token.get_secret_value()


async def test_a_buyer_applies_and_the_record_is_listed_shown_and_acted_upon(play: Play) -> None:
    record = printed(await play(*APPLICATION, "--form", "remark=少一件", "--json"))
    own_id = record["after_sale_id"]
    assert (record["shop_id"], record["status"], record["amount"], record["remark"]) == ("1001", 6, 1250, "少一件")
    assert own_id in [record["after_sale_id"] for record in printed(await play("--json"))["after_sales"]]
    assert printed(await play(own_id, "--json")) == record
    assert printed(await play(own_id, "agree", "--json"))["status"] == 8
    parcel = ("--form", "company_code=SF", "--form", "tracking_no=SF1")
    assert printed(await play(own_id, "ship", *parcel, "--json"))["parcel"]["tracking_no"] == "SF1"
    table = (await play()).stdout
    assert [text for text in (own_id, "1001", "13", "商家少发/漏发", "12.50", "SF1") if text not in table] == []


async def test_the_clock_is_moved_forward_and_what_is_due_happens(play: Play) -> None:
    own_id = printed(await play(*APPLICATION, "--json"))["after_sale_id"]
    before = printed(await play("--advance", "1h", "--json"))
    output = (await play("--advance", "48h")).stdout
    assert f"+{before['offset'] + 48 * 3600} s" in output
    assert printed(await play(own_id, "--json"))["status"] == 8


async def test_lists_in_a_field_are_given_as_json(play: Play) -> None:
    own_id = printed(await play(*APPLICATION, "--json"))["after_sale_id"]
    forms = ("--form", "reason=x", "--form", 'evidence=["https://p/1"]')
    refused = printed(await play(own_id, "refuse", *forms, "--json"))
    assert refused["status"] == 27


async def test_what_the_platform_would_refuse_is_exit_status_1(play: Play) -> None:
    own_id = printed(await play(*APPLICATION, "--json"))["after_sale_id"]
    assert "签收" in complaint(await play(own_id, "sign"), 1)
    assert printed(await play(own_id, "--json"))["status"] == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("7", "withdraw"), "no such after-sale: 7"),
        (("7",), "no such after-sale: 7"),
        (("../clock",), "Method Not Allowed"),
        (("7", "fly"), "withdraw"),
        (("--apply", "--form", "shop_id=1001"), "amount"),
        (("--apply", "--form", "shop_id=nobody", "--form", "reason=other", "--form", "amount=1"), "nobody"),
        (("--advance", "soon"), "advance"),
        (("--advance", "-1h"), "forward only"),
        (("7", "withdraw", "--form", "why"), "KEY=VALUE"),
        (("7", "refuse", "--form", "evidence=[1"), "--form evidence: expected JSON"),
        (("7", "--apply"), "expected one of"),
        (("--apply", "--advance", "1h"), "expected one of"),
        (("7", "--form", "a=b"), "needs an action"),
    ],
)
async def test_bad_input_is_one_line_and_status_2(play: Play, arguments: tuple[str, ...], words: str) -> None:
    assert words in complaint(await play(*arguments), 2)


async def test_without_a_sandbox_one_line_says_how_to_start_one(play: Play, tmp_path: Path) -> None:
    nothing = await play(AFTERSALES_DATA_DIR=str(tmp_path))
    assert "no sandbox has run with this data folder" in complaint(nothing, 2)
    gone = await play(AFTERSALES_SANDBOX_PORT=str(free_port()))
    assert "`aftersales up`" in complaint(gone, 2)


@pytest.mark.parametrize("body", ["<html>", "[]", '"x"'])
async def test_another_program_at_its_port_is_not_taken_for_a_sandbox(play: Play, body: str) -> None:
    async def answer(_: Request) -> Response:
        return PlainTextResponse(body)

    async with serving(Starlette(routes=[Route("/control/after-sales", answer)])) as address:
        line = complaint(await play(AFTERSALES_SANDBOX_PORT=address.rpartition(":")[2]), 2)
    assert "no sandbox answers" in line


async def test_a_sandbox_of_another_data_folder_lets_nobody_in(play: Play, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "control_token").write_text("of another")
    assert "control token" in complaint(await play(AFTERSALES_DATA_DIR=str(tmp_path)), 2)
