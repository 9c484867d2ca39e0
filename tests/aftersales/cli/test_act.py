"""``aftersales act``: what it sends, and what it says of the answer, or of the lack of one."""

import asyncio
import getpass
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from click.testing import Result
from temporalio.client import Client, WorkflowHandle

from aftersales.runtime.client.decision_client import SentDecision, decide
from tests.support.programs.wire import Wire
from tests.support.temporal.life import eventually
from tests.support.temporal.senders import SIGNALED, UPDATED, names_and_ways
from tests.support.temporal.stand_in import stand_ins, start_stand_in
from tests.support.temporal.task_queues import holds_update

Act = Callable[..., Awaitable[Result]]
Start = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]
SHIPMENT = ("--form", "carrier=SF", "--form", "tracking_no=SF1")


@pytest.fixture
def queue() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def start(client: Client, queue: str) -> Start:
    """Start a case that answers as the test says."""

    async def started(**script: Any) -> WorkflowHandle[Any, Any]:
        return await start_stand_in(client, f"douyin_reship/{uuid.uuid4().hex}", queue, **script)

    return started


@pytest.fixture
def act(client: Client, aftersales: Callable[..., Result]) -> Act:
    server = {"TEMPORAL_ADDRESS": client.service_client.config.target_host, "TEMPORAL_CONFIG_FILE": "/dev/null"}

    async def run(handle: WorkflowHandle[Any, Any], *arguments: str, command: str = "act", **env: str) -> Result:
        return await asyncio.to_thread(aftersales, command, handle.id, *arguments, **{**server, **env})

    return run


async def arguments(handle: WorkflowHandle[Any, Any]) -> list[Any]:
    """Return what the case was sent with each decision."""
    return [taken[1:] for taken in (await handle.query("view"))["taken"]]


async def test_g_13_the_case_is_told_who_decided(start: Start, act: Act, client: Client, queue: str) -> None:
    handle = await start()
    async with stand_ins(client, queue):
        assert (await act(handle, "agree", "--as", "李雷")).exit_code == 0
        assert (await act(handle, "agree", AFTERSALES_OPERATOR="韩梅梅")).exit_code == 0
        assert (await act(handle, "done_by_hand", "--as", "李雷", AFTERSALES_OPERATOR="韩梅梅")).exit_code == 0
        assert (await act(handle, "agree", "--as", " ")).exit_code == 2
        assert (await act(handle, "sign", "--message-id", "m1", command="report")).exit_code == 0
    assert await names_and_ways(handle, UPDATED) == [("李雷", "command"), ("韩梅梅", "command"), ("李雷", "command")]
    assert await names_and_ways(handle, SIGNALED) == [(getpass.getuser(), "command")]


async def test_g_11_the_case_is_told_when_it_was_done_in_truth(
    start: Start, act: Act, client: Client, queue: str
) -> None:
    handle = await start()
    async with stand_ins(client, queue):
        assert (await act(handle, "ship", *SHIPMENT, "--occurred-at", "2026-01-05T09:00:00+08:00")).exit_code == 0
        assert (await act(handle, "done_by_hand", "--occurred-at", "-1h")).exit_code == 0
        assert (await act(handle, "agree")).exit_code == 0
        for wrong in ("+1h", "yesterday", "2026-01-05T09:00:00"):
            refused = await act(handle, "agree", "--occurred-at", wrong)
            assert (refused.exit_code, "--occurred-at" in refused.stderr) == (2, True)
        shipped, by_hand, agreed = await arguments(handle)
    assert shipped == [{"carrier": "SF", "tracking_no": "SF1", "occurred_at": "2026-01-05T09:00:00+08:00"}]
    ago = datetime.now(UTC) - datetime.fromisoformat(by_hand[0].pop("occurred_at"))
    assert (by_hand, timedelta(hours=1) <= ago < timedelta(hours=2)) == ([{}], True)
    assert agreed == [None]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, ()),
        ({"decision": "taken", "said": "审核已通过"}, ("已受理", "taken", "审核已通过")),
        ({"decision": "being_submitted"}, ("提交中", "being submitted", "has not answered")),
        (
            {"decision": "being_submitted", "task": {"page": "抖店后台", "instruction": "联系买家"}, "serial": 3},
            ("提交中", "抖店后台: 联系买家", "done_by_hand --form serial=3"),
        ),
    ],
)
async def test_g_10_people_read_what_has_become_of_their_decision(
    start: Start, act: Act, client: Client, queue: str, answer: dict[str, Any], words: tuple[str, ...]
) -> None:
    handle = await start(answer=answer)
    async with stand_ins(client, queue):
        result = await act(handle, "agree")
        printed = json.loads((await act(handle, "agree", "--json")).stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{handle.id}: 待商家处理 (awaiting_merchant)\n")
    assert [word for word in words if word not in result.stdout] == []
    assert printed["update_id"]
    assert {name: printed[name] for name in answer} == answer


async def test_an_answer_of_another_release_is_printed_as_it_came(
    start: Start, act: Act, client: Client, queue: str
) -> None:
    handle = await start(answer={"deadline": "soon"})
    async with stand_ins(client, queue):
        result = await act(handle, "agree")
    assert (result.exit_code, '"deadline": "soon"' in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("kind", "status"), [("PlatformRefused", 1), ("Refused", 1), ("BadForm", 2), ("PolicyUnknown", 2)]
)
async def test_a_refusal_of_the_platform_or_the_rules_has_a_status_of_its_own(
    start: Start, act: Act, client: Client, queue: str, kind: str, status: int
) -> None:
    handle = await start(refusal=[kind, "平台:超过可操作时间"])
    async with stand_ins(client, queue):
        result = await act(handle, "agree")
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr == "aftersales: 平台:超过可操作时间\n"


async def unanswered(act: Act, handle: WorkflowHandle[Any, Any], *options: str) -> str:
    """Decide while no worker answers; return the id with which to ask again."""
    result = await act(handle, "agree", "--patience", "2s", "--json", *options)
    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["case_id"], printed["decision"]) == (3, handle.id, "unknown")
    (line,) = result.stderr.splitlines()
    assert f"--update-id {printed['update_id']} " in line
    assert [word for word in ("不知道", "not known", "2s") if word not in line] == []
    return str(printed["update_id"])


async def test_a_decision_without_an_answer_is_unknown_and_found_by_its_id(
    start: Start, act: Act, client: Client, queue: str
) -> None:
    handle = await start(answer={"said": "ok"})
    update_id = await unanswered(act, handle)
    assert await unanswered(act, handle, "--update-id", update_id) == update_id
    async with stand_ins(client, queue):
        for _ in range(2):
            result = await act(handle, "agree", "--update-id", update_id, "--json")
            assert (result.exit_code, json.loads(result.stdout)["said"]) == (0, "ok")
        assert await arguments(handle) == [[None]]


async def test_a_decision_that_never_arrived_is_sent_under_the_id_that_is_asked_for(
    start: Start, act: Act, client: Client, queue: str
) -> None:
    handle = await start()
    async with stand_ins(client, queue):
        for _ in range(2):
            assert (await act(handle, "agree", "--update-id", "mine")).exit_code == 0
        assert await arguments(handle) == [[None]]


async def test_the_answer_of_a_case_that_has_ended_is_still_found(
    start: Start, act: Act, client: Client, queue: str
) -> None:
    handle = await start(answer={"said": "ok"})
    async with stand_ins(client, queue):
        assert (await act(handle, "agree", "--update-id", "mine")).exit_code == 0
        await handle.terminate()
        assert (await act(handle, "agree", "--update-id", "mine")).exit_code == 0
        again = await decide(client, SentDecision(handle.id, "agree", None, "mine"))  # as a client resends by itself
        assert again["said"] == "ok"
        other = await act(handle, "agree", "--update-id", "other")
        assert (other.exit_code, "案件已结束" in other.stderr) == (1, True)


async def test_a_case_that_ends_before_it_answers_leaves_the_decision_unknown(
    start: Start, act: Act, client: Client, queue: str
) -> None:
    handle = await start(silent=True)

    async def is_taken_up() -> bool:
        return bool(await arguments(handle))

    async with stand_ins(client, queue):
        acting = asyncio.create_task(act(handle, "agree", "--update-id", "mine"))
        await eventually("the case takes up the decision", is_taken_up)
        await handle.terminate()
        for result in (await acting, await act(handle, "agree", "--update-id", "mine")):
            assert (result.exit_code, result.stdout, "the case ended" in result.stderr) == (3, "", True), result.output


async def test_a_length_of_patience_that_cannot_be_read_is_bad_input(start: Start, act: Act) -> None:
    handle = await start()
    for wrong in ("soon", "0s", "-1s"):
        result = await act(handle, "agree", "--patience", wrong)
        assert (result.exit_code, "--patience" in result.stderr) == (2, True)


async def test_a_connection_lost_after_sending_leaves_the_decision_unknown(
    start: Start, act: Act, client: Client, queue: str
) -> None:
    handle = await start()
    async with Wire(client.service_client.config.target_host) as wire:
        acting = asyncio.create_task(
            act(handle, "agree", "--update-id", "mine", "--patience", "4s", TEMPORAL_ADDRESS=wire.address)
        )
        await eventually("the decision reaches the server", partial(holds_update, client, handle.id, "mine"))
        wire.cut()
        result = await acting
    assert (result.exit_code, "--update-id mine " in result.stderr) == (3, True)
    async with stand_ins(client, queue):
        assert (await act(handle, "agree", "--update-id", "mine")).exit_code == 0
        assert await arguments(handle) == [[None]]
