"""The header that says who gives an input, in the history as the server keeps it."""

import getpass
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.client.operator_name import LONGEST_OPERATOR
from aftersales.runtime.client.sender_header import MESSAGES, operator, with_sender
from cases.errors import BadForm
from tests.support.temporal.senders import SIGNALED, STARTED, UPDATED, senders
from tests.support.temporal.stand_in import stand_ins, start_stand_in
from workflows.engine.sender import InputSender

QUEUE = "senders"
LI = InputSender(name="李雷", way="command")


@pytest_asyncio.fixture
async def client(environment: WorkflowEnvironment) -> AsyncIterator[Client]:
    with environment.with_time_skipping_disabled():
        async with stand_ins(environment.client, QUEUE):
            yield environment.client


def told_now(header: dict[str, Any]) -> dict[str, Any]:
    """Return a header without its instant, which is a whole second of just now."""
    at = datetime.fromisoformat(header.pop("at"))
    assert (at.microsecond, at.utcoffset()) == (0, timedelta(0))
    assert timedelta(0) <= datetime.now(UTC) - at < timedelta(minutes=1)
    return header


async def test_every_input_bears_its_sender(client: Client) -> None:
    case_id = f"douyin_reship/{uuid.uuid4().hex}"
    await start_stand_in(client, case_id, QUEUE)
    mine = with_sender(client, LI).get_workflow_handle(case_id)
    await mine.execute_update("agree")
    await mine.signal("report", {"rule": "sign"})
    for kind in (UPDATED, SIGNALED):
        (header,) = await senders(mine, kind)
        assert told_now(header) == {"name": "李雷", "way": "command"}
    assert await senders(mine, STARTED) == [None]


async def test_a_message_that_opens_a_case_bears_its_sender(client: Client) -> None:
    handle = await with_sender(client, MESSAGES).start_workflow(
        "douyin_reship", {}, id=f"douyin_reship/{uuid.uuid4().hex}", task_queue=QUEUE, start_signal="report"
    )
    (header,) = await senders(handle, SIGNALED)
    assert told_now(header) == {"way": "message"}


async def test_a_decision_that_starts_a_case_bears_its_sender(client: Client) -> None:
    case_id = f"douyin_reship/{uuid.uuid4().hex}"
    start = WithStartWorkflowOperation(
        "douyin_reship", {}, id=case_id, task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
    )
    await with_sender(client, LI).execute_update_with_start_workflow("agree", start_workflow_operation=start)
    (header,) = await senders(client.get_workflow_handle(case_id), UPDATED)
    assert told_now(header) == {"name": "李雷", "way": "command"}


async def test_under_virtual_time_no_instant_of_this_world_is_told(client: Client) -> None:
    case_id = f"douyin_reship/{uuid.uuid4().hex}"
    await start_stand_in(client, case_id, QUEUE)
    handle = with_sender(client, LI, timed=False).get_workflow_handle(case_id)
    await handle.execute_update("agree")
    assert await senders(handle, UPDATED) == [{"name": "李雷", "way": "command"}]


def test_an_operator_who_gives_no_name_is_the_user_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator() == InputSender(name=getpass.getuser(), way="command")
    assert operator(" 李雷 ") == LI

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert str(operator().name).startswith("uid ")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * (LONGEST_OPERATOR + 1)])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadForm, match="name"):
        operator(name)
