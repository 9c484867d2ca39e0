"""What a process serves at its metrics address, over real HTTP."""

import asyncio
import socket
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aftersales.ledger.store import SqlLedger
from aftersales.monitoring.figures import CASES_COUNTED_AT, FIGURE_REGISTRY
from aftersales.monitoring.monitor import FIGURES_FAIL, FIGURES_WORK
from aftersales.monitoring.status_server import monitored
from aftersales.runtime.settings import Settings
from cases.errors import CaseError, LedgerUnreachable
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.programs import free_port
from tests.support.programs.scraping import status_pages

NOBODY = "postgresql+psycopg://operator:hidden@127.0.0.1:1/ledger"


async def test_without_an_address_nothing_is_served_or_measured() -> None:
    async def never() -> None:
        raise AssertionError

    async with monitored(Settings(), "worker") as monitor:
        monitor.measure("anything", never, 0.0)
        monitor.started()
        await asyncio.sleep(0)
        assert (monitor.is_read, monitor.runtime) == (False, None)


@pytest.mark.parametrize("where", ["nowhere", "9464", ":9464", "127.0.0.1:99999", "", "127.0.0.1:0", "192.0.2.1:9464"])
async def test_a_bad_address_names_its_variable(where: str) -> None:
    with pytest.raises(CaseError, match=r"^AFTERSALES_METRICS_ADDRESS: ") as caught:
        async with monitored(Settings(metrics_address=where), "worker"):
            pass
    assert repr(where) in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CaseError, match=f"AFTERSALES_METRICS_ADDRESS: '{where}' .*in use"):
            async with monitored(Settings(metrics_address=where), "worker"):
                pass


async def test_an_address_of_the_newer_kind_is_taken() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with status_pages(address=f"[::1]:{free_port()}") as (_, pages):
        assert (await pages.client.get("/healthz")).text == "ok"


async def test_a_process_lives_before_it_is_ready() -> None:
    async with status_pages() as (monitor, pages):
        assert ((await pages.client.get("/healthz")).status_code, await pages.readiness()) == (
            200,
            (503, {"ready": False, "started": False}),
        )
        monitor.started()
        assert await pages.readiness() == (200, {"ready": True})


async def test_a_process_whose_event_loop_stands_still_does_not_answer() -> None:
    async with status_pages() as (_, pages):
        host, port = pages.client.base_url.host, pages.client.base_url.port
        answered: list[bytes] = []

        def ask() -> None:
            with socket.create_connection((host, port)) as asking:
                asking.settimeout(0.1)
                asking.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                try:
                    answered.append(asking.recv(100))
                except TimeoutError:
                    answered.append(b"")

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join()  # the loop stands still meanwhile
        assert answered == [b""]
        assert (await pages.client.get("/healthz")).text == "ok"


async def test_nothing_else_is_served() -> None:
    async with status_pages() as (_, pages):
        for path, status in (("/", 404), ("/metrics/", 404), ("/status", 404)):
            assert (await pages.client.get(path)).status_code == status
        assert (await pages.client.post("/metrics")).status_code == 405


async def test_a_ledger_that_is_away_is_shown_and_leaves_the_process_ready() -> None:
    with SqlLedger(NOBODY) as ledger:
        async with status_pages() as (monitor, pages):
            monitor.watch_ledger(ledger)
            monitor.started()
            before = {access: await pages.value("aftersales_ledger_failures_total", access=access) for access in RW}
            assert await pages.readiness() == (200, {"ready": True, "ledger": "away"})
            assert await pages.value("aftersales_reachable", part="ledger") == 0
            with pytest.raises(LedgerUnreachable):
                await asyncio.to_thread(ledger.opened, [])
            with pytest.raises(LedgerUnreachable):
                await asyncio.to_thread(ledger.known, [])
            after = {access: await pages.value("aftersales_ledger_failures_total", access=access) for access in RW}
    assert {access: after[access] - before[access] for access in RW} == {"read": 1, "write": 1}


RW = ("read", "write")


def is_prepared(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as file:
        return bool(file.execute("SELECT 1 FROM sqlite_master").fetchall())


async def test_a_ledger_that_answers_is_reachable(tmp_path: Path) -> None:
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        async with status_pages() as (monitor, pages):
            monitor.watch_ledger(ledger)
            monitor.started()
            assert await pages.readiness() == (200, {"ready": True, "ledger": "ok"})
            assert not await asyncio.to_thread(is_prepared, tmp_path), "whoever asks for health migrates no database"
            assert await pages.samples("aftersales_reachable") == {("ledger",): 1.0}


async def test_what_cannot_be_measured_is_logged_once_and_ends_nothing() -> None:
    tries, fails = 0, True
    tried = asyncio.Event()

    async def measure() -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            tried.set()
        if fails:
            raise CaseError("away")

    with capture_logs() as lines:
        async with status_pages() as (monitor, _):
            monitor.measure("cases", measure, 0.0)
            monitor.started()
            await asyncio.wait_for(tried.wait(), PATIENCE_SECONDS)
            fails, tries = False, 0
            tried.clear()
            await asyncio.wait_for(tried.wait(), PATIENCE_SECONDS)
    told = [(line["event"], line["figures"]) for line in lines]
    assert told == [(FIGURES_FAIL, "cases"), (FIGURES_WORK, "cases")]


async def test_a_figure_that_is_not_known_is_not_served() -> None:
    CASES_COUNTED_AT.forget()
    async with status_pages() as (_, pages):
        assert await pages.samples("aftersales_cases_counted_timestamp_seconds") == {}
        CASES_COUNTED_AT.show_one(17.0)
        assert await pages.samples("aftersales_cases_counted_timestamp_seconds") == {(): 17.0}
    CASES_COUNTED_AT.forget()


def test_the_program_and_its_build_are_told() -> None:
    assert "aftersales_build" in {family.name for family in FIGURE_REGISTRY.collect()}
