"""``aftersales list``, and cases that are named by a number alone."""

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from click.testing import Result
from rich.cells import cell_len
from temporalio.client import Client

from tests.support.temporal.life import eventually
from tests.support.temporal.listed import are_listed, list_case

Command = Callable[..., Result]


@pytest.fixture
def shop() -> str:
    return uuid.uuid4().hex[:12]


@pytest.fixture
def command(client: Client, aftersales: Command) -> Callable[..., "asyncio.Future[Result]"]:
    server = {"TEMPORAL_ADDRESS": client.service_client.config.target_host, "TEMPORAL_CONFIG_FILE": "/dev/null"}

    def run(*arguments: str, **environment: str) -> "asyncio.Future[Result]":
        call = partial(aftersales, *arguments, **{**server, **environment})
        return asyncio.get_running_loop().run_in_executor(None, call)

    return run


Run = Callable[..., "asyncio.Future[Result]"]


async def due_in(client: Client, shop: str, *hours: float) -> list[str]:
    now = datetime.now(UTC)
    started = [await list_case(client, shop, now + timedelta(hours=each)) for each in hours]
    await are_listed(client, shop, len(hours))
    return started


async def test_what_is_cut_off_is_the_least_urgent_and_its_number_is_said(
    client: Client, command: Run, shop: str
) -> None:
    far, near, late = await due_in(client, shop, 40, 5, -1)

    cut = await command("list", "--shop", shop, "--limit", "2", "--json")
    assert [row["case_id"] for row in json.loads(cut.stdout)] == [late, near]
    assert "显示 2 件,共 3 件 / shows 2 of 3; --limit" in cut.stderr

    people = await command("list", "--shop", shop, "--limit", "2")
    assert far not in people.stdout
    assert people.stdout.splitlines()[-1].startswith("显示 2 件,共 3 件 / shows 2 of 3")

    whole = await command("list", "--shop", shop)
    assert whole.stdout.splitlines()[-1] == "显示 3 件,共 3 件 / shows 3 of 3"
    assert (await command("list", "--shop", shop, "--json")).stderr == ""


async def test_a_case_that_ended_early_is_not_cut_off(client: Client, command: Run, shop: str) -> None:
    ended, _ = await due_in(client, shop, 40, 5)
    await client.get_workflow_handle(ended).terminate()

    async def comes_first() -> bool:
        listed = await command("list", "--shop", shop, "--limit", "1", "--json")
        return bool(json.loads(listed.stdout)[0]["case_id"] == ended)

    await eventually("the case that ended early comes first", comes_first)


@pytest.mark.parametrize("width", [60, 80])
async def test_a_narrow_terminal_shows_every_field_whole(client: Client, command: Run, shop: str, width: int) -> None:
    (case,) = await due_in(client, shop, 5)

    lines = (await command("list", "--shop", shop, COLUMNS=str(width))).stdout.splitlines()

    assert max(map(cell_len, lines)) <= width
    assert lines[0] == "案件 / cases"
    assert [line.strip() for line in lines if case in line] == [case]
    for whole in ("状态 待商家处理", "还剩 4h59m)", "等待 商家", f"店铺 {shop}", "订单 O1", "金额 129.00"):
        assert any(whole in line for line in lines), (whole, lines)


async def test_a_number_alone_finds_its_case(client: Client, command: Run, shop: str) -> None:
    order, own = uuid.uuid4().hex[:12], uuid.uuid4().hex[:12]
    case = await list_case(client, shop, case_id=f"douyin_reship/{own}", orders=("O0", order))
    await client.get_workflow_handle(case).terminate()
    await are_listed(client, shop, 1)

    for number in (order, own, case):
        shown = await command("show", number, "--json")
        assert (shown.exit_code, json.loads(shown.stdout)["case_id"]) == (0, case), shown.stderr


async def test_a_number_of_several_cases_lists_them_and_sends_nothing(client: Client, command: Run, shop: str) -> None:
    order = uuid.uuid4().hex[:12]
    cases = [await list_case(client, shop, orders=(order,)) for _ in range(2)]
    await are_listed(client, shop, 2)

    for arguments in (("show", order), ("act", order, "agree"), ("report", order, "sign"), ("revive", order)):
        result = await command(*arguments)
        (line,) = result.stderr.splitlines()
        assert result.exit_code == 2
        assert f"{order}: 有 2 个案件" in line
        assert [case for case in cases if case not in result.stdout] == []


async def test_a_number_of_no_case_says_so(client: Client, command: Run) -> None:
    result = await command("act", "1234567890", "agree")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no such case: no order, after-sale or case has the number 1234567890" in result.stderr


@pytest.mark.parametrize("arguments", [("list",), ("show", "douyin_reship/1"), ("show", "1"), ("setup",)])
async def test_a_wrong_namespace_is_said_to_be_that(client: Client, command: Run, arguments: tuple[str, ...]) -> None:
    result = await command(*arguments, TEMPORAL_NAMESPACE="nowhere")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "没有这个命名空间 / no such namespace (Namespace nowhere is not found.)" in result.stderr
