"""A simulation ends, with one clear error, whatever its chart or workflow does; and leaves no server behind."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from aftersales import bootstrap
from aftersales.simulation.scenario import Scenario
from aftersales.simulation.simulation import simulate
from cases.errors import CaseError
from tests.support.processes.endless import ENDLESS, OPENING
from workflows import registry


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.REGISTERED, "endless", "nobody")  # type: ignore[arg-type]
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda name: ENDLESS if name == "endless" else load(name))


def servers() -> set[str]:
    """Return the ids of the Temporal servers that this process started and that still run."""
    pids = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text(encoding="utf-8")
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        if "temporal" in fields["Name"] and fields["PPid"].strip() == str(_own_pid()) and "Z" not in fields["State"]:
            pids.add(fields["Pid"])
    return pids


def _own_pid() -> int:
    return int(Path("/proc/self").resolve().name)


async def failure(tmp_path: Path, *steps: dict[str, Any]) -> str:
    path = tmp_path / "endless.yaml"
    path.write_text(yaml.safe_dump({"process": "endless", "opening": OPENING, "steps": list(steps)}), encoding="utf-8")
    before = servers()
    with pytest.raises(CaseError) as error:
        await simulate(Scenario(path))
    assert servers() <= before
    return str(error.value)


async def test_a_clock_that_is_due_again_at_once_is_named_with_its_state(tmp_path: Path) -> None:
    said = await failure(tmp_path, {"at": "1h", "act": "start_ringing"})
    assert "rule 'ring' never stops" in said
    assert "ringing" in said


async def test_a_clock_that_nobody_stops_is_named_with_its_state(tmp_path: Path) -> None:
    said = await failure(tmp_path, {"at": "1h", "act": "start_beating"})
    assert "rule 'beat' never stops" in said
    assert "beating" in said


async def test_a_workflow_that_raises_is_reported_with_its_error(tmp_path: Path) -> None:
    assert "a case that cannot apply" in await failure(tmp_path, {"at": "1h", "act": "jam"})


async def test_a_workflow_that_the_worker_does_not_know_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [workflow for workflow in registry.case_workflows() if workflow.process is not ENDLESS]
    monkeypatch.setattr(bootstrap, "case_workflows", lambda: known)
    assert "endless" in await failure(tmp_path, {"at": "1h", "act": "start_beating"})
