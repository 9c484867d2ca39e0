"""Commands where an output cannot be written or understood: one line and a status, and never a traceback."""

import asyncio
import fcntl
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from aftersales.ledger.store import SqlLedger
from tests.aftersales.cli.test_show import VIEW
from tests.support.records.booking import expected, recorded
from tests.support.temporal.listed import are_listed, list_case
from tests.support.temporal.stand_in import stand_ins, start_stand_in

PROGRAM = (sys.executable, "-m", "aftersales.cli.main")
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
BOUND = """
import ctypes, os, sys
drop_capability = 24
for right in (1, 2):  # to pass over what a file's mode forbids, and to read all
    ctypes.CDLL(None).prctl(drop_capability, right, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "aftersales.cli.main", *sys.argv[1:]])
"""
"""Runs the command without the rights by which an administrator passes over permissions."""
SMALLEST_PIPE = 4096
SHOPS = 12
MONTH = ("month", "--month", "2026-11")


def ended(done: subprocess.CompletedProcess[str], words: str) -> bool:
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    return line.startswith("aftersales: ") and words in line


def bound(*arguments: str | Path, data: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BOUND, *map(str, arguments)]
    nowhere = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_CONFIG_FILE": "/dev/null"}
    surroundings = {**os.environ, **nowhere, "AFTERSALES_DATA_DIR": str(data)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings, timeout=60)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a month of several shops."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with SqlLedger(folder / "ledger.sqlite3") as ledger:
        for number in range(SHOPS):
            ledger.record(recorded(expected(f"C{number}", amount="5.00", shop_id=f"S{number}"), shop_id=f"S{number}"))
    return folder


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing can be written."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    yield folder
    folder.chmod(0o700)


def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended(done, "标准输出 / standard output: 不能使用 / cannot be used: No space left on device")


def test_a_full_disk_under_the_errors_is_a_status() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "bill", "missing.csv"], stdout=full, stderr=full, check=False)
    assert done.returncode == 2


def test_a_closed_pipe_ends_a_command_without_a_word() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def closed_amid(*arguments: str, **surroundings: str) -> tuple[int, str]:
    """Run a command whose reader goes away after the first byte; return its status and what it says of that."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    program = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, env={**os.environ, **surroundings}
    )
    os.close(writer)
    assert os.read(reader, 1)
    os.close(reader)
    _, said = program.communicate(timeout=60)
    return program.returncode, said


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_pipe_closed_amid_a_month_ends_it_without_a_word(data: Path, options: tuple[str, ...]) -> None:
    assert closed_amid(*MONTH, *options, AFTERSALES_DATA_DIR=str(data)) == (1, "")


def test_closed_outputs_are_no_fault() -> None:
    close = "import os; os.close(1); os.close(2); os.execv({0!r}, [{0!r}, '-m', 'aftersales.cli.main', '--help'])"
    done = subprocess.run([sys.executable, "-c", close.format(sys.executable)], check=False)
    assert done.returncode == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    command = [*PROGRAM, "rulebook", "douyin_reship", "--write", str(taken / "books")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended(done, f"{taken / 'books'}: 不能使用 / cannot be used: Not a directory")


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_a_folder_without_permission_for_a_month_is_named(data: Path, closed: Path, option: str) -> None:
    done = bound(*MONTH, option, closed / "month", data=data)
    assert ended(done, f"{closed / 'month'}: ")
    assert ended(done, "Permission denied")
    assert done.stdout == ""


def test_a_folder_without_permission_for_a_backup_is_named(data: Path, closed: Path) -> None:
    done = bound("backup", closed / "copy", data=data)
    assert ended(done, f"{closed / 'copy'}")
    assert ended(done, "Permission denied")


@pytest.mark.parametrize(
    "arguments",
    [
        MONTH,
        (*MONTH, "--json"),
        ("bill", "bill.csv"),
        ("backup", "copy"),
        ("restore", "whole"),
        ("migrate",),
        ("sandbox",),
        ("up",),
    ],
    ids=" ".join,
)
def test_a_data_folder_without_permission_is_named(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "bill.csv").write_text("bill_id,shop_id,clause,at,amount\nB1,S1,CL-3,2026-11-04T09:00:00+08:00,5.00\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    if "whole" in arguments:
        assert bound("backup", "whole", data=data).returncode == 0
    data.chmod(0o000)
    try:
        done = bound(*arguments, data=data)
    finally:
        data.chmod(0o700)
    assert ended(done, str(data))
    assert ended(done, "Permission denied")


@pytest.mark.parametrize("options", [("--json",), ("--by-state",)])
def test_an_ascii_locale_gets_escapes(options: tuple[str, ...]) -> None:
    command = [*PROGRAM, "rulebook", "douyin_reship", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **ASCII})
    assert (done.returncode, done.stderr, done.stdout.isascii()) == (0, "", True)
    if options == ("--json",):
        labels = {rule["label"] for rule in json.loads(done.stdout)["douyin_reship"]["rules"]}
        assert "同意补寄" in labels
    else:
        assert "\\u540c\\u610f" in done.stdout


@pytest.fixture
def server(client: Client) -> dict[str, str]:
    return {"TEMPORAL_ADDRESS": client.service_client.config.target_host, "TEMPORAL_CONFIG_FILE": "/dev/null"}


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_a_pipe_closed_amid_a_list_ends_it_without_a_word(
    client: Client, server: dict[str, str], options: tuple[str, ...]
) -> None:
    shop, cases = uuid.uuid4().hex[:12], 40
    for _ in range(cases):
        await list_case(client, shop)
    await are_listed(client, shop, cases)

    assert await asyncio.to_thread(lambda: closed_amid("list", "--shop", shop, *options, **server)) == (1, "")


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_an_ascii_locale_gets_escapes_for_a_list_and_a_case(
    client: Client, server: dict[str, str], options: tuple[str, ...]
) -> None:
    shop, queue, case_id = uuid.uuid4().hex[:12], uuid.uuid4().hex, f"douyin_reship/{uuid.uuid4().hex}"
    await list_case(client, shop)
    await start_stand_in(client, case_id, queue, view={**VIEW, "advice": ["先与买家沟通"]})
    await are_listed(client, shop, 1)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        surroundings = {**os.environ, **ASCII, **server}
        command = [*PROGRAM, *arguments, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)

    async with stand_ins(client, queue):
        for arguments in (("list", "--shop", shop), ("show", case_id)):
            done = await asyncio.to_thread(run, *arguments)
            assert (done.returncode, done.stderr, done.stdout.isascii()) == (0, "", True)
            assert "\\u5f85\\u5546\\u5bb6\\u5904\\u7406" in done.stdout
            assert not options or json.loads(done.stdout)
