"""`aftersales gateway` as a process: what it needs, what it says, and how it ends."""

import asyncio
import signal
import socket
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from aftersales.cli.running.servers import gateway_command
from aftersales.gateway.inbox import Inbox
from aftersales.platforms.inbound import CaseKey, InboundMessage
from aftersales.runtime.settings import Settings
from cases.messages import Report
from tests.support.platforms.gateways import gateway_process, gateway_settings, secrets_file
from tests.support.platforms.pushing import SECRET, body, content, pushed, signed
from tests.support.programs.programs import free_port
from tests.support.temporal.life import eventually

ELSEWHERE = "192.0.2.1"
"""An address that no machine has."""
NOWHERE = "http://127.0.0.1:9"


def invoked(*options: str, **environment: str) -> Result:
    app = typer.Typer()
    app.command()(gateway_command)
    return CliRunner().invoke(app, options, env=environment)


def complains(*parts: str, **environment: str) -> None:
    """Check that the command fails with status 2 and one line that has all parts."""
    result = invoked(**environment)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("aftersales: ")
    for part in parts:
        assert part in line


def test_what_is_missing_or_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"AFTERSALES_{name.upper()}", raising=False)
    taken, secrets = tmp_path / "taken", secrets_file(tmp_path, NOWHERE)
    taken.write_text("a file", encoding="utf-8")
    variables = {
        "AFTERSALES_DATA_DIR": str(tmp_path),
        "AFTERSALES_SECRETS_FILE": str(secrets),
        "AFTERSALES_GATEWAY_PORT": str(free_port()),
    }
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        complains(port, "AFTERSALES_GATEWAY_PORT", **{**variables, "AFTERSALES_GATEWAY_PORT": port})
    complains(ELSEWHERE, "AFTERSALES_GATEWAY_HOST", **variables, AFTERSALES_GATEWAY_HOST=ELSEWHERE)
    complains("AFTERSALES_GATEWAY_BODY_LIMIT", **variables, AFTERSALES_GATEWAY_BODY_LIMIT="0")
    complains(str(taken), "AFTERSALES_DATA_DIR", **{**variables, "AFTERSALES_DATA_DIR": str(taken)})
    complains("AFTERSALES_SECRETS_FILE", **{name: value for name, value in variables.items() if "SECRETS" not in name})
    secrets.chmod(0o644)
    complains(str(secrets), "0644", **variables)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_starts_and_stores_messages_while_temporal_is_away_and_stops_on_a_signal(
    tmp_path: Path, how: signal.Signals
) -> None:
    variables = gateway_settings(tmp_path, NOWHERE, free_port())
    pushed_body = body(pushed("227", "m1", content(1, reason="王小明 13800000000")))
    async with gateway_process(**variables) as gateway:
        await gateway.started()
        async with gateway.client() as client:
            answer = await client.post("/douyin", content=pushed_body, headers=signed(pushed_body))
            assert (answer.status_code, answer.json()["code"]) == (200, 0)
            assert "server" not in answer.headers
            assert (await client.get("/readyz")).status_code == 200

        async def said() -> bool:
            return gateway.events() == ["gateway started", "delivery fails"]

        await eventually("that dispatching fails", said)
        assert await gateway.end(how) == 0
        assert gateway.events() == ["gateway started", "delivery fails", "gateway stopped"]
        assert not any(part in line for line in gateway.lines for part in (SECRET, "王小明", "13800000000"))
    async with Inbox(tmp_path / "inbox.db") as inbox:
        assert (await inbox.counts())["states"]["new"] == 1


async def test_what_failed_is_taken_up_again_by_a_command(tmp_path: Path) -> None:
    message = InboundMessage(
        "douyin", "m1", "227", b"{}", case=CaseKey("douyin_reship", "S9", "1"), report=Report(rule="agree")
    )
    async with Inbox(tmp_path / "inbox.db") as inbox:
        await inbox.store([message])
        (row,) = await inbox.due(1)
        await inbox.failed(row, "no credentials for shop")
        result = await asyncio.to_thread(invoked, "--retry-failed", AFTERSALES_DATA_DIR=str(tmp_path))
        assert (result.exit_code, result.stdout.strip()) == (0, "重新投递 / due again: 1")
        assert len(await inbox.due(1)) == 1
