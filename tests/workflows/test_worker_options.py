"""The options of workers: how cases are run, and what their code must not do because nothing else would stop it."""

import ast
import gc
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from tests.support.places import HISTORIES, ROOT
from tests.support.temporal.life import Life, Open
from workflows.engine import case_workflow
from workflows.engine.case_workflow import CaseWorkflow
from workflows.replay.replayer import recorded, replay

CORE = [
    path for folder in ("statecharts", "cases", "workflows/engine") for path in sorted((ROOT / folder).rglob("*.py"))
] + sorted((ROOT / "workflows").glob("*_*.py"))
OF_THE_WORLD = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "sleep"),
    ("os", "environ"),
    ("os", "getenv"),
    ("os", "urandom"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
    ("asyncio", "wait"),
}
NEVER_IMPORTED = {"random", "secrets", "socket", "subprocess", "requests", "httpx", "httpx2", "sqlite3"}
ONCE_AT_START = {"cases/editions/__init__.py", "workflows/opening.py"}
"""Reads files that never change, before any case runs; is called by clients, not by cases."""


def of_the_world(text: str) -> Iterator[str]:
    """Yield what code asks of the world, which would not be the same in a replay."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in OF_THE_WORLD:
                yield f"{node.lineno}: {node.value.id}.{node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{node.lineno}: {name}" for name in names if name.partition(".")[0] in NEVER_IMPORTED)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "input"):
            yield f"{node.lineno}: {node.func.id}"


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_case_replays_asks_nothing_of_the_world(path: Path) -> None:
    """Cases are not run in a sandbox, which would refuse some of it: this does."""
    if path.relative_to(ROOT).as_posix() not in ONCE_AT_START:
        assert list(of_the_world(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    ["datetime.now()", "uuid.uuid4()", "import random", "from socket import socket", "open('x')", "time.sleep(1)"],
)
def test_what_asks_of_the_world_is_found(line: str) -> None:
    assert list(of_the_world(line))


async def details_of(life: Life) -> str:
    answer: WorkflowMetadata = await life.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return answer.current_details


async def test_details_are_written_for_whoever_asks_and_not_before(
    open_case: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    real = case_workflow.current_details

    def noted(machine: case_workflow.CaseMachine, now: datetime) -> str:
        written.append(machine.case_id)
        return real(machine, now)

    monkeypatch.setattr(case_workflow, "current_details", noted)
    life = await open_case()
    await life.act("agree")
    await life.until_state("awaiting_shipment")

    assert life.id not in written
    assert "待补寄发货" in await details_of(life)
    assert written.count(life.id) == 1


@pytest.fixture
def nothing_is_collected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("nothing_is_collected")
async def test_the_memory_of_evicted_cases_is_free_at_once() -> None:
    def held() -> int:
        return sum(isinstance(one, CaseWorkflow) for one in gc.get_objects())

    before = held()
    for path in HISTORIES.glob("*.json"):
        await replay(recorded(path))

    assert held() == before
