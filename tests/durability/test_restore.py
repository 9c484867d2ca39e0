"""A machine's disk is lost, and a backup that was made while everything ran is put back on an empty one."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from aftersales.cli.main import app
from aftersales.runtime.temporal.embedded_server import temporal_binary
from tests.support.patience import PATIENCE_SECONDS
from tests.support.processes.claims import claim_facts
from tests.support.programs.embedded import UP, Embedded, settings_of
from tests.support.rules.playing import reship
from tests.support.temporal.life import whole_now

SHOP = "1001"
BEFORE, RECORDED, AFTER = "douyin_reship/7301", "claim_1688/C1", "claim_1688/C2"
"""Two cases that are in the backup, and one that somebody opened after it."""


class Machine:
    """A data folder and what runs on it; the sandbox plays the platform, which outlives the disk."""

    def __init__(self, folder: Path, *, ledger_outlives_it: bool) -> None:
        self.data, self.files = folder / "data", folder / "files"
        self.files.mkdir()
        self.environment = settings_of(self.data)
        if ledger_outlives_it:
            self.environment["AFTERSALES_LEDGER_URL"] = f"sqlite:///{folder / 'ledger.sqlite3'}"
        self.address = f"127.0.0.1:{self.environment['AFTERSALES_PORT']}"
        self.up: Embedded | None = None

    def start(self, *arguments: str) -> None:
        self.up = Embedded(self.environment, (*UP, *arguments)).ready()

    def stop(self) -> None:
        if self.up is not None:
            assert self.up.interrupt() == 0
            self.up = None

    def command(self, *arguments: str | Path, status: int = 0) -> str:
        """Run one of our commands in this process, which is much faster; return what it prints."""
        others: dict[str, str | None] = {
            name: None for name in os.environ if name.startswith(("AFTERSALES_", "TEMPORAL_"))
        }
        of_the_run = {"TEMPORAL_ADDRESS": self.address, "TEMPORAL_CONFIG_FILE": os.devnull, **self.environment}
        done = CliRunner().invoke(app, list(map(str, arguments)), env={**others, **of_the_run})
        assert done.exit_code == status, (arguments, done.output)
        return done.stdout

    def temporal(self, *arguments: str) -> None:
        subprocess.run([temporal_binary(), *arguments, "--address", self.address], check=True, timeout=60)

    def case_file(self, process: str, name: str, facts: dict[str, Any]) -> Path:
        path = self.files / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"process": process, "opening": facts}), encoding="utf-8")
        return path

    def states(self) -> dict[str, str]:
        return {case["case_id"]: case["state"] for case in json.loads(self.command("list", "--json"))}

    def state_when(self, case: str, is_so: Callable[[str | None], bool]) -> str | None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not is_so(state := self.states().get(case)):
            assert time.monotonic() < until, (case, state)
            time.sleep(0.5)
        return state


def is_listed(state: str | None) -> bool:
    """Return whether Temporal lists the case, which it does a moment after its opening."""
    return state is not None


@pytest.fixture(params=[False, True], ids=["the ledger is lost too", "the ledger outlives the disk"])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Machine]:
    here = Machine(tmp_path, ledger_outlives_it=request.param)
    yield here
    here.stop()


def test_a_backup_is_put_back_in_an_empty_folder_and_the_cases_go_on(machine: Machine, tmp_path: Path) -> None:
    ledger_lives = "AFTERSALES_LEDGER_URL" in machine.environment
    machine.case_file("douyin_reship", "reship", reship(own_id="7301", order_id="5001", shop_id=SHOP))
    machine.start("--samples", str(machine.files))
    machine.command("open", machine.case_file("claim_1688", "before", claim_facts("C1", whole_now())))
    machine.state_when(RECORDED, is_listed)
    waiting = machine.state_when(BEFORE, is_listed)

    machine.command("backup", tmp_path / "backup")
    copied = list(json.loads((tmp_path / "backup" / "backup.json").read_text())["files"])
    assert copied[:3] == ["inbox.db", "temporal.db", "ledger.sqlite3"], "else a message or an outcome falls between"

    machine.command("act", BEFORE, "agree")
    after = machine.case_file("claim_1688", "after", claim_facts("C2", whole_now(), order_id="6002"))
    machine.command("open", after)
    machine.command(
        "sandbox", "--apply", "--form", f"shop_id={SHOP}", "--form", "reason=other", "--form", "amount=9.90"
    )
    known = {BEFORE, RECORDED, AFTER}
    until = time.monotonic() + PATIENCE_SECONDS
    while not (applied := set(machine.states()) - known):
        assert time.monotonic() < until
        time.sleep(0.5)
    (applied_for,) = applied
    agreed = machine.state_when(BEFORE, lambda state: state != waiting)
    machine.state_when(AFTER, is_listed)

    machine.stop()
    platform = tmp_path / "platform"
    shutil.move(machine.data / "sandbox", platform)
    shutil.rmtree(machine.data)
    machine.command("restore", tmp_path / "backup")
    shutil.rmtree(machine.data / "sandbox")
    shutil.move(platform, machine.data / "sandbox")
    machine.start()

    assert {RECORDED, BEFORE} <= set(machine.states())
    assert AFTER not in machine.states()
    missing = json.loads(machine.command("missing", "--json", status=int(ledger_lives)))
    assert {case["case_id"] for case in missing} == ({AFTER, applied_for} if ledger_lives else set())
    if ledger_lives:
        machine.command("missing", "--forget")
        assert "无 (none)" in machine.command("missing")
    else:
        machine.temporal("schedule", "trigger", "--schedule-id", f"catch-up/douyin/{SHOP}")

    machine.state_when(applied_for, is_listed)
    machine.state_when(BEFORE, lambda state: state == agreed)
    machine.command("open", after)
    machine.state_when(AFTER, is_listed)
    machine.command("act", RECORDED, "agree")
