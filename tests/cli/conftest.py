"""One virtual-time server a test process for every scenario that is played, and the command itself in-process."""

import itertools
import json
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import Result
from temporalio.testing import WorkflowEnvironment
from typer.testing import CliRunner

from cli.main import app
from cli.scenario import Scenario
from cli.simulation import Simulation
from cli.virtual_time import TooSlow, virtual_server
from tests.cli.playing import Play, Played, reship

ATTEMPTS = 3


@pytest_asyncio.fixture(scope="session")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    activities = logging.getLogger("temporalio.activity")
    level = activities.level
    activities.setLevel(logging.CRITICAL)  # a platform that is down for a day fails a hundred times, each with a trace
    async with virtual_server() as started:
        yield started
    activities.setLevel(level)


@pytest.fixture
def scenario_file(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    numbers = itertools.count()

    def write(scenario: dict[str, Any]) -> Path:
        path = tmp_path / f"scenario{next(numbers)}.json"
        path.write_text(json.dumps(scenario, ensure_ascii=False, indent=1), encoding="utf-8")
        return path

    return write


@pytest.fixture
def play(server: WorkflowEnvironment, scenario_file: Callable[[dict[str, Any]], Path]) -> Play:
    """A machine too busy to keep virtual time exact plays the case again, under another id."""

    async def play_once(steps: tuple[dict[str, Any], ...], asked: dict[str, Any]) -> Played:
        given = dict(asked)
        top = {name: given.pop(name) for name in ("policy", "platform", "until", "opened_at") if name in given}
        opening = reship(uuid.uuid4().hex[:12], **given)
        path = scenario_file({"process": "douyin_reship", "opening": opening, "steps": list(steps), **top})
        simulation = Simulation(server, Scenario(path))
        return Played(await simulation.run(), simulation.failed)

    async def play_scenario(*steps: dict[str, Any], **asked: Any) -> Played:
        for _ in range(ATTEMPTS - 1):
            try:
                return await play_once(steps, asked)
            except TooSlow:
                continue
        return await play_once(steps, asked)

    return play_scenario


@pytest.fixture
def quiet_logging() -> Iterator[None]:
    """Commands set up logging for a process of their own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def aftersales(quiet_logging: None) -> Callable[..., Result]:
    """The command, run in this process; an exception that it lets through fails the test."""

    def run(*arguments: str | Path, **env: str) -> Result:
        result = CliRunner().invoke(app, [str(each) for each in arguments], env=env)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
