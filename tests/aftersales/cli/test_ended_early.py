"""Cases whose workflows ended early, as operators see them in ``list``, ``show`` and ``revive``."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from aftersales.runtime.temporal.connection import connect_to
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.embedded import Embedded, settings_of
from tests.support.rules.playing import reship

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    started = Embedded(settings_of(tmp_path_factory.mktemp("data"))).ready()
    yield started
    assert started.interrupt() == 0


@pytest.fixture
def command(embedded: Embedded, aftersales: Command) -> Command:
    def run(*arguments: str | Path) -> Result:
        folder = embedded.environment["AFTERSALES_DATA_DIR"]
        own = {"TEMPORAL_ADDRESS": embedded.address, "TEMPORAL_CONFIG_FILE": "/dev/null", "AFTERSALES_DATA_DIR": folder}
        return aftersales(*arguments, **own)

    return run


@pytest.fixture
def case_file(tmp_path: Path) -> Path:
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump({"process": "douyin_reship", "opening": reship(own_id=uuid.uuid4().hex[:12])}))
    return path


@pytest.fixture
def case(command: Command, case_file: Path) -> str:
    (row,) = json.loads(command("open", case_file, "--json").stdout)
    assert row["opened"]
    return str(row["case_id"])


def terminate(embedded: Embedded, case: str) -> None:
    async def end() -> None:
        await (await connect_to(embedded.address)).get_workflow_handle(case).terminate()

    asyncio.run(end())


def row(command: Command, case: str, status: str, *options: str) -> dict[str, Any]:
    """Return the only row of a case once Temporal lists it with this status, a moment after it has come to pass."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        listed = json.loads(command("list", "--json", *options).stdout)
        rows = [entry for entry in listed if entry["case_id"] == case]
        if [entry["status"] for entry in rows] == [status]:
            return dict(rows[0])
        assert time.monotonic() < until, rows
        time.sleep(0.1)


def test_a_terminated_case_is_listed_and_shown_as_such_without_deadlines_until_it_is_revived(
    embedded: Embedded, command: Command, case: str, case_file: Path
) -> None:
    assert row(command, case, "running")["deadline"]
    assert command("report", case, "agree").exit_code == 0
    until = time.monotonic() + PATIENCE_SECONDS
    while not json.loads(command("show", case, "--json").stdout)["timeline"]:
        assert time.monotonic() < until, "the report never counted"
        time.sleep(0.05)
    terminate(embedded, case)

    for options in ((), ("--all",)):
        listed = row(command, case, "terminated", *options)
        assert (listed["state"], listed["deadline"], listed["needs_operator"]) == ("异常终止", None, True)
        assert listed["waits_for"] == f"aftersales revive {case}"
    shown = json.loads(command("show", case, "--json").stdout)
    assert (shown["status"], shown["deadlines"], shown["actions"], shown["next"]) == ("ended_early", [], [], None)
    assert (shown["ended_early"]["ending"], shown["ended_early"]["revive"]) == (
        "terminated",
        f"aftersales revive {case}",
    )
    assert [entry["rule"] for entry in shown["timeline"]] == ["agree"]
    text = command("show", case).stdout
    assert "异常终止" in text
    assert "⏱" not in text

    again = command("open", case_file)
    assert again.exit_code == 0
    assert "was opened before" in again.stdout or "opened before, its workflow terminated" in again.stdout

    revived = command("revive", case)
    assert (revived.exit_code, revived.stdout, revived.stderr) == (0, f"{case}: 已恢复 / revived\n", "")
    for options in ((), ("--all",)):
        assert row(command, case, "running", *options)["deadline"]
    shown = json.loads(command("show", case, "--json").stdout)
    assert (shown["status"], shown["state"]) == ("open", ["awaiting_shipment"])
    assert command("act", case, "ship", "--form", "carrier=SF", "--form", "tracking_no=SF1").exit_code == 0


def test_a_case_that_runs_or_that_nobody_knows_is_not_revived(command: Command, case: str) -> None:
    running, unknown = command("revive", case), command("revive", "douyin_reship/nobody")
    assert (running.exit_code, unknown.exit_code) == (1, 2)
    assert "nothing to revive" in running.stderr
    assert "no such case" in unknown.stderr
    assert len((running.stderr + unknown.stderr).splitlines()) == 2
