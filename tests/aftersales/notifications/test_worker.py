"""A worker with a file of channels: notifications of its cases reach the shop's bot."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import yaml
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from aftersales.bootstrap import make_worker, open_dependencies
from aftersales.notifications.temporal_notifier import is_current
from aftersales.runtime.settings import Settings
from cases.errors import BadForm
from tests.support.life import Open, due, eventually
from tests.support.notifications.bots import Bots
from tests.support.notifications.notices import channel, notice
from tests.support.platforms.serving import serving
from tests.support.stage import UNREACHABLE, Scene, Stage
from workflows.engine.view import CaseView


def set_up(folder: Path, address: str, mode: int = 0o600) -> Settings:
    """Return a worker's settings, with one bot for the shop S1."""
    file = folder / "channels.yaml"
    file.write_text(yaml.safe_dump({"S1": [channel(address, "wecom")]}), encoding="utf-8")
    file.chmod(mode)
    return Settings(
        task_queue="notices",
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
                deadline = due(await life.view())
                reminder = notice(deadline=deadline).model_copy(update={"case_id": life.id})
                assert await is_current(environment.client, reminder)
                serial = (await life.act("agree"))["serial"]
                await life.pass_time("61m")
                await eventually("trouble", partial(texts_sent, 2))
                assert await is_current(environment.client, reminder)  # what the platform has not taken stops no clock
                trouble = reminder.model_copy(update={"rule": None, "serial": serial})
                assert await is_current(environment.client, trouble)
                await life.act("done_by_hand")
                assert not await is_current(environment.client, trouble)
                assert not await is_current(environment.client, reminder)
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


async def test_where_nobody_can_say_whether_a_deadline_still_runs_it_is_taken_to(
    environment: WorkflowEnvironment,
) -> None:
    unknown = notice().model_copy(update={"case_id": "douyin_reship/nobody"})

    assert await is_current(environment.client, unknown)
    assert await is_current(environment.client, unknown.model_copy(update={"kind": "outcome"}))


async def test_where_a_worker_of_another_release_answers_a_deadline_is_taken_to_run(
    environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def query(*_: object, **__: object) -> CaseView:
        return CaseView.model_validate({"case_id": "douyin_reship/A1"})

    monkeypatch.setattr(WorkflowHandle, "query", query)

    assert await is_current(environment.client, notice())


async def test_a_file_of_channels_that_others_may_read_is_refused(
    environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    settings = set_up(tmp_path, "http://127.0.0.1:9", 0o644)
    with pytest.raises(BadForm, match="chmod 600"):
        async with open_dependencies(settings, environment.client):
            pass
