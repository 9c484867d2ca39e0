"""``aftersales open``: what it asks for, what it opens, and how it is stopped."""

import json
import os
import pty
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from temporalio.testing import WorkflowEnvironment

from aftersales.cli.opening.bulk_opening import OpeningStopped, _open
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal import opening_pace
from cases.messages import Opening
from cases.shanghai import SHANGHAI
from tests.support.programs.embedded import surroundings
from tests.support.programs.programs import ROOT
from tests.support.records.booking import ended, recorded
from tests.support.records.exporting import RESHIPS, Exported
from tests.support.records.exporting import row as row_of

Command = Callable[..., Result]
NO_SERVER = "127.0.0.1:1"
# Whoever runs the tests in the background has interrupts ignored, and so has every process that they start.
INTERRUPTIBLE = (
    "from signal import *; signal(SIGINT, default_int_handler);"
    "from datetime import timedelta; from aftersales.runtime.temporal import opening_pace;"
    "opening_pace.PROBE_PATIENCE = timedelta(milliseconds=100);"
    "from aftersales.cli.main import main; main()"
)
"""It has little patience with workers, of which there are none."""
MANY, LAST = 800, 20
"""Rows that are not all opened before anybody can interrupt, and the last of them."""


@pytest.fixture
def reships(tmp_path: Path) -> Exported:
    return Exported(tmp_path, RESHIPS)


@pytest.fixture
def address(environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server without a worker: cases are opened, and stay in their first state."""
    target = environment.client.service_client.config.target_host
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("TEMPORAL_ADDRESS", target)
    monkeypatch.setenv("AFTERSALES_TASK_QUEUE", "nobody's")
    monkeypatch.setattr(opening_pace, "PROBE_PATIENCE", timedelta(milliseconds=100))
    with environment.with_time_skipping_disabled():
        yield target


def row(own_id: str = "A1", **cells: str) -> list[str]:
    """Return a row of a case that has just been applied for."""
    just_now = datetime.now(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return row_of(own_id, **{"申请时间": just_now, **cells})


def ids(count: int) -> list[str]:
    return [uuid.uuid4().hex[:12] for _ in range(count)]


def test_good_rows_are_opened_bad_ones_written_and_nothing_is_opened_twice(
    address: str, aftersales: Command, reships: Exported
) -> None:
    good, bad, late = ids(3)
    path, rejected = reships.write(row(good), row(bad, 金额="x")), reships.path.with_name("export.rejected.csv")
    command = ("--mapping", reships.mapping, "--json")
    first = aftersales("open", path, *command)
    assert first.exit_code == 2
    (line,) = first.stderr.splitlines()
    assert str(rejected) in line
    printed = json.loads(first.stdout)
    assert printed["cases"] == [{"case_id": f"douyin_reship/{good}", "opened": True}]
    assert [(entry["file"], entry["line"]) for entry in printed["rejected"]] == [(str(path), 3)]
    assert printed["rejected_files"] == [str(rejected)]

    rejected.write_text(rejected.read_text(encoding="utf-8").replace(",x,", ",5,"), encoding="utf-8")
    reships.write(row(good), row(bad, 金额="5"), row(late))
    again = aftersales("open", rejected, path, *command)
    assert (again.exit_code, again.stderr) == (0, "")
    answers = {(entry["case_id"].partition("/")[2], entry["opened"]) for entry in json.loads(again.stdout)["cases"]}
    assert answers == {(good, False), (bad, True), (bad, False), (late, True)}


def test_an_export_of_bad_rows_alone_needs_no_server(aftersales: Command, reships: Exported, tmp_path: Path) -> None:
    path, rejected = reships.write(row(金额="x"), row(金额="y")), tmp_path / "bad.csv"
    result = aftersales(
        *("open", path, "--mapping", reships.mapping, "--rejected", rejected), TEMPORAL_ADDRESS=NO_SERVER
    )
    assert (result.exit_code, rejected.exists()) == (2, True)
    assert result.stdout == "0 件已新建 / opened, 0 件此前已新建 / were opened before; 2 行被拒 / rows rejected\n"
    assert result.stderr == f"aftersales: 2 行有误,改好再导入 / rows are wrong, correct and open them: {rejected}\n"


@pytest.mark.parametrize("count", [20, 21])
def test_people_see_counts_and_only_a_few_names(
    address: str, aftersales: Command, reships: Exported, count: int
) -> None:
    own = ids(count)
    for words in (
        f"{count} 件已新建 / opened, 0 件此前已新建 / were opened before; 0 行被拒 / rows rejected",
        f"0 件已新建 / opened, {count} 件此前已新建 / were opened before; 0 行被拒 / rows rejected",
    ):
        result = aftersales("open", reships.write(*map(row, own)), "--mapping", reships.mapping)
        *named, last = result.stdout.splitlines()
        assert (result.exit_code, result.stderr, last) == (0, "", words)
        assert [line.partition(":")[0] for line in named] == [
            f"douyin_reship/{own_id}" for own_id in own if count <= 20
        ]


def test_jd_1_a_case_that_ended_is_never_opened_again_though_temporal_has_forgotten_it(
    address: str, aftersales: Command, reships: Exported, tmp_path: Path
) -> None:
    over, new = ids(2)
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        ledger.record(recorded(ended(over, process="douyin_reship")))
    path, own = reships.write(row(over), row(new)), str(tmp_path)
    done = aftersales("open", path, "--mapping", reships.mapping, "--json", AFTERSALES_DATA_DIR=own)
    why = "此前已新建,已于 2026-11-05 09:00 结束 / opened before, ended: 仲裁驳回 dismissed"
    assert json.loads(done.stdout)["cases"] == [
        {"case_id": f"douyin_reship/{over}", "opened": False, "why": why},
        {"case_id": f"douyin_reship/{new}", "opened": True},
    ]


def test_a_terminal_sees_a_bar_and_what_an_interrupt_left_is_opened_by_running_again(
    address: str, aftersales: Command, reships: Exported
) -> None:
    rows = [*map(row, ids(MANY))]
    path = reships.write(*rows)
    command = ("open", str(path), "--mapping", str(reships.mapping))
    seen, terminal = pty.openpty()
    process = subprocess.Popen(
        (sys.executable, "-c", INTERRUPTIBLE, *command),
        cwd=ROOT,
        env=surroundings(TEMPORAL_ADDRESS=address, AFTERSALES_TASK_QUEUE="nobody's", TERM="xterm"),
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    while f"/{MANY}".encode() not in shown.partition("新建".encode())[2]:
        shown += os.read(seen, 4096)
    process.send_signal(signal.SIGINT)
    for part in iter(lambda: _more(seen), b""):
        shown += part
    os.close(seen)
    assert process.wait() == 130
    last = shown.decode().splitlines()[-1]
    assert "aftersales: interrupted: " in last
    assert "再次运行即可继续" in last

    reships.write(*rows[-LAST:])
    for opened in (True, False):
        answers = json.loads(aftersales(*command, "--json").stdout)["cases"]
        assert [entry["opened"] for entry in answers] == [opened] * LAST


def _more(seen: int) -> bytes:
    try:
        return os.read(seen, 4096)
    except OSError:  # the command has stopped writing
        return b""


async def test_a_refusal_midway_stops_those_opened_at_once_and_says_how_many_were(
    address: str, reships: Exported
) -> None:
    reships.write(*map(row, ids(16)))
    *cases, (process, last) = reships.read().cases
    too_large = Opening(facts={**last.facts, "description": "长" * 2**20})
    cases.append((process, too_large))
    message = r"^([6-9]|1[0-5]) 件已新建 / opened, 0 .*, run again to continue: case: .* / too large: \d+ bytes"
    with pytest.raises(OpeningStopped, match=message):
        await _open(Settings(task_queue="nobody's"), cases, quiet=True)


PAST = "2026-01-05 09:00"


def test_a_dry_run_says_what_would_be_opened_what_is_past_and_what_that_books(
    aftersales: Command, reships: Exported, tmp_path: Path
) -> None:
    over, late, new = ids(3)
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        ledger.record(recorded(ended(over, process="douyin_reship")))
    path = reships.write(row(over, 申请时间=PAST), row(late, 申请时间=PAST), row(new), row("bad", 金额="x"))
    before = sorted(tmp_path.iterdir())
    command = ("open", path, "--mapping", reships.mapping, "--dry-run")
    surroundings = {"AFTERSALES_DATA_DIR": str(tmp_path), "TEMPORAL_ADDRESS": NO_SERVER}
    said = aftersales(*command, **surroundings)
    assert (said.exit_code, said.stderr) == (2, "")
    *lines, counts, losses = said.stdout.splitlines()
    assert [line for line in lines if over in line or new in line] == []
    assert f"douyin_reship/{late}: 已过期 / past: 2026-01-09 09:00 " in said.stdout
    assert f"douyin_reship/{late}: 将记账 / would book: DR-10 3.00 CNY" in lines
    assert f"douyin_reship/{late}: 将记账 / would book: DR-11 金额未知 / amount unknown" in lines
    assert counts.startswith("2 件将新建 / would be opened, 1 件此前已新建 / were opened before, 1 件已过期")
    assert losses.endswith("1 件 / cases: 3.00 CNY, 1 笔金额未知 / amounts unknown")
    assert sorted(tmp_path.iterdir()) == before

    printed = json.loads(aftersales(*command, "--json", **surroundings).stdout)
    assert (printed["new"], printed["known"], [entry["line"] for entry in printed["rejected"]]) == (2, 1, [5])
    (case,) = printed["past"]
    assert [entry["rule"] for entry in case["past"]] == ["auto_agree", "miss_shipment", "lapse"]
    assert [(entry["clause"], entry["amount"]) for entry in case["books"]] == [("DR-10", "3.00"), ("DR-11", None)]


def test_past_deadlines_are_opened_only_when_a_person_says_so(
    address: str, aftersales: Command, reships: Exported
) -> None:
    (late,) = ids(1)
    path = reships.write(row(late, 申请时间=PAST), row("bad", 金额="x"))
    command = ("open", path, "--mapping", reships.mapping, "--json")
    refused = aftersales(*command)
    assert (refused.exit_code, refused.stdout) == (2, "")
    (line,) = refused.stderr.splitlines()
    assert "3.00 CNY" in line
    assert "--yes" in line
    assert not reships.path.with_name("export.rejected.csv").exists()
    opened = json.loads(aftersales(*command, "--yes").stdout)["cases"]
    assert opened == [{"case_id": f"douyin_reship/{late}", "opened": True}]


def test_a_case_file_of_the_past_asks_as_an_export_does(aftersales: Command, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        "process: douyin_reship\nopening:\n  shop_id: '1001'\n  after_sale_id: '7301'\n  order_id: '6922'\n"
        "  reason: other\n  order_amount: '100.00'\n  applied_at: -9d\n",
        encoding="utf-8",
    )
    refused = aftersales("open", path, TEMPORAL_ADDRESS=NO_SERVER)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr


@pytest.mark.parametrize(("answer", "status"), [("n\n", 2), ("y\n", 2)])
def test_a_person_at_a_terminal_is_asked(reships: Exported, tmp_path: Path, answer: str, status: int) -> None:
    """Without a server: after a yes the command fails to reach it, after a no it does not try."""
    path = reships.write(row("A1", 申请时间=PAST))
    seen, terminal = pty.openpty()
    command = ("open", str(path), "--mapping", str(reships.mapping))
    process = subprocess.Popen(
        (sys.executable, "-c", INTERRUPTIBLE, *command),
        cwd=ROOT,
        env=surroundings(TEMPORAL_ADDRESS=NO_SERVER, AFTERSALES_DATA_DIR=str(tmp_path), TERM="xterm"),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(seen, 4096)
    os.write(seen, answer.encode())
    for part in iter(lambda: _more(seen), b""):
        shown += part
    os.close(seen)
    assert process.stdout
    said = process.stdout.read().decode()
    process.stdout.close()
    assert process.wait() == status
    assert "would book: DR-10 3.00 CNY" in said
    assert (NO_SERVER in shown.decode()) is (answer == "y\n")
    assert "读取 / reading export.csv".encode() in shown


def test_a_server_that_refuses_is_one_line(address: str, aftersales: Command, reships: Exported) -> None:
    result = aftersales("open", reships.write(row(*ids(1))), "--mapping", reships.mapping, TEMPORAL_NAMESPACE="nowhere")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "1 件未新建,再次运行即可继续 / not opened yet, run again to continue" in line
    assert "nowhere" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export.csv",), "--mapping"),
        (("export.XLSX",), "--mapping"),
        (("export.xls",), "--mapping"),
        (("old.xls", "--mapping", "mapping.yaml"), "old.xls: No such file"),
        (("case.yaml", "--mapping", "mapping.yaml"), "case.yaml: "),
        (("case.yaml", "--rejected", "bad.csv"), "case.yaml: "),
        (("export.csv", "other.csv", "--mapping", "mapping.yaml", "--rejected", "bad.csv"), "--rejected"),
        (("export.csv", "--mapping", "mapping.yaml", "--rejected", "./export.csv"), "overwrite"),
        (("export.csv", "--mapping", "mapping.yaml", "--rejected", "mapping.yaml"), "overwrite"),
        (("missing.csv", "--mapping", "mapping.yaml"), "missing.csv: No such file"),
        (("export.csv", "--mapping", "missing.yaml"), "missing.yaml: No such file"),
    ],
)
def test_a_wrong_call_is_one_line_before_a_server_is_asked(
    aftersales: Command, reships: Exported, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    reships.write(row(金额="x"))
    monkeypatch.chdir(reships.path.parent)
    result = aftersales("open", *arguments, TEMPORAL_ADDRESS=NO_SERVER)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert words in line
    assert sorted(path.name for path in reships.path.parent.iterdir()) == ["export.csv", "mapping.yaml"]
