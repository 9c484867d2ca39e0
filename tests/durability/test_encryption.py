"""What a buyer writes is nowhere in Temporal's data: not in the database, a history, a search attribute or a log."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from click.testing import Result
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from typer.testing import CliRunner

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.cli.main import app
from aftersales.desk.access.login import OneUser
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.encryption.codec_server import make_codec_server
from aftersales.runtime.encryption.key_ring import KeyRing
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.embedded_server import EmbeddedServer, embedded_server, temporal_binary
from cases.errors import PlatformRefused, PlatformUnreachable
from cases.messages import Opening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.durable import QUEUE, opened
from tests.support.programs.programs import free_port
from tests.support.records.key_files import READER, TOKEN, content_of, key_file, rewritten
from tests.support.rules.stage import Stage
from tests.support.temporal.life import eventually, facts
from workflows.opening import start_case
from workflows.registry import PROCESSES

MARKER = "planted-5e1f7c"
WORDS = f"地址朝阳区 {MARKER}"
UI = "http://127.0.0.1:8233"


@dataclass(frozen=True)
class Office:
    """A server with a worker, whose ports are a stage."""

    folder: Path
    server: EmbeddedServer
    stage: Stage
    keys: Path
    port: int
    codec: str

    async def command(self, *arguments: str) -> Result:
        """Run a command of ours."""
        settings = {"TEMPORAL_ADDRESS": f"127.0.0.1:{self.port}", "TEMPORAL_CONFIG_FILE": os.devnull}
        return await asyncio.to_thread(CliRunner(env=settings).invoke, app, list(arguments))

    async def temporal(self, *arguments: str) -> str:
        """Run the command of Temporal."""
        command = [temporal_binary(), *arguments, "--address", f"127.0.0.1:{self.port}"]
        ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False, text=True)
        return ran.stdout + ran.stderr


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Office]:
    port, stage = free_port(), Stage()
    settings = Settings(task_queue=QUEUE, data_dir=folder, graceful_shutdown_seconds=0.1)
    keys = folder / "keys.yaml"
    with listen("127.0.0.1", 0) as listener:
        codec = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            embedded_server(folder / "temporal.db", port, free_port()) as server,
            make_worker(server.client, settings, Dependencies(stage, stage, stage)),
            serving(make_codec_server(KeyRing(keys), UI), listener),
        ):
            yield Office(folder, server, stage, keys, port, codec)


async def worked(office: Office) -> WorkflowHandle[object, object]:
    """Open a case and plant the marker everywhere: in facts, forms, notes, refusals, failures and messages."""
    case_id = "douyin_reship/A1"
    scene = office.stage.scenes[case_id]
    opening = Opening(facts=facts("A1", description=WORDS), policy={})
    handle = await start_case(office.server.client, QUEUE, PROCESSES["douyin_reship"], opening)
    scene.fails["refuse_on_platform"] = PlatformRefused(WORDS)
    await eventually("it answers", lambda: handle.query("view"))
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update("refuse", {"reason": WORDS})
    assert MARKER in str(refused.value.cause)
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("refuse", {"reason": WORDS, "nonsense": WORDS})
    scene.fails.clear()
    scene.says = WORDS
    await handle.execute_update("agree")
    scene.fails["push_tracking_number"] = PlatformUnreachable(WORDS)
    await handle.execute_update("ship", {"carrier": "SF", "tracking_no": "SF1"})
    await handle.signal("report", {"message_id": "m1", "rule": "nonsense", "form": {"words": WORDS}})
    await handle.signal(
        "report", {"message_id": "m2", "rule": "modify", "form": {"reason": "other", "description": WORDS}}
    )

    async def tried() -> bool:
        described = await handle.describe()
        return any(pending.attempt > 1 for pending in described.raw_description.pending_activities)

    await eventually("the failure is kept for a retry", tried)
    return handle


def stored(folder: Path) -> bytes:
    """Return all bytes of the server's files, its log included."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("temporal.*")))


async def test_without_keys_the_marker_is_found_where_the_other_tests_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file(tmp_path / "keys.yaml", "k1", readers={READER: TOKEN})
    monkeypatch.delenv("AFTERSALES_KEYS_FILE", raising=False)
    async with office(tmp_path) as plain:
        handle = await worked(plain)
        history = await handle.fetch_history()
        assert sum(MARKER.encode() in event.SerializeToString() for event in history.events) > 3
    assert MARKER.encode() in stored(tmp_path)


async def test_with_keys_the_marker_is_nowhere_and_everybody_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    keys = key_file(tmp_path / "keys.yaml", "k1", readers={READER: TOKEN})
    monkeypatch.setenv("AFTERSALES_KEYS_FILE", str(keys))
    configure_logs("INFO", "json")
    async with office(tmp_path) as secret:
        handle = await worked(secret)
        described = await handle.describe()
        for event in (await handle.fetch_history()).events:
            assert MARKER.encode() not in event.SerializeToString()
        assert MARKER.encode() not in described.raw_description.SerializeToString()
        assert MARKER not in str(described.search_attributes)

        shown = await secret.command("show", handle.id)
        assert (shown.exit_code, MARKER in shown.stdout) == (0, True)
        listed = await secret.command("list", "--json")
        assert [case["case_id"] for case in json.loads(listed.stdout)] == [handle.id]
        assert (await secret.command("replay", "--case", handle.id)).exit_code == 0
        await shown_on_the_desk(secret, handle.id)
        await shown_by_temporal(secret, handle.id)
        await replayed_from_a_file(secret, handle.id)
        await turned(secret, handle)
    assert MARKER.encode() not in stored(tmp_path)
    assert b"Encoded failure" in stored(tmp_path)
    printed = capfd.readouterr()
    assert "activity failed" in printed.err
    assert MARKER not in printed.err + printed.out


async def shown_on_the_desk(secret: Office, case_id: str) -> None:
    with SqlLedger(secret.folder / "ledger.sqlite3") as ledger, listen("127.0.0.1", 0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        desk = make_desk(DeskServices(secret.server.client, ledger, Settings(task_queue=QUEUE)), OneUser("张三"))
        async with serving(desk, listener), httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as browser:
            page = await browser.get(f"/case/{case_id}")
            assert (page.status_code, MARKER in page.text) == (200, True)


async def shown_by_temporal(secret: Office, case_id: str) -> None:
    show = ("workflow", "show", "--workflow-id", case_id, "--detailed")
    codec = ("--codec-endpoint", secret.codec, "--codec-auth", f"Bearer {TOKEN}")
    assert MARKER not in await secret.temporal(*show)
    decoded = await secret.temporal(*show, *codec)
    assert MARKER in decoded, decoded[:3000]
    describe = ("workflow", "describe", "--workflow-id", case_id)
    query = ("workflow", "query", "--workflow-id", case_id, "--type", "view")
    assert MARKER not in await secret.temporal(*query)
    assert MARKER in await secret.temporal(*query, *codec)
    assert "抖音补寄" not in await secret.temporal(*describe)
    assert "抖音补寄" in await secret.temporal(*describe, *codec)
    typed = ("workflow", "signal", "--workflow-id", case_id, "--name", "report", "--input")
    message = json.dumps({"message_id": "m9", "rule": "nonsense", "form": {"words": WORDS}})
    assert "succeeded" in await secret.temporal(*typed, message, *codec)


async def replayed_from_a_file(secret: Office, case_id: str) -> None:
    saved = secret.folder / "history.json"
    saved.write_text(await secret.temporal("workflow", "show", "--workflow-id", case_id, "--output", "json"), "utf-8")
    assert MARKER not in saved.read_text(encoding="utf-8")
    replayed = await secret.command("replay", str(saved))
    assert (replayed.exit_code, replayed.stderr) == (0, "")
    kept = secret.folder / "kept"
    assert (await secret.command("replay", "--open", "--save", str(kept))).exit_code == 0
    (history,) = kept.iterdir()
    assert MARKER not in history.read_text(encoding="utf-8")
    again = await secret.command("replay", "--from", str(kept))
    assert (again.exit_code, " 1    │ 0 " in again.stdout) == (0, True)


async def turned(secret: Office, handle: WorkflowHandle[object, object]) -> None:
    """Rotate the keys under a running worker, and drop the old one, which the case still needs."""
    for option in ("--add", "--use"):
        assert (await secret.command("rekey", option, "k2")).exit_code == 0
    another = await opened(secret.server.client, "A2", {})
    await eventually("it answers", lambda: another.query("view"))
    (await handle.query("view"))["state"]
    use = json.loads((await secret.command("rekey", "--json")).stdout)
    assert (use["keys"]["k1"]["runs"], use["keys"]["k2"]["runs"] >= 1, use["runs_in_the_clear"]) == (1, True, 0)
    both = content_of(secret.keys)
    rewritten(secret.keys, {**both, "keys": {"k2": both["keys"]["k2"]}})
    missing = await secret.command("rekey", "--json")
    assert (missing.exit_code, json.loads(missing.stdout)["keys"]["k1"]["in_file"]) == (1, False)
    lost = await secret.command("replay", "--case", handle.id)
    assert (lost.exit_code, "k1" in lost.stderr, lost.stderr.count("\n")) == (2, True, 1)
    rewritten(secret.keys, both)
    assert (await secret.command("replay", "--case", handle.id)).exit_code == 0
