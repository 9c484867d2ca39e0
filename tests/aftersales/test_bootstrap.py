"""The dependencies of a worker, and what it sets up on the server."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from aftersales import bootstrap
from aftersales.bootstrap import arrange, make_worker, open_dependencies, run_worker, simulated_dependencies
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.scripted import Script, ScriptedPlatform
from aftersales.runtime.client.case_search import TemporalCaseSearch
from aftersales.runtime.settings import Settings
from cases.errors import BadForm, CaseError
from cases.messages import EffectCall
from workflows.registry import PROCESSES

SHOPS = ("1001", "1002")
PER_SECOND = 2.5


def settings_in(folder: Path, **options: Any) -> Settings:
    return Settings(data_dir=folder, task_queue=uuid.uuid4().hex, **options)


def untouched(folder: Path) -> bool:
    return not any(folder.iterdir())


@pytest.fixture
def secrets_file(tmp_path: Path) -> Path:
    shops = [{"shop_id": shop, "app_key": "K1"} for shop in SHOPS]
    path = tmp_path / "secrets.yaml"
    path.write_text(json.dumps({"douyin": {"apps": [{"app_key": "K1", "app_secret": "hush"}], "shops": shops}}))
    path.chmod(0o600)
    return path


async def test_without_credentials_no_worker_takes_platform_calls(client: Client, tmp_path: Path) -> None:
    with pytest.raises(BadForm, match=r"AFTERSALES_SECRETS_FILE.*AFTERSALES_PRETEND_PLATFORMS=true"):
        async with open_dependencies(settings_in(tmp_path), client):
            pass
    assert untouched(tmp_path)


async def test_told_to_pretend_calls_go_to_the_journal_and_nothing_is_looked_at(client: Client, tmp_path: Path) -> None:
    async with open_dependencies(settings_in(tmp_path, pretend_platforms=True), client) as dependencies:
        assert isinstance(dependencies.platform, ScriptedPlatform)
        assert dependencies.reconcilers == {}
        assert isinstance(dependencies.search, TemporalCaseSearch)


async def test_with_a_secrets_file_the_marketplaces_are_acted_upon_and_looked_at(
    client: Client, tmp_path: Path, secrets_file: Path
) -> None:
    async with open_dependencies(settings_in(tmp_path, secrets_file=secrets_file), client) as dependencies:
        assert isinstance(dependencies.platform, Marketplaces)
        assert set(dependencies.reconcilers) == {"douyin", "jd"}
    assert all(transport._client.is_closed for transport in dependencies.platform._transports.values())


async def test_credentials_that_lack_a_marketplace_let_none_of_its_calls_be_pretended(
    client: Client, tmp_path: Path, secrets_file: Path
) -> None:
    settings = settings_in(tmp_path, secrets_file=secrets_file, pretend_platforms=True)
    call = EffectCall(
        key="k/1",
        case_id="jd_delay_card/O1",
        process="jd_delay_card",
        shop_id="1001",
        effect="push_tracking_number",
        label="发货",
        rule="ship",
        at=datetime(2026, 1, 5, tzinfo=UTC),
        facts={**PROCESSES["jd_delay_card"].case.samples()[0].facts.model_dump(mode="json"), "order_id": "100200300"},
        form={"carrier": "SF", "tracking_no": "SF1"},
    )
    async with open_dependencies(settings, client) as dependencies:
        with pytest.raises(BadForm, match="no credentials"):
            await dependencies.platform.perform(call)


@pytest.fixture
def open_to_others(secrets_file: Path) -> Path:
    secrets_file.chmod(0o640)
    return secrets_file


async def test_secrets_that_others_may_read_or_that_are_missing_are_one_clear_line(
    client: Client, tmp_path: Path, open_to_others: Path
) -> None:
    for path, words in ((open_to_others, "0640"), (tmp_path / "nowhere.yaml", "cannot be read")):
        with pytest.raises(BadForm, match=words) as caught:
            async with open_dependencies(settings_in(tmp_path, secrets_file=path), client):
                pass
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


class Arranged:
    """Records what the server is asked for."""

    def __init__(self) -> None:
        self.limits: list[tuple[str, float | None]] = []
        self.schedules: list[tuple[str, str, list[str]]] = []
        self.looks: list[str] = []

    async def limit(self, _: Client, task_queue: str, per_second: float | None) -> None:
        self.limits.append((task_queue, per_second))

    async def schedule(self, _: Client, task_queue: str, platform: str, shop_ids: Any) -> list[str]:
        self.schedules.append((task_queue, platform, list(shop_ids)))
        return []

    async def look(self, _: Client, task_queue: str) -> str:
        self.looks.append(task_queue)
        return ""


@pytest.fixture
def arranged(monkeypatch: pytest.MonkeyPatch) -> Arranged:
    arranged = Arranged()
    monkeypatch.setattr(bootstrap, "limit_per_shop", arranged.limit)
    monkeypatch.setattr(bootstrap, "schedule_catch_up", arranged.schedule)
    monkeypatch.setattr(bootstrap, "schedule_look_for_ended", arranged.look)
    return arranged


async def test_what_is_set_decides_what_the_server_is_asked_for(
    client: Client, tmp_path: Path, secrets_file: Path, arranged: Arranged
) -> None:
    bare = settings_in(tmp_path)
    await arrange(client, bare)
    assert (arranged.limits, arranged.schedules, arranged.looks) == ([], [], [bare.task_queue])

    both = settings_in(tmp_path, secrets_file=secrets_file, max_activities_per_shop_per_second=PER_SECOND)
    await arrange(client, both)
    assert arranged.limits == [(both.task_queue, PER_SECOND)]
    assert arranged.schedules == [(both.task_queue, "douyin", list(SHOPS)), (both.task_queue, "jd", [])]


async def test_every_shop_gets_one_schedule_however_often_a_worker_starts(
    client: Client, tmp_path: Path, secrets_file: Path
) -> None:
    settings = settings_in(tmp_path, secrets_file=secrets_file)
    handles = [client.get_schedule_handle(f"catch-up/douyin/{shop}") for shop in SHOPS]
    handles.append(client.get_schedule_handle(f"look-for-ended/{settings.task_queue}"))
    try:
        for _ in range(2):
            await arrange(client, settings)
        actions = [(await handle.describe()).schedule.action for handle in handles]
    finally:
        for handle in handles:
            await handle.delete()
    assert [action.task_queue for action in actions] == [settings.task_queue] * len(handles)  # type: ignore[union-attr]


async def test_a_server_that_keeps_no_limits_is_one_clear_line(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise CaseError("this Temporal server cannot do it")

    monkeypatch.setattr(bootstrap, "limit_per_shop", refuse)
    with pytest.raises(CaseError, match="cannot do it"):
        await arrange(client, settings_in(tmp_path, max_activities_per_shop_per_second=PER_SECOND))


@pytest.mark.parametrize(("limit", "eagerly"), [(None, True), (PER_SECOND, False)])
async def test_activities_are_taken_eagerly_exactly_where_no_shop_is_limited(
    client: Client, tmp_path: Path, limit: float | None, *, eagerly: bool
) -> None:
    made = make_worker(
        client, settings_in(tmp_path, max_activities_per_shop_per_second=limit), simulated_dependencies(Script())
    )

    assert made.config(active_config=True)["disable_eager_activity_execution"] is not eagerly


async def test_a_task_waits_for_the_worker_that_knows_its_case_longer_than_many_clocks_at_once_take(
    environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    made = make_worker(environment.client, settings_in(tmp_path), simulated_dependencies(Script()))
    patience = made.config(active_config=False).get("sticky_queue_schedule_to_start_timeout")
    assert patience == timedelta(seconds=30)  # what python -m benchmarks.cases measures as due at once


async def test_a_worker_that_has_started_looks_for_garbage_as_often_as_its_cache_needs_it(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, caches = asyncio.Event(), list[int]()

    async def connected(_: object) -> Client:
        return client

    @asynccontextmanager
    async def searched(cached: int) -> AsyncIterator[None]:
        caches.append(cached)
        stop.set()
        yield

    monkeypatch.setattr(bootstrap, "connect", connected)
    monkeypatch.setattr(bootstrap, "stop_asked", lambda: stop)
    monkeypatch.setattr(bootstrap, "garbage_searched_rarely", searched)
    await run_worker(settings_in(tmp_path, max_cached_workflows=321, pretend_platforms=True))

    assert caches == [321]
