"""The worker as a process: its exit, its message when it cannot start, its log."""

import json
import logging
import signal
import uuid
from pathlib import Path

import httpx2
import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from aftersales.bootstrap import main
from aftersales.runtime.temporal.embedded_server import temporal_binary
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.programs import WorkerProcess, free_port, worker_process
from tests.support.temporal.life import PROCESS, eventually, facts, whole_now

PERSONAL = "王小明 13800000000"
NAMES = ("case_id", "process", "shop", "rule")


async def complains(worker: WorkerProcess, *parts: str) -> None:
    """Check for one line with all parts, and status 2."""
    assert await worker.ended() == 2
    (line,) = worker.lines
    assert line.startswith("worker: ")
    for part in parts:
        assert part in line


def untouched(folder: Path) -> bool:
    return not any(folder.iterdir())


def address(environment: WorkflowEnvironment) -> str:
    return environment.client.service_client.config.target_host


async def test_without_a_server_it_says_where_it_looked(tmp_path: Path) -> None:
    port = free_port()
    async with worker_process(TEMPORAL_ADDRESS=f"127.0.0.1:{port}", AFTERSALES_DATA_DIR=str(tmp_path)) as worker:
        await complains(worker, f"127.0.0.1:{port}", "TEMPORAL_ADDRESS")


async def test_without_credentials_it_does_not_start_unless_told_to_pretend(tmp_path: Path) -> None:
    own = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}", "AFTERSALES_DATA_DIR": str(tmp_path)}
    async with worker_process(**own, AFTERSALES_PRETEND_PLATFORMS="false") as worker:
        await complains(worker, "AFTERSALES_SECRETS_FILE", "AFTERSALES_PRETEND_PLATFORMS=true")
    assert untouched(tmp_path)


async def test_a_wrong_setting_is_named(environment: WorkflowEnvironment, tmp_path: Path) -> None:
    wrong = {"AFTERSALES_METRICS_ADDRESS": "nowhere"}
    async with worker_process(
        TEMPORAL_ADDRESS=address(environment), AFTERSALES_DATA_DIR=str(tmp_path), **wrong
    ) as worker:
        await complains(worker, *wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [("AFTERSALES_MAX_CACHED_WORKFLOWS", "many"), ("AFTERSALES_LOG_LEVEL", "LOUD"), ("AFTERSALES_TASK_QUEUE", "")],
)
def test_a_setting_that_cannot_be_read_is_named_before_the_server_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv(name, value)
    assert main() == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert (line.startswith("worker: "), name in line, printed.out) == (True, True, "")


def test_a_fault_of_the_program_is_a_line_of_the_log_that_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_: object) -> None:
        raise KeyError(PERSONAL)

    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    monkeypatch.setattr(root, "level", root.level)

    monkeypatch.setattr("aftersales.bootstrap.run_worker", fail)
    assert main() == 1
    (line,) = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["exception"].endswith("KeyError")) == ("worker failed", True)


async def test_a_data_folder_that_cannot_be_used_is_named(environment: WorkflowEnvironment, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file", encoding="utf-8")
    async with worker_process(TEMPORAL_ADDRESS=address(environment), AFTERSALES_DATA_DIR=str(taken)) as worker:
        await complains(worker, "AFTERSALES_DATA_DIR", str(taken))


async def test_a_namespace_that_does_not_exist_is_named(environment: WorkflowEnvironment, tmp_path: Path) -> None:
    async with worker_process(
        TEMPORAL_ADDRESS=address(environment), TEMPORAL_NAMESPACE="nowhere", AFTERSALES_DATA_DIR=str(tmp_path)
    ) as worker:
        await complains(worker, "nowhere")


async def test_missing_search_attributes_are_named_and_what_to_do(tmp_path: Path) -> None:
    bare = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(), dev_server_log_level="error", data_converter=pydantic_data_converter
    )
    try:
        async with worker_process(TEMPORAL_ADDRESS=address(bare), AFTERSALES_DATA_DIR=str(tmp_path)) as worker:
            await complains(worker, "CaseDeadline", "aftersales setup")
    finally:
        await bare.shutdown()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_on_a_signal(environment: WorkflowEnvironment, tmp_path: Path, how: signal.Signals) -> None:
    async with worker_process(
        TEMPORAL_ADDRESS=address(environment), AFTERSALES_DATA_DIR=str(tmp_path), AFTERSALES_TASK_QUEUE=uuid.uuid4().hex
    ) as worker:
        await worker.started()
        assert await worker.end(how) == 0
        assert [line["event"] for line in worker.logged()][-1] == "worker stopped"


async def test_every_line_of_the_log_is_json_about_a_case_and_neither_log_nor_figures_hold_anything_of_the_buyer(
    environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    queue, own_id, served_at = uuid.uuid4().hex, uuid.uuid4().hex, f"127.0.0.1:{free_port()}"
    opening_facts = facts(own_id, description=PERSONAL, applied_at=whole_now().isoformat())
    async with worker_process(
        TEMPORAL_ADDRESS=address(environment),
        AFTERSALES_DATA_DIR=str(tmp_path),
        AFTERSALES_TASK_QUEUE=queue,
        AFTERSALES_LOG_LEVEL="DEBUG",
        AFTERSALES_METRICS_ADDRESS=served_at,
    ) as worker:
        await worker.started()
        with environment.with_time_skipping_disabled():
            handle = await environment.client.start_workflow(
                PROCESS,
                {"facts": opening_facts, "policy": {"reminders_before": ["47h59m58s"]}},
                id=f"{PROCESS}/{own_id}",
                task_queue=queue,
            )

        async def reminded() -> bool:
            return any('"event": "reminder"' in line for line in worker.lines)

        await eventually("a reminder in the log", reminded)
        await handle.execute_update("refuse", {"reason": PERSONAL})
        await handle.signal("report", {"rule": "sign", "form": {"text": PERSONAL}})
        await handle.signal("report", args=[PERSONAL, PERSONAL])
        await handle.query("view")
        async with httpx2.AsyncClient(base_url=f"http://{served_at}", timeout=PATIENCE_SECONDS) as client:
            figures, ready = (await client.get("/metrics")).text, (await client.get("/readyz")).json()
        assert await worker.end(signal.SIGTERM) == 0
    for line in worker.logged():
        assert all(name in line for name in NAMES), line
    assert ready == {"ready": True, "temporal": "ok", "pollers": "ok", "ledger": "ok"}
    assert f'aftersales_clock_lateness_seconds_count{{process="{PROCESS}"}}' in figures
    assert not any(part in figures for part in (*PERSONAL.split(), own_id))
    assert not any(part in line for line in worker.lines for part in (*PERSONAL.split(), "\\u738b"))
    (reminder,) = [line for line in worker.logged() if line["event"] == "reminder"]
    assert {name: reminder[name] for name in NAMES} == {
        "case_id": f"{PROCESS}/{own_id}",
        "process": PROCESS,
        "shop": "S1",
        "rule": "auto_agree",
    }
