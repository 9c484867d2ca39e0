"""How a command ends: exit status and one line."""

import errno
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.cli.exit_status import run
from aftersales.cli.main import COMMANDS
from cases.errors import BadForm, CaseError, PolicyUnknown, Refused
from tests.support.programs.embedded import settings_of
from workflows.registry import PROCESSES, process_of


def ended(error: BaseException | None, status: int | None = None) -> int:
    async def work() -> int | None:
        if error:
            raise error
        return status

    with pytest.raises(typer.Exit) as caught:
        run(work())
    return caught.value.exit_code


@pytest.mark.parametrize("status", [None, 0, 1])
def test_work_says_how_it_ended(status: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(None, status) == (status or 0)
    assert capsys.readouterr() == ("", "")


def rpc(status: RPCStatusCode, message: str = "why") -> RPCError:
    return RPCError(message, status, b"")


def update(kind: str | None) -> WorkflowUpdateFailedError:
    return WorkflowUpdateFailedError(ApplicationError("why", type=kind))


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Refused("why"), 1, "why"),
        (BadForm("why"), 2, "why"),
        (PolicyUnknown("why"), 2, "why"),
        (CaseError("why\nand\nhow"), 2, "why and how"),
        (update("Refused"), 1, "why"),
        (update("PlatformRefused"), 1, "why"),
        (update("BadForm"), 2, "why"),
        (update(None), 2, "why"),
        (WorkflowQueryFailedError("why"), 2, "why"),
        (rpc(RPCStatusCode.NOT_FOUND, "workflow execution already completed"), 1, "案件已结束"),
        (rpc(RPCStatusCode.NOT_FOUND, "workflow not found for ID"), 2, "没有这个案件"),
        (rpc(RPCStatusCode.NOT_FOUND, "Namespace nowhere is not found."), 2, "没有这个命名空间"),
        (rpc(RPCStatusCode.DEADLINE_EXCEEDED), 2, "no worker answers"),
        (rpc(RPCStatusCode.CANCELLED), 2, "no worker answers"),
        (rpc(RPCStatusCode.INVALID_ARGUMENT, "invalid search attribute: CaseShop"), 2, "aftersales setup"),
        (rpc(RPCStatusCode.INVALID_ARGUMENT, "bad query"), 2, "Temporal: bad query"),
        (rpc(RPCStatusCode.PERMISSION_DENIED, "no"), 2, "Temporal: no"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "standard output: 不能使用"),
        (PermissionError(errno.EACCES, "Permission denied", "out/x.md"), 2, "out/x.md: 不能使用"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_every_error_is_one_line_and_a_status(
    error: BaseException, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error) == status
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("aftersales: ")
    assert words in line
    assert printed.out == ""


def test_an_error_of_ours_is_not_hidden() -> None:
    async def work() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(work())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_a_help_page(aftersales: Callable[..., Result], command: str) -> None:
    result = aftersales(*filter(None, [command]), "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("opne",),
        ("list", "--sort"),
        ("open",),
        ("act", "douyin_reship/A1"),
        ("list", "--limit", "0"),
        ("simulate",),
        ("month", "--deadline", "+1h"),
        ("report", "douyin_reship/A1", "sign", "--month", "2026-11"),
    ],
)
def test_a_wrong_call_is_bad_input(aftersales: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    result = aftersales(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "nonsense/A1"), "no such process"),
        (("show", "A1"), "no Temporal server answers"),
        (("act", "douyin_reship/A1", "agreed"), "agree, refuse"),
        (("act", "douyin_reship/A1", "auto_agree"), "agree, refuse"),
        (("act", "douyin_reship/A1", "ship", "--form", "carrier"), "KEY=VALUE"),
        (("report", "douyin_reship/A1", "sign", "--occurred-at", "soon"), "--occurred-at"),
        (("report", "douyin_reship/A1", "signed"), "signed"),
        (("report", "douyin_reship/A1"), "--deadline"),
        (("report",), "`aftersales month`"),
        (("report", "--message-id", "m1"), "`aftersales month`"),
        (("list", "--process", "jd"), "no such process"),
        (("rulebook", "jd"), "no such process"),
        (("replay",), "--case"),
        (("replay", "missing.json"), "missing.json"),
        (("replay", "--sample", "1"), "--open"),
        (("replay", "--from", "missing", "--save", "kept"), "only with --open"),
        (("replay", "--from", "missing"), "no histories"),
        (("restore", "missing"), "not a whole backup"),
        (("backup", "."), "must be an empty folder"),
        (("open", "missing.yaml"), "missing.yaml"),
        (("up", "--samples", "missing"), "missing"),
        (("up", "--port", "0"), "AFTERSALES_PORT"),
        (("up", "--ui-port", "65536"), "AFTERSALES_UI_PORT"),
        (("up", "--port", "65535", "--ui-port", "65535"), "AFTERSALES_UI_PORT"),
    ],
)
def test_bad_input_is_reported_before_a_server_is_asked(
    aftersales: Callable[..., Result], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = aftersales(*arguments, TEMPORAL_ADDRESS="127.0.0.1:1", AFTERSALES_DATA_DIR=str(tmp_path))
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert words in line


@pytest.mark.parametrize("setting", ["AFTERSALES_PORT", "AFTERSALES_UI_PORT"])
def test_a_taken_port_names_its_setting(aftersales: Callable[..., Result], tmp_path: Path, setting: str) -> None:
    settings = settings_of(tmp_path)
    with socket.create_server(("127.0.0.1", int(settings[setting]))):
        result = aftersales("up", **settings)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"aftersales: port {settings[setting]} is taken: set {setting} to another port\n"


@pytest.mark.parametrize("arguments", [("list",), ("show", "douyin_reship/A1"), ("setup",), ("worker",)])
def test_no_server_is_one_line(aftersales: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    result = aftersales(*arguments, TEMPORAL_ADDRESS="127.0.0.1:1", AFTERSALES_PRETEND_PLATFORMS="true")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("aftersales: no Temporal server answers at 127.0.0.1:1: ")


def test_a_bad_setting_names_its_variable(aftersales: Callable[..., Result]) -> None:
    result = aftersales("worker", AFTERSALES_LOG_LEVEL="LOUD")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("aftersales: AFTERSALES_LOG_LEVEL: ")


def test_the_rule_book_as_table_and_as_json(aftersales: Callable[..., Result]) -> None:
    shown = aftersales("rulebook", "douyin_reship")
    assert shown.exit_code == 0
    assert all(rule in shown.stdout for rule in process_of("douyin_reship").chart.rules)
    everything: dict[str, Any] = json.loads(aftersales("rulebook", "--json").stdout)
    assert set(everything) == set(PROCESSES)
    book = everything["douyin_reship"]
    assert {entry["name"] for entry in book["figures"]} == set(process_of("douyin_reship").case.policy_type().figures())
    assert {entry["clause"] for entry in book["rules"]} >= {"DR-2", "DR-4", "DR-19"}


def test_the_rule_book_is_written_to_a_folder(aftersales: Callable[..., Result], tmp_path: Path) -> None:
    written = tmp_path / "new" / "folder" / "claim_1688.md"
    result = aftersales("rulebook", "claim_1688", "--write", written.parent)
    assert (result.exit_code, result.stdout) == (0, f"{written}\n")
    assert "CL-4" in written.read_text(encoding="utf-8")
