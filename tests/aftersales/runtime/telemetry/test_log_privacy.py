"""Nothing of a buyer in a log, whatever goes wrong."""

import asyncio
import contextlib
import json
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any, Literal

import pytest
import structlog
from temporalio import workflow
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from aftersales.notifications.log_notifier import LogNotifier
from aftersales.runtime.telemetry.log_privacy import HIDDEN_PHONE, in_words
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.connection import connect_to
from cases.errors import BadForm, PlatformRefused
from cases.messages import ActionRequired
from tests.support.rules.stage import Scene
from tests.support.temporal.life import Open, eventually

Form = Literal["json", "console"]
PHONE = "13800138000"
BUYER = f"王小明 {PHONE}"
FORMS = pytest.mark.parametrize("form", ["json", "console"])


@pytest.fixture
def configure(capsys: pytest.CaptureFixture[str]) -> Callable[[Form], None]:
    """Return a function that logs everything in a format."""
    del capsys  # it must capture before the handler takes the stream
    return lambda form: configure_logs("DEBUG", form)


def checked(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what was logged, which has the words and nothing of the buyer."""
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [part for part in (*BUYER.split(), "\\u738b") if part in printed.err] == []
    assert [word for word in words if word not in printed.err] == []
    return printed.err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BadForm("order_id: 缺少"), "order_id: 缺少"),
        (OSError(28, "No space left"), "[Errno 28] No space left"),
        (sqlite3.OperationalError("database is locked"), "database is locked"),
        (ApplicationError("why", type="PlatformRefused"), "why"),
        (ApplicationError(BUYER, type="KeyError"), "KeyError"),
        (ValueError(BUYER), "ValueError"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_only_messages_that_quote_nobody_are_told(error: Exception, words: str) -> None:
    assert in_words(error) == words


def _fail() -> None:
    try:
        raise KeyError(BUYER)  # noqa: TRY301
    except KeyError as lookup:
        raise ExceptionGroup("several", [ValueError(BUYER), BadForm("no such shop")]) from lookup


@FORMS
def test_a_traceback_names_types_and_places_also_of_causes_and_groups(
    configure: Callable[[Form], None], capsys: pytest.CaptureFixture[str], form: Form
) -> None:
    configure(form)
    try:
        _fail()
    except ExceptionGroup:
        structlog.get_logger("worker").exception("failed")
    checked(capsys, "KeyError", "direct cause", "ExceptionGroup", "ValueError", "BadForm: no such shop", "in _fail")


@FORMS
def test_phones_are_hidden_wherever_they_are_said_and_other_numbers_are_not(
    configure: Callable[[Form], None], capsys: pytest.CaptureFixture[str], form: Form
) -> None:
    configure(form)
    log = structlog.get_logger("notices")
    called = f"call {PHONE}"
    log.warning(called, why=f"收货人电话+86 138-0013-8000,订单 6921{PHONE}55", shop="4463798")
    log.warning("nested", rows=[{"phone": PHONE}], bad=ValueError(PHONE), body=PHONE.encode(), at=20260105)
    printed = capsys.readouterr().err
    assert printed.count(HIDDEN_PHONE) == 3
    assert printed.count(PHONE) == 1
    assert all(word in printed for word in (f"6921{PHONE}55", "4463798", "ValueError", "20260105"))


@FORMS
async def test_what_asyncio_says_of_a_forgotten_task_quotes_nothing(
    configure: Callable[[Form], None], capsys: pytest.CaptureFixture[str], form: Form
) -> None:
    configure(form)
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": ValueError(BUYER), "future": BUYER}
    )
    checked(capsys, "Task exception was never retrieved", "ValueError")


@FORMS
async def test_g_7_the_line_about_a_refusal_hides_a_phone_in_the_platforms_words(
    configure: Callable[[Form], None], capsys: pytest.CaptureFixture[str], form: Form
) -> None:
    configure(form)
    required = ActionRequired(
        case_id="douyin_reship/A1",
        process="douyin_reship",
        shop_id="S1",
        serial=1,
        step="同意",
        why=f"PlatformRefused: 收货人 {PHONE} 已拒收",
    )
    await LogNotifier().notify_action_required(required, "k")
    checked(capsys, "needs operator", "已拒收", HIDDEN_PHONE)


@FORMS
@pytest.mark.parametrize(
    ("error", "logged"),
    [(KeyError(BUYER), "KeyError"), (PlatformRefused(f"收货人 {PHONE} 已拒收"), "PlatformRefused")],
    ids=["fault", "refusal"],
)
async def test_a_platform_call_that_fails_is_logged_without_the_buyer(
    configure: Callable[[Form], None],
    capsys: pytest.CaptureFixture[str],
    open_case: Open,
    form: Form,
    error: Exception,
    logged: str,
) -> None:
    configure(form)
    life = await open_case(scene=Scene(fails={"agree_on_platform": error}), description=BUYER)
    seen = ""

    async def is_logged() -> bool:
        nonlocal seen
        seen += capsys.readouterr().err
        return "Completing activity as failed" in seen and logged in seen

    with contextlib.suppress(WorkflowUpdateFailedError):
        await life.act("agree")
    await eventually("the failure is logged", is_logged)
    life.scene.fails.clear()
    assert [part for part in (*BUYER.split(), "\\u738b") if part in seen] == []


@workflow.defn(name="faulty")
class Faulty:
    """Fails its workflow tasks until ``repaired``."""

    repaired = False

    @workflow.run
    async def run(self, facts: dict[str, Any]) -> None:
        if not Faulty.repaired:
            raise ValueError(str(facts))


@FORMS
async def test_a_workflow_task_that_fails_is_logged_without_the_buyer(
    configure: Callable[[Form], None],
    capsys: pytest.CaptureFixture[str],
    environment: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
    form: Form,
) -> None:
    configure(form)
    client = await connect_to(environment.client.service_client.config.target_host)  # whose core logs as ours does
    queue, seen = uuid.uuid4().hex, ""

    async def is_logged() -> bool:
        nonlocal seen
        seen += capsys.readouterr().err
        return "Failed activation" in seen and "Failing workflow task" in seen

    async with Worker(client, task_queue=queue, workflows=[Faulty], workflow_runner=UnsandboxedWorkflowRunner()):
        handle = await client.start_workflow("faulty", {"buyer": BUYER}, id=queue, task_queue=queue)
        await eventually("the failure is logged", is_logged)
        monkeypatch.setattr(Faulty, "repaired", True)
        await handle.result()
    assert "ValueError" in seen
    assert [part for part in (*BUYER.split(), "\\u738b") if part in seen] == []
    if form == "json":
        assert all(json.loads(line) for line in seen.splitlines())
