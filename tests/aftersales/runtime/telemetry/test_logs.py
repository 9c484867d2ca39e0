"""Logs: one JSON object a line, which says what case it is about."""

import json
import logging
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import structlog

from aftersales.runtime.telemetry.logs import CASE_NAMES, configure_logs
from cases.errors import CaseError
from cases.plain_text import NOT_PLAIN
from tests.support.places import ROOT

ABOUT = {"case_id": "douyin_reship/A1", "process": "douyin_reship", "shop": "S1", "rule": "agree"}
WORKFLOW = {"workflow_id": "douyin_reship/A1", "workflow_type": "douyin_reship", "run_id": "r"}


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    output = capsys.readouterr()
    assert output.out == ""
    return [json.loads(line) for line in output.err.splitlines()]


def test_our_lines_and_the_libraries_have_the_same_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    structlog.get_logger("worker").info("worker started", task_queue="aftersales")
    logging.getLogger("temporalio.worker").warning("polling %s", "again")
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["logger"], ours["level"], ours["task_queue"]) == (
        "worker started",
        "worker",
        "info",
        "aftersales",
    )
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("polling again", "temporalio.worker", "warning")
    for line in (ours, theirs):
        assert line["timestamp"].endswith("Z")
        assert [line[name] for name in CASE_NAMES] == [None] * 4


def test_a_line_inside_an_activity_says_case_process_shop_and_rule(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    with structlog.contextvars.bound_contextvars(**ABOUT):
        structlog.get_logger("notices").info("reminder", state="待商家处理")
        logging.getLogger("platforms").info("called")
    for line in lines(capsys):
        assert {name: line[name] for name in CASE_NAMES} == ABOUT


def test_temporals_own_lines_name_the_case(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    of_activity = {**WORKFLOW, "activity_type": "remind", "attempt": 3}
    logging.getLogger("temporalio.workflow").info("woken", extra={"temporal_workflow": WORKFLOW})
    logging.getLogger("temporalio.activity").info("failed", extra={"temporal_activity": of_activity})
    woken, failed = lines(capsys)
    assert {name: woken[name] for name in CASE_NAMES} == {**dict.fromkeys(CASE_NAMES), **dict(list(ABOUT.items())[:2])}
    assert (failed["case_id"], failed["activity"], failed["attempt"]) == ("douyin_reship/A1", "remind", 3)
    assert not {"temporal_workflow", "temporal_activity"} & (woken.keys() | failed.keys())


def test_a_line_of_temporals_core_is_printed_without_its_record(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    told = SimpleNamespace(fields={"run_id": "r1", "failure": "Failure { message: 13800138000 }"})
    logging.getLogger("temporalio.core").warning("failing", extra={"temporal_log": told})
    (line,) = lines(capsys)
    assert (line["event"], line["fields"], "temporal_log" in line) == ("failing", {"run_id": "r1"}, False)


def test_an_exception_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    try:
        int("not a number")
    except ValueError:
        structlog.get_logger("worker").exception("went wrong")
    (line,) = lines(capsys)
    assert line["exception"].endswith("\nValueError")
    assert __file__ in line["exception"]


def _fail(buyer: str) -> None:
    try:
        raise CaseError("went wrong")  # noqa: TRY301 - the traceback of a function that knows a buyer
    except CaseError:
        structlog.get_logger("worker").exception("failed", length=len(buyer))


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(
    capsys: pytest.CaptureFixture[str], form: Literal["json", "console"]
) -> None:
    configure_logs("INFO", form)
    _fail("张三 " + str(13800138000))
    printed = capsys.readouterr().err
    assert "went wrong" in printed
    assert "13800138000" not in printed


def test_a_line_that_cannot_be_written_is_not_printed_as_it_came(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logs("INFO", "json")

    def fail(*_: object) -> str:
        raise RuntimeError("13800138000")

    (handler,) = logging.getLogger().handlers
    monkeypatch.setattr(handler, "format", fail)
    logging.getLogger("worker").warning("call 13800138000")
    (line,) = lines(capsys)
    assert line == {"event": "a line cannot be logged", "logger": "worker", "why": "RuntimeError"}


def test_what_is_below_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("WARNING", "json")
    structlog.get_logger("worker").info("too detailed")
    structlog.get_logger("worker").warning("severe")
    assert [line["event"] for line in lines(capsys)] == ["severe"]


def test_configured_twice_a_line_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    configure_logs("INFO", "json")
    logging.getLogger("worker").info("once")
    assert len(lines(capsys)) == 1


def test_without_a_terminal_lines_have_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "console")
    structlog.get_logger("notices").info("reminder", state="待商家处理")
    output = capsys.readouterr().err
    assert "reminder" in output
    assert "state=待商家处理" in output
    assert "\x1b" not in output


SERVER_GONE = """
import asyncio
from temporalio.testing import WorkflowEnvironment
from aftersales.runtime.temporal.embedded_server import silenced, temporal_binary
from aftersales.runtime.telemetry.logs import configure_logs

async def main():
    configure_logs("INFO", "json")
    with silenced():
        environment = await WorkflowEnvironment.start_local(dev_server_existing_path=temporal_binary())
    await environment.shutdown()
    await environment.client.count_workflows()

asyncio.run(main())
"""


def test_temporals_core_logs_as_we_do() -> None:
    command = [sys.executable, "-c", SERVER_GONE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        line = json.loads(process.stderr.readline())
        process.kill()
        assert process.communicate()[0] == ""

    assert (line["logger"], line["level"]) == ("temporalio.core", "warning")
    assert "retried" in line["event"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_others_wrote_is_no_line_of_a_log_and_steers_no_terminal(
    capsys: pytest.CaptureFixture[str], form: Literal["json", "console"]
) -> None:
    configure_logs("INFO", form)
    words = "不行\n2026-01-01 [info] 已同意\x1b[2J\x9b1m\u2028\u202e"
    structlog.get_logger("activity").warning("activity failed", why=words, fields={"said": [words]})
    fault = CaseError(words)
    structlog.get_logger("worker").error("worker failed", exc_info=(CaseError, fault, fault.__traceback__))
    error = capsys.readouterr().err

    assert not NOT_PLAIN.search(error.replace("\n", ""))
    assert not any(line.startswith("2026-01-01 ") for line in error.split("\n"))
    assert "已同意" in error
