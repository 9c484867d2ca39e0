"""A worker with a file of channels: notifications of its cases reach the shop's bot."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from aftersales.bootstrap import make_worker, open_dependencies
from aftersales.notifications.robot_queues import RATES
from aftersales.runtime.settings import Settings
from cases.errors import BadForm
from cases.shanghai import SHANGHAI
from tests.support.notifications.bots import Bots
from tests.support.notifications.notices import ACTION_REQUIRED, channel
from tests.support.platforms.serving import serving
from tests.support.rules.stage import UNREACHABLE, Scene, Stage
from tests.support.temporal.life import Life, Open, eventually


@pytest.fixture(autouse=True)
def _robots_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATES, "wecom", 100.0)


def set_up(folder: Path, address: str, mode: int = 0o600, **of_channel: Any) -> Settings:
    """Return a worker's settings, with one bot for the shop S1."""
    file = folder / "channels.yaml"
    file.write_text(yaml.safe_dump({"S1": [channel(address, "wecom", **of_channel)]}), encoding="utf-8")
    file.chmod(mode)
    return Settings(
        task_queue=f"notices-{uuid.uuid4().hex}",
        data_dir=folder,
        channels_file=file,
        pretend_platforms=True,
        ui_address="https://ui.example.com/",
        graceful_shutdown_seconds=0.1,
    )


async def test_notifications_of_a_case_reach_the_bot_of_its_shop(
    environment: WorkflowEnvironment, opening: Open, stage: Stage, tmp_path: Path
) -> None:
    bots = Bots()
    async with serving(bots.app()) as address:
        settings = set_up(tmp_path, address)
        async with open_dependencies(settings, environment.client) as dependencies:
            acted_upon = replace(dependencies, platform=stage, ledger=stage)
            async with make_worker(environment.client, settings, acted_upon):
                scene = Scene(fails={"agree_on_platform": UNREACHABLE})
                policy = {"reminders_before": ["48h"]}
                life = await opening(policy=policy, scene=scene, task_queue=settings.task_queue)

                async def texts_sent(many: int) -> list[str]:
                    return bots.taken["wecom"] if len(bots.taken["wecom"]) == many else []

                await eventually("a reminder", partial(texts_sent, 1))
                await life.act("agree")
                await life.pass_time("61m")
                await eventually("trouble", partial(texts_sent, 2))
                await life.act("done_by_hand")
                await eventually("a reminder of the next deadline", partial(texts_sent, 3))
                await life.report(message_id="m1", rule="withdraw")
                await life.until_closed()
                texts = await eventually("the outcome", partial(texts_sent, 4))

    assert sorted(text.splitlines()[0] for text in texts) == [
        "【时限提醒】抖音补寄:待商家处理",
        "【时限提醒】抖音补寄:待补寄发货",
        "【案件结果】抖音补寄:买家已撤销",
        "【需要人工处理】抖音补寄:在平台同意补寄",
    ]
    address = f"https://ui.example.com/namespaces/default/workflows/{life.id.replace('/', '%2F')}"
    assert all(address in text for text in texts)
    assert (life.scene.reminders, life.scene.troubles, life.scene.endings) == ([], [], [])


class Work:
    """Workers with one file of channels, one after the other, and cases whose reminder is due at once."""

    def __init__(self, client: Client, opening: Open, stage: Stage, folder: Path) -> None:
        self._client, self._opening, self._stage, self._folder = client, opening, stage, folder
        self.settings = Settings()

    def channels(self, address: str, **of_channel: Any) -> None:
        self.settings = set_up(self._folder, address, **of_channel)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        async with open_dependencies(self.settings, self._client) as dependencies:
            acted_upon = replace(dependencies, platform=self._stage, ledger=self._stage)
            async with make_worker(self._client, self.settings, acted_upon):
                yield

    async def case(self) -> Life:
        policy = {"reminders_before": ["48h"]}
        life = await self._opening(policy=policy, scene=Scene(), task_queue=self.settings.task_queue)
        await life.view()
        return life


@pytest.fixture
def work(environment: WorkflowEnvironment, opening: Open, stage: Stage, tmp_path: Path) -> Work:
    return Work(environment.client, opening, stage, tmp_path)


def quiet_now() -> str:
    """Return quiet hours that began an hour ago and end in two."""
    now = datetime.now(SHANGHAI)
    return f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=2):%H:%M}"


async def timers(life: Life) -> list[str]:
    (history,) = await life.histories()
    started = (event for event in history.events if event.HasField("timer_started_event_attributes"))
    return [json.loads(event.user_metadata.summary.data) for event in started]


async def test_what_quiet_hours_put_off_waits_in_a_timer_of_the_case_and_is_sent_once_by_the_next_worker(
    work: Work,
) -> None:
    bots = Bots()
    async with serving(bots.app()) as address:
        work.channels(address, quiet_hours=quiet_now())
        async with work.worker():
            life = await work.case()

            async def put_off() -> bool:
                return any("免打扰" in summary for summary in await timers(life))

            await eventually("a timer", put_off)
        assert bots.taken["wecom"] == []
        async with work.worker():
            await life.pass_time("3h")
            await life.until("the reminder", lambda seen: seen["reminders"][0]["delivered"])
        async with work.worker():
            await life.pass_time("3h")

    assert len(bots.taken["wecom"]) == 1


async def test_what_fails_after_quiet_hours_is_shown_on_the_case(work: Work) -> None:
    bots = Bots()
    async with serving(bots.app()) as address:
        work.channels(address, quiet_hours=quiet_now(), key="wrong-key")
        async with work.worker():
            life = await work.case()
            await life.pass_time("3h")
            seen = await life.until("a failure", lambda seen: seen["reminders"][0]["why"])
            metadata = await life.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)

    (reminder,) = seen["reminders"]
    assert reminder["delivered"] is False
    assert "wecom" in reminder["why"]
    assert "93000" in reminder["why"]
    assert "通知未送达:PlatformRefused: wecom" in metadata.current_details


async def test_what_was_put_off_is_dropped_when_the_state_is_left_and_the_outcome_waits_like_the_others(
    work: Work,
) -> None:
    bots = Bots()
    async with serving(bots.app()) as address:
        work.channels(address, quiet_hours=quiet_now())
        async with work.worker():
            life = await work.case()
            await life.report(message_id="m1", rule="withdraw")
            await life.until_closed()
            await life.pass_time("3h")
            await life.until_over()

    assert [text.splitlines()[0] for text in bots.taken["wecom"]] == ["【案件结果】抖音补寄:买家已撤销"]


async def test_an_outcome_that_no_channel_takes_is_shown_on_the_case_and_holds_its_end_no_longer(work: Work) -> None:
    bots = Bots()
    async with serving(bots.app()) as address:
        work.channels(address, key="wrong-key")
        async with work.worker():
            life = await work.case()
            await life.report(message_id="m1", rule="withdraw")
            await life.until_over()
            (outcome,) = [sent for sent in (await life.view())["notifications"] if sent["serial"] is None]

    assert "93000" in outcome["why"]


async def test_what_belongs_to_no_running_case_is_sent_once_by_a_workflow_of_its_own(
    environment: WorkflowEnvironment, stage: Stage, tmp_path: Path
) -> None:
    bots, client, key = Bots(), environment.client, uuid.uuid4().hex
    async with serving(bots.app()) as address:
        settings = set_up(tmp_path, address)
        async with open_dependencies(settings, client) as dependencies:
            assert dependencies.channels is not None
            left = await dependencies.notifier.notify_action_required(ACTION_REQUIRED, key)
            assert left is not None
            async with make_worker(client, settings, replace(dependencies, platform=stage, ledger=stage)):
                for _ in range(2):
                    await dependencies.channels.send_apart(key, left)
                    assert await client.get_workflow_handle(f"notices/{key}").result() is None

    assert [text.splitlines()[0] for text in bots.taken["wecom"]] == ["【需要人工处理】抖音补寄:同意补寄"]


async def test_a_file_of_channels_that_others_may_read_is_refused(
    environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    settings = set_up(tmp_path, "http://127.0.0.1:9", 0o644)
    with pytest.raises(BadForm, match="chmod 600"):
        async with open_dependencies(settings, environment.client):
            pass
