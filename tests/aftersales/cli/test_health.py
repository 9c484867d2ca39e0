"""What the desk and the codec server tell of themselves, at their own ports and at the metrics address."""

from pathlib import Path

import httpx2
from temporalio.testing import WorkflowEnvironment

from aftersales.cli.running.running_codec import running_codec
from aftersales.cli.running.running_desk import running_desk
from aftersales.runtime.encryption.key_ring import KeyRing
from aftersales.runtime.settings import Settings
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.programs import free_port
from tests.support.programs.scraping import status_pages
from tests.support.records.key_files import READER, TOKEN, key_file


async def answers(address: str) -> list[tuple[int, str]]:
    async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
        told = [await client.get(path) for path in ("/healthz", "/readyz")]
    return [(answer.status_code, answer.text) for answer in told]


async def test_a_desk_is_ready_once_it_has_started_and_temporal_answers(
    environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, desk_port=free_port())
    async with (
        status_pages("desk") as (monitor, pages),
        running_desk(settings, environment.client, monitor) as (address, _),
    ):
        assert await answers(address) == [(200, "ok"), (503, "not ok")]
        monitor.started()
        assert await answers(address) == [(200, "ok"), (200, "ok")]
        assert await pages.readiness() == (200, {"ready": True, "temporal": "ok", "ledger": "ok"})


async def test_a_codec_server_is_ready_once_it_has_started(tmp_path: Path) -> None:
    keys = key_file(tmp_path / "keys.yaml", "k1", readers={READER: TOKEN})
    settings = Settings(data_dir=tmp_path, keys_file=keys, codec_port=free_port())
    async with (
        status_pages("codec") as (monitor, pages),
        running_codec(settings, KeyRing(keys), monitor) as (address, _),
    ):
        assert await answers(address) == [(200, "ok"), (503, "not ok")]
        monitor.started()
        assert await answers(address) == [(200, "ok"), (200, "ok")]
        assert await pages.readiness() == (200, {"ready": True})
