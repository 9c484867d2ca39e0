"""The header that says who gives an input, in the history as the server keeps it."""

import getpass
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.sender_header import HEADER, LONGEST_NAME, MESSAGES, Sender, operator, with_sender
from cases.errors import BadForm
from tests.support.stand_in import stand_ins, start_stand_in

QUEUE = "senders"
LI = Sender("command", "李雷")


@pytest_asyncio.fixture
async def client(environment: WorkflowEnvironment) -> AsyncIterator[Client]:
    with environment.with_time_skipping_disabled():
        async with stand_ins(environment.client, QUEUE):
            yield environment.client


async def headers(handle: WorkflowHandle[Any, Any], kind: str) -> list[Any]:
    """Return what the header holds in every event of a kind, None where there is none."""
    found = []
    for event in (await handle.fetch_history()).events:
        if not event.HasField(kind):  # type: ignore[arg-type]
            continue
        attributes = getattr(event, kind)
        header = attributes.accepted_request.input.header if kind == UPDATED else attributes.header
        found.append(json.loads(header.fields[HEADER].data) if HEADER in header.fields else None)
    return found


STARTED = "workflow_execution_started_event_attributes"
SIGNALED = "workflow_execution_signaled_event_attributes"
UPDATED = "workflow_execution_update_accepted_event_attributes"


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
        (header,) = await headers(mine, kind)
        assert told_now(header) == {"name": "李雷", "way": "command"}
    assert await headers(mine, STARTED) == [None]


async def test_a_message_that_opens_a_case_bears_its_sender(client: Client) -> None:
    handle = await with_sender(client, MESSAGES).start_workflow(
        "douyin_reship", {}, id=f"douyin_reship/{uuid.uuid4().hex}", task_queue=QUEUE, start_signal="report"
    )
    (header,) = await headers(handle, SIGNALED)
    assert told_now(header) == {"name": None, "way": "message"}


async def test_a_decision_that_starts_a_case_bears_its_sender(client: Client) -> None:
    case_id = f"douyin_reship/{uuid.uuid4().hex}"
    start = WithStartWorkflowOperation(
        "douyin_reship", {}, id=case_id, task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
    )
    await with_sender(client, LI).execute_update_with_start_workflow("agree", start_workflow_operation=start)
    (header,) = await headers(client.get_workflow_handle(case_id), UPDATED)
    assert told_now(header) == {"name": "李雷", "way": "command"}


async def test_under_virtual_time_no_instant_of_this_world_is_told(client: Client) -> None:
    case_id = f"douyin_reship/{uuid.uuid4().hex}"
    await start_stand_in(client, case_id, QUEUE)
    handle = with_sender(client, LI._replace(timed=False)).get_workflow_handle(case_id)
    await handle.execute_update("agree")
    assert await headers(handle, UPDATED) == [{"name": "李雷", "way": "command"}]


def test_an_operator_who_gives_no_name_is_the_user_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator() == Sender("command", getpass.getuser())
    assert operator(" 李雷 ") == LI

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert str(operator().name).startswith("uid ")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * (LONGEST_NAME + 1)])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadForm, match="name"):
        operator(name)
