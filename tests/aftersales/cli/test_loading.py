"""A command loads no more than it needs, so that it answers at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aftersales.cli.main import COMMANDS
from workflows.registry import REGISTERED

DATABASE, WORKBOOKS, SERVER = ("sqlalchemy", "alembic", "psycopg"), ("openpyxl",), ("uvicorn", "starlette")
CLIENT = ("temporalio", "statemachine", "structlog", "httpx2", "rich.table")
PROCESS, OTHER_PROCESSES = "douyin_reship", tuple(f"workflows.{name}" for name in REGISTERED if name != "douyin_reship")
CASE = f"{PROCESS}/1"
RUN = """
import sys
from aftersales.cli.main import app
for command in {commands!r}:
    try:
        app(command)
    except SystemExit:
        pass
"""


def loaded(program: str, *modules: str) -> list[str]:
    """Return which of the modules a fresh interpreter has loaded after a program."""
    # The SDK's own threads now and then abort a process that winds down by itself.
    end = "sys.stdout.flush(); os._exit(0)"
    script = f"import os, sys\n{program}\nprint(); print(*[name for name in {modules!r} if name in sys.modules]); {end}"
    nowhere = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "AFTERSALES_PORT": "1"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **nowhere})
    return done.stdout.splitlines()[-1].split()


def after(*commands: tuple[str, ...]) -> str:
    return RUN.format(commands=[list(command) for command in commands])


def test_the_commands_are_listed_and_completed_without_loading_one() -> None:
    unneeded = (*DATABASE, *WORKBOOKS, *SERVER, *CLIENT, "pydantic", "workflows", "aftersales.cli.cases.case_commands")
    assert loaded("import aftersales.cli.main", *unneeded) == []


def test_no_help_page_loads_what_its_command_runs() -> None:
    pages = [(name, "--help") for name in COMMANDS]
    assert loaded(after(*pages), *DATABASE, *WORKBOOKS, *SERVER, *CLIENT, "workflows", "statecharts", "asyncio") == []


def test_the_rule_book_of_a_process_loads_no_other_and_nothing_that_runs_one() -> None:
    unneeded = (*DATABASE, *WORKBOOKS, *SERVER, "structlog", "temporalio", "httpx2")
    books = [("rulebook", PROCESS, *options) for options in ((), ("--by-state",), ("--json",))]
    assert loaded(after(*books), *unneeded, *OTHER_PROCESSES) == []


def test_the_figures_of_a_month_load_no_client_of_a_server(tmp_path: Path) -> None:
    where = f"import os; os.environ['AFTERSALES_DATA_DIR'] = {str(tmp_path)!r}"
    assert loaded(where + after(("month", "--month", "2026-11")), "temporalio", *WORKBOOKS, *SERVER) == []


def test_a_decision_loads_the_process_of_its_case_alone() -> None:
    unneeded = (*DATABASE, *WORKBOOKS, *SERVER, "temporalio.worker", "temporalio.testing", "httpx2")
    sent = after(("act", CASE, "agree"), ("show", CASE), ("report", CASE, "agree"))
    assert loaded(sent, *unneeded, *OTHER_PROCESSES) == []


def test_bad_input_of_commands_without_a_server_loads_no_client() -> None:
    assert loaded(after(("bill", "missing.csv")), "temporalio.client", *WORKBOOKS, *SERVER, "workflows") == []


def test_a_worker_loads_no_database_before_a_ledger_is_opened_nor_what_reads_workbooks() -> None:
    assert loaded("import worker", *DATABASE, *WORKBOOKS) == []


MAY_LOAD = {
    (("open", "missing.yaml"),): WORKBOOKS,
    (("month", "--month", "2026-11"),): DATABASE,
    (("desk", "--add-user", "张三"),): (*SERVER, *DATABASE),
    (("bill", "missing.csv"), ("backup", "."), ("restore", "missing"), ("missing",)): DATABASE,
    (("sandbox",), ("gateway",), ("codec",)): SERVER,
    (("up", "--samples", "missing"),): (*SERVER, *DATABASE),
    (
        ("list",),
        ("show", CASE),
        ("act", CASE, "agree"),
        ("revive", CASE),
        ("report", CASE, "agree"),
        ("simulate", "missing.yaml"),
        ("new-process", "-"),
        ("setup",),
        ("rekey",),
        ("replay", "missing.json"),
    ): (),
}


@pytest.mark.parametrize(("commands", "allowed"), MAY_LOAD.items(), ids=lambda value: str(value)[:20])
def test_a_command_loads_nothing_that_it_does_not_need(
    commands: tuple[tuple[str, ...], ...], allowed: tuple[str, ...], tmp_path: Path
) -> None:
    assert loaded(after(*commands), *({*DATABASE, *WORKBOOKS, *SERVER} - {*allowed})) == []


def test_every_command_is_looked_at() -> None:
    known = {command[0] for commands in MAY_LOAD for command in commands} | {"migrate", "rulebook", "worker"}
    assert known == {*COMMANDS}
