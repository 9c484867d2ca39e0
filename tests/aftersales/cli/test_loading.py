"""A command loads no more than it needs."""

import subprocess
import sys

import pytest

from aftersales.cli.main import COMMANDS

DATABASE, WORKBOOKS, SERVER = (
    ("sqlalchemy", "alembic", "psycopg"),
    ("openpyxl", "python_calamine"),
    ("uvicorn", "starlette"),
)
MAY_LOAD = {
    ("open",): WORKBOOKS,
    ("bill",): DATABASE,
    ("gateway", "sandbox", "codec"): SERVER,
    ("desk", "up"): (*SERVER, *DATABASE),
}
OTHERS = tuple(COMMANDS.keys() - {name for names in MAY_LOAD for name in names})


def loaded(program: str, *modules: str) -> list[str]:
    """Return which of the modules a fresh interpreter has loaded after a program."""
    script = f"import sys; {program}; print(*[name for name in {modules!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_commands_are_listed_and_completed_without_loading_one() -> None:
    unneeded = (*DATABASE, *WORKBOOKS, *SERVER, "temporalio", "pydantic", "workflows", "aftersales.cli.cases")
    assert loaded("import aftersales.cli.main", *unneeded) == []


def test_a_worker_loads_no_database_before_a_ledger_is_opened_nor_what_reads_workbooks() -> None:
    assert loaded("import worker", *DATABASE, *WORKBOOKS) == []


@pytest.mark.parametrize(("names", "allowed"), [*MAY_LOAD.items(), (OTHERS, ())])
def test_a_command_loads_nothing_that_it_does_not_need(names: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    program = f"from aftersales.cli.main import load_command; [load_command(name) for name in {names!r}]"
    forbidden = {*DATABASE, *WORKBOOKS, *SERVER} - {*allowed}
    assert loaded(program, *forbidden) == []
