"""A worker with a file of channels: what its cases remind of reaches the shop's robot."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from temporalio.testing import WorkflowEnvironment

from cases.errors import BadForm
from runtime.notifying import holds
from runtime.settings import Settings
from tests.life import Open, due, eventually
from tests.notices.robots import Robots
from tests.notices.telling import channel, notice
from tests.platforms.serving import serving
from tests.stage import Stage
from worker import make_worker, open_world


def set_up(folder: Path, address: str, mode: int = 0o600) -> Settings:
    """A worker's settings, with one robot for the shop S1."""
    file = folder / "channels.yaml"
    file.write_text(yaml.safe_dump({"S1": [channel(address, "wecom")]}), encoding="utf-8")
    file.chmod(mode)
    return Settings(
        task_queue="notices",
        data_dir=folder,
        channels_file=file,
        ui_address="https://ui.example.com/",
        graceful_shutdown_seconds=0.1,
    )


async def test_g_5_a_cases_reminder_reaches_the_robot_of_its_shop(
    environment: WorkflowEnvironment, opening: Open, stage: Stage, tmp_path: Path
) -> None:
    robots = Robots()
    async with serving(robots.app()) as address:
        settings = set_up(tmp_path, address)
        async with open_world(settings, environment.client) as world:
            acted_upon = replace(world, platform=stage, ledger=stage)
            async with make_worker(environment.client, settings, acted_upon):
                life = await opening(policy={"reminders_before": ["48h"]}, task_queue=settings.task_queue)

                async def told() -> list[str]:
                    return robots.taken["wecom"]

                (text,) = await eventually("a reminder", told)
                deadline = due(await life.view())
                told_of = notice(deadline=deadline).model_copy(update={"case_id": life.id})
                assert await holds(environment.client, told_of)
                await life.act("agree")
                assert not await holds(environment.client, told_of)

    assert text.startswith("【时限提醒】抖音补寄:")
    assert f"https://ui.example.com/namespaces/default/workflows/{life.id.replace('/', '%2F')}" in text
    assert life.scene.reminders == []


async def test_where_nobody_can_say_whether_a_deadline_still_runs_it_is_taken_to(
    environment: WorkflowEnvironment,
) -> None:
    unknown = notice().model_copy(update={"case_id": "douyin_reship/nobody"})

    assert await holds(environment.client, unknown)
    assert await holds(environment.client, unknown.model_copy(update={"kind": "outcome"}))


async def test_a_file_of_channels_that_others_may_read_is_refused(
    environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    settings = set_up(tmp_path, "http://127.0.0.1:9", 0o644)
    with pytest.raises(BadForm, match="chmod 600"):
        async with open_world(settings, environment.client):
            pass
