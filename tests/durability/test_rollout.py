"""A rollout and a rollback with Temporal's own commands, as docs/operations.md describes them, on two builds."""

import asyncio
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from temporalio.client import Client

from aftersales.runtime.temporal.embedded_server import embedded_server, temporal_binary
from tests.support.patience import PATIENCE_SECONDS
from tests.support.places import ROOT
from tests.support.programs.durable import Handle, environment, opened
from tests.support.programs.newer_build import newer_build
from tests.support.programs.programs import free_port, worker_process
from tests.support.programs.surroundings import without_ours
from tests.support.temporal.life import eventually

OLD, NEW = "2026.11.1", "2026.12.1"
NOT_YET = ("no Worker Deployment found", "not found in deployment")
AGREES = 'under("DR-4", awaiting_merchant.to(awaiting_shipment, on=agree_on_platform)),'
"""The line of the chart that a build breaks."""


def recipe() -> list[list[str]]:
    """Return the commands of the section in the order in which it gives them."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^### Rollout and rollback$(.*?)^##", text, re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^ *\.venv/bin/(.*)$", section.replace("\\\n", ""), re.MULTILINE)
    return [shlex.split(line.replace("NEW", NEW).replace("OLD", OLD)) for line in lines]


class Cluster:
    """A server and the programs of both builds."""

    def __init__(self, client: Client, folder: Path, port: int) -> None:
        self.client, self.folder, self.address = client, folder, f"127.0.0.1:{port}"
        self.environment = environment(folder / "data", port)
        self.newer = folder / "newer"

    def worker(self, project: Path, build: str) -> Any:
        return worker_process(project, **self.environment, AFTERSALES_BUILD_ID=build)

    async def run(self, command: list[str], project: Path = ROOT) -> tuple[int, str]:
        """Run a command of the recipe, in a build's folder; return its status and what it printed."""
        program, *arguments = command
        programs = {
            "temporal": [temporal_binary(), *arguments, "--address", self.address],
            "aftersales": [sys.executable, "-m", "aftersales.cli.main", *arguments],
        }
        variables = {**without_ours(dict(os.environ)), **self.environment, "PYTHONPATH": str(project)}
        process = await asyncio.create_subprocess_exec(
            *programs[program],
            cwd=self.folder,
            env=variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        return await process.wait(), printed.decode()

    async def did(self, command: list[str], project: Path = ROOT) -> str:
        """Run a command until it succeeds: the server learns of a worker's version a moment after its start."""

        async def attempt() -> str | None:
            status, printed = await self.run(command, project)
            assert status == 0 or any(words in printed for words in NOT_YET), (command, printed)
            return printed if status == 0 else None

        return str(await eventually(" ".join(command), attempt))


@pytest_asyncio.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    await newer_build(tmp_path / "newer")
    port = free_port()
    async with embedded_server(tmp_path / "temporal.db", port, free_port()) as server:
        yield Cluster(server.client, tmp_path, port)


async def build_of(handle: Handle) -> str:
    """Return the build that took a case's last step."""
    description = (await handle.describe()).raw_description
    return description.workflow_execution_info.versioning_info.deployment_version.build_id


async def moves(handle: Handle, rule: str, *form: Any) -> str:
    """Take a decision, and return the build that took it; a worker may be just about to take over."""
    await asyncio.wait_for(handle.execute_update(rule, args=list(form)), PATIENCE_SECONDS)
    return await build_of(handle)


async def reaches(handle: Handle, build: str) -> None:
    """Give a case steps to take until a build takes them: the server's queues learn of a rollout one by one."""

    async def taken() -> bool:
        await handle.signal("look at the time")
        return await build_of(handle) == build

    await eventually(f"build {build}", taken)


async def test_the_recipe_rolls_out_and_back_and_no_case_is_lost(cluster: Cluster) -> None:
    save, check, first, seen, ramp, roll_out, left, roll_back, forget = recipe()
    async with cluster.worker(ROOT, OLD) as old:
        await old.started()
        await cluster.did(first)
        cases = {name: await opened(cluster.client, name, {}) for name in ("A1", "A2", "A3")}
        for handle in cases.values():
            await eventually("open", lambda handle=handle: handle.query("view"))

        await cluster.did(save)
        assert "douyin_reship" in await cluster.did(check, cluster.newer)

        async with cluster.worker(cluster.newer, NEW) as new:
            await new.started()
            assert f"BuildID             {NEW}" in await cluster.did(seen)
            assert await moves(cases["A1"], "agree") == OLD, "a version that is not current gets nothing"
            await cluster.did(ramp)
            await cluster.did(roll_out)
            await reaches(cases["A2"], NEW)
            assert await moves(cases["A2"], "agree") == NEW
            assert "Total: 2" in await cluster.did(left)

            await old.end(signal.SIGTERM)
            assert await moves(cases["A1"], "ship", {"carrier": "SF", "tracking_no": "SF1"}) == NEW
            assert "Total: 1" in await cluster.did(left)

            async with cluster.worker(ROOT, OLD) as again:
                await again.started()
                await cluster.did(roll_back)
                for name in ("A2", "A3"):
                    await reaches(cases[name], OLD)
                await new.end(signal.SIGTERM)
                assert await moves(cases["A2"], "ship", {"carrier": "SF", "tracking_no": "SF2"}) == OLD
                assert await moves(cases["A3"], "agree") == OLD
                status, printed = await cluster.run(forget)
                assert status != 0, "the server keeps a version as long as a worker was just seen"
                assert "delete" in printed.lower()


async def test_a_build_that_open_cases_would_not_survive_is_found_before_its_rollout(cluster: Cluster) -> None:
    save, check, *_ = recipe()
    chart = cluster.newer / "statecharts" / "douyin_reship.py"
    text = chart.read_text(encoding="utf-8")
    assert text.count(AGREES) == 1
    chart.write_text(text.replace(AGREES, AGREES.replace("(awaiting_shipment", "(arbitration")), encoding="utf-8")
    async with cluster.worker(ROOT, OLD) as old:
        await old.started()
        await cluster.did(
            [
                "temporal",
                *["worker", "deployment", "set-current-version", "--deployment-name", "aftersales", "--yes"],
                "--build-id",
                OLD,
            ]
        )
        case = await opened(cluster.client, "A1", {})
        await moves(case, "agree")
        await cluster.did(save)

    status, printed = await cluster.run(check, cluster.newer)
    assert status == 1, printed
    assert "1 个历史有变" in printed
    assert "O1" not in printed, "no fact of the case is printed"
    assert (await cluster.run(check))[0] == 0
