"""Operators read encrypted cases in the Web UI, once they have logged in to the codec server."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.runtime.encryption.codec_server import make_codec_server
from aftersales.runtime.encryption.key_ring import KeyRing
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.embedded_server import embedded_server
from tests.support.browser.chromium import open_page
from tests.support.browser.web_ui import CaseList, CasePage, CodecDialog
from tests.support.programs.durable import QUEUE, opened
from tests.support.programs.programs import free_port
from tests.support.records.key_files import READER, key_file
from tests.support.rules.stage import Stage
from tests.support.temporal.life import eventually
from workflows.registry import PROCESSES

TOKEN = "tokenofsixteencharacters"  # noqa: S105 - of this test
STATE = PROCESSES["douyin_reship"].state_label("awaiting_merchant")


async def test_whoever_has_logged_in_to_the_codec_server_reads_a_case(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = key_file(tmp_path / "keys.yaml", "k1", readers={READER: TOKEN})
    monkeypatch.setenv("AFTERSALES_KEYS_FILE", str(keys))
    ui, stage = f"http://127.0.0.1:{free_port()}", Stage()
    settings = Settings(task_queue=QUEUE, data_dir=tmp_path, graceful_shutdown_seconds=0.1)
    with listen("127.0.0.1", 0) as listener:
        codec = f"127.0.0.1:{listener.getsockname()[1]}"
        async with (
            embedded_server(
                *(tmp_path / "temporal.db", free_port(), int(ui.rpartition(":")[2])), codec=f"http://{codec}"
            ) as server,
            make_worker(server.client, settings, Dependencies(stage, stage, stage)),
            serving(make_codec_server(KeyRing(keys), ui), listener),
            open_page(program) as page,
        ):
            handle = await opened(server.client, "A1", {})
            await eventually("it answers", lambda: handle.query("view"))
            case = CasePage(page, ui)
            await case.open(handle.id)
            await expect(case.main.get_by_text(handle.id).first).to_be_visible()
            await page.get_by_role("tab", name="User Metadata").click()
            await expect(page.frame_locator("iframe").last.get_by_text(STATE)).to_have_count(0)

            await page.goto(f"http://{READER}:{TOKEN}@{codec}/")
            await expect(page.get_by_text(f"{READER}: ")).to_be_visible()
            await CaseList(page, ui).open()
            await CodecDialog(page).choose(f"http://{codec}")
            await case.open(handle.id)
            details = await case.details()
            await expect(details.get_by_text(STATE).first).to_be_visible()
