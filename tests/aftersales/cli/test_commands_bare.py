"""The commands against a server without our search attributes and without a worker."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from click.testing import Result
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.temporal.connection import connect_to
from aftersales.runtime.temporal.embedded_server import temporal_binary
from tests.support.places import HISTORIES
from tests.support.rules.playing import reship
from workflows.engine.search_attributes import KEYS


@pytest_asyncio.fixture
async def bare() -> AsyncIterator[str]:
    started = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(), dev_server_log_level="error"
    )
    yield started.client.service_client.config.target_host
    await started.shutdown()


async def test_a_new_server_needs_setup_once_and_a_worker_to_answer(
    bare: str, aftersales: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*arguments: str | Path) -> Result:
        return aftersales(*arguments, TEMPORAL_ADDRESS=bare, TEMPORAL_CONFIG_FILE="/dev/null")

    def complaint(*arguments: str | Path) -> str:
        result = command(*arguments)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        (line,) = result.stderr.splitlines()
        return line

    def terminate(case: str) -> None:
        async def end() -> None:
            await (await connect_to(bare)).get_workflow_handle(case).terminate()

        asyncio.run(end())

    def story() -> None:
        path = tmp_path / "case.yaml"
        path.write_text(yaml.safe_dump({"process": "douyin_reship", "opening": reship()}))
        assert "`aftersales setup`" in complaint("open", path)
        first, again = command("setup"), command("setup")
        assert first.stdout.splitlines()[0] == f"search attributes: {', '.join(key.name for key in KEYS)} registered"
        assert again.stdout.splitlines()[0] == "search attributes: all there"
        assert json.loads(command("open", path, "--json").stdout)[0]["opened"] is True
        assert "no worker answers" in complaint("show", "douyin_reship/A1")
        unanswered = command("act", "douyin_reship/A1", "agree", "--patience", "2s")
        assert (unanswered.exit_code, "no worker answered" in unanswered.stderr) == (3, True)
        terminate("douyin_reship/A1")
        shown = json.loads(command("show", "douyin_reship/A1", "--json").stdout)
        assert (shown["status"], shown["deadlines"], shown["actions"], shown["next"]) == ("ended_early", [], [], None)
        unreadable = command("show", "douyin_reship/A1").stdout
        assert "aftersales revive douyin_reship/A1" in unreadable
        assert "its last state cannot be read before it is revived" in unreadable

    monkeypatch.setattr("aftersales.cli.cases.showing.QUERY_PATIENCE", timedelta(seconds=1))
    await asyncio.to_thread(story)


def test_recorded_histories_replay(aftersales: Callable[..., Result]) -> None:
    paths = sorted(HISTORIES.glob("*.json"))
    result = aftersales("replay", *paths)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.partition(": ok, ")[0] for line in result.stdout.splitlines()] == [str(path) for path in paths]


def test_a_history_that_would_go_otherwise_now_is_status_1(aftersales: Callable[..., Result], tmp_path: Path) -> None:
    recorded = HISTORIES / "claim_1688_unanswered.json"
    text = recorded.read_text(encoding="utf-8")
    assert '"name": "remind"' in text
    changed = tmp_path / "changed.json"
    changed.write_text(text.replace('"name": "remind"', '"name": "reminded"'))
    result = aftersales("replay", changed, recorded)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"aftersales: {changed}: ")
    assert result.stdout.startswith(f"{recorded}: ok, ")


def test_a_folder_of_histories_is_replayed_with_a_summary_and_no_value_of_a_history(
    aftersales: Callable[..., Result], tmp_path: Path
) -> None:
    for name in ("claim_1688_unanswered", "claim_1688_agreed"):
        shutil.copy(HISTORIES / f"{name}.json", tmp_path)
    sound = aftersales("replay", "--from", tmp_path)
    assert (sound.exit_code, sound.stderr) == (0, "replay: 1 / 2\nreplay: 2 / 2\n")
    rows = [line.strip("│ ").split("│") for line in sound.stdout.splitlines() if "claim_1688" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["claim_1688", "已同意赔付", "1", "1", "0"],
        ["claim_1688", "系统判定成立", "1", "1", "0"],
    ]
    path = tmp_path / "claim_1688_unanswered.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"startToFireTimeout": "', '"startToFireTimeout": "1'))
    changed = aftersales("replay", "--from", tmp_path)
    assert changed.exit_code == 1
    (first,) = [line for line in changed.stderr.splitlines() if line.startswith(f"aftersales: {path}: ")]
    assert first.endswith("(timer_started): duration")
    assert "1 个历史有变" in changed.stderr
    assert "recorded" not in first


def test_a_folder_without_histories_does_not_pass_for_a_check(
    aftersales: Callable[..., Result], tmp_path: Path
) -> None:
    result = aftersales("replay", "--from", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no histories" in result.stderr


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"events": []}', "no json"])
def test_a_file_that_is_not_a_history_is_refused(aftersales: Callable[..., Result], tmp_path: Path, text: str) -> None:
    path = tmp_path / "history.json"
    path.write_text(text)
    result = aftersales("replay", path)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"aftersales: {path}: ")
