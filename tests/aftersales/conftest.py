"""Every scenario is played on the one time-skipping server of its test process; and the command itself in-process."""

import asyncio
import contextlib
import itertools
import json
import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from temporalio.testing import WorkflowEnvironment
from typer.testing import CliRunner

from aftersales.cli.main import app
from aftersales.simulation.scenario import Scenario
from aftersales.simulation.simulation import Simulation
from aftersales.simulation.virtual_time import TooSlow
from tests.support.rules.playing import Perform, Play, Played, reship, top_of
from workflows.registry import PROCESSES

ATTEMPTS = 5


def own_id_field(process: str) -> str:
    """Return the fact that identifies a case of a process."""
    facts = PROCESSES[process].case.samples()[0].facts
    return next(name for name in type(facts).model_fields if getattr(facts, name) == facts.own_id)


def of_its_own(scenario: dict[str, Any]) -> dict[str, Any]:
    """Return a scenario under ids of its own; cases that are about one order stay so."""
    cases = [scenario, *scenario.get("also", ())]
    ids = {case["opening"].get(own_id_field(case["process"])): uuid.uuid4().hex[:12] for case in cases}

    def renamed(case: dict[str, Any]) -> dict[str, Any]:
        named = {
            field: ids.get(value, value) if isinstance(value, str) else value
            for field, value in case["opening"].items()
        }
        own = own_id_field(case["process"])
        return {**case, "opening": {**named, own: ids[case["opening"].get(own)]}}

    also = {"also": [renamed(case) for case in scenario["also"]]} if "also" in scenario else {}
    return {**renamed(scenario), **also}


@pytest.fixture(scope="session")
def server(environment: WorkflowEnvironment) -> WorkflowEnvironment:
    """One server for all tests: every case has its own time, and every scenario its own worker."""
    return environment


@pytest.fixture
def scenario_file(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    numbers = itertools.count()

    def write(scenario: dict[str, Any]) -> Path:
        path = tmp_path / f"scenario{next(numbers)}.json"
        path.write_text(json.dumps(scenario, ensure_ascii=False, indent=1), encoding="utf-8")
        return path

    return write


@pytest.fixture
def perform(
    server: WorkflowEnvironment, scenario_file: Callable[[dict[str, Any]], Path], caplog: pytest.LogCaptureFixture
) -> Perform:
    """Play a scenario; if the machine was too busy for exact virtual time, play it again alone, under another id."""
    alone = asyncio.Lock()
    # A platform that is down for a day fails a hundred times, each with a trace.
    caplog.set_level(logging.CRITICAL, "temporalio.activity")

    async def once(scenario: dict[str, Any]) -> Played:
        simulation = Simulation(server, Scenario(scenario_file(of_its_own(scenario))))
        return Played(await simulation.run(), simulation.failed)

    async def perform_scenario(scenario: dict[str, Any]) -> Played:
        with contextlib.suppress(TooSlow):
            return await once(scenario)
        async with alone:
            for _ in range(ATTEMPTS):
                with contextlib.suppress(TooSlow):
                    return await once(scenario)
        pytest.fail("this machine is too busy to simulate")

    return perform_scenario


@pytest.fixture
def play(perform: Perform) -> Play:
    async def play_steps(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields, ("policy", "platform", "until", "opened_at"))
        return await perform({"process": "douyin_reship", "opening": reship(**fields), "steps": list(steps), **top})

    return play_steps


@pytest.fixture
def aftersales() -> Callable[..., Result]:
    """Return a function that runs the command in this process; an exception that escapes it fails the test."""

    def run(*arguments: str | Path, **env: str) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
