"""A command whose connection breaks: JSON and nothing else on standard output, and one line on standard error."""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

from temporalio.client import Client

from tests.support.programs.programs import ROOT
from tests.support.programs.surroundings import without_ours
from tests.support.programs.wire import Wire
from tests.support.rules.playing import reship

AFTER_CONNECTING = 500
"""Bytes that a command sends before it asks for anything."""


async def run(client: Client, length: int, *arguments: str) -> tuple[int, str, list[str]]:
    """Run a command whose connection breaks after so many bytes; return its status and what it printed."""
    async with Wire(client.service_client.config.target_host, length) as wire:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aftersales.cli.main", *arguments, "--json"),
            cwd=ROOT,
            env={**without_ours(dict(os.environ)), "TEMPORAL_ADDRESS": wire.address},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        return await process.wait(), out.decode(), errors.decode().splitlines()


async def test_a_list_that_breaks_off_prints_nothing_but_the_reason(client: Client) -> None:
    status, out, (line,) = await run(client, AFTER_CONNECTING, "list")
    assert (status, out, line.startswith("aftersales: Temporal: ")) == (2, "", True)


async def test_an_opening_that_breaks_off_prints_nothing_but_how_far_it_came(client: Client, tmp_path: Path) -> None:
    files: list[str] = []
    for _ in range(40):
        case: dict[str, Any] = {"process": "douyin_reship", "opening": reship(uuid.uuid4().hex[:12])}
        path = tmp_path / f"{len(files)}.json"
        path.write_text(json.dumps(case), encoding="utf-8")
        files.append(str(path))
    status, out, (line,) = await run(client, 8_000, "open", *files)
    assert (status, out, "run again to continue" in line) == (2, "", True)


async def test_a_decision_that_breaks_off_prints_the_id_to_ask_by_and_the_reason(client: Client) -> None:
    status, out, (line,) = await run(client, AFTER_CONNECTING, "act", "douyin_reship/A1", "agree", "--patience", "5s")
    answer = json.loads(out)
    assert (status, answer["decision"], answer["update_id"] in line) == (3, "unknown", True)


async def test_a_simulation_prints_json_and_nothing_else() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aftersales.cli.main", "simulate"),
        *("examples/scenarios/claim_1688_dismissed.yaml", "--json"),
        cwd=ROOT,
        env=without_ours(dict(os.environ)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert (await process.wait(), errors) == (0, b"")
    assert json.loads(out)["process"] == "claim_1688"
