"""``aftersales simulate`` as its users start it, in some tests as a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

from tests.support.places import ROOT
from tests.support.rules.playing import act, expect, reship, ship

Write = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]


def simulate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aftersales.cli.main", "simulate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def scenario(*steps: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"process": "douyin_reship", "opening": reship(), "steps": list(steps), **top}


def test_json_is_all_that_is_printed(scenario_file: Write) -> None:
    done = simulate(scenario_file(scenario(act("1h", "agree"), ship("2h"))), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert (result["status"], result["state"], result["case_id"]) == ("closed", ["completed"], "douyin_reship/A1")


def test_ten_days_are_skipped(scenario_file: Write) -> None:
    # Otherwise the test would take ten days, and time out.
    done = simulate(scenario_file(scenario(act("0s", "agree"), ship("1h"), expect("10d", "in_transit"), until="10d")))
    assert done.returncode == 0


def test_people_read_a_timeline_in_chinese(scenario_file: Write, aftersales: Run) -> None:
    done = aftersales("simulate", scenario_file(scenario(act("1h", "agree"), ship("50h"))))
    assert (done.exit_code, done.stderr) == (0, "")
    shown = (
        "抖音补寄",
        "同意补寄",
        "→ 待补寄发货",
        "DR-4",
        "提醒",
        "49h 截止",
        "超时未发货",
        "案件已结束 / the case is closed",
        "已结束:已退款",
        "3.00",
    )
    assert [text for text in shown if text not in done.stdout] == []


def test_an_expectation_that_fails_is_status_1_and_a_line(scenario_file: Write, aftersales: Run) -> None:
    path = scenario_file(scenario(expect("1h", "refused"), until="1h"))
    done = aftersales("simulate", path, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["state"] == ["awaiting_merchant"]
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"aftersales: {path}:")
    assert line.endswith(": expected state refused, found awaiting_merchant")


def test_a_bad_file_is_status_2_and_a_line(scenario_file: Write) -> None:
    path = scenario_file(scenario(act("1 hour", "agree")))
    done = simulate(path, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"aftersales: {path}:14: ")
