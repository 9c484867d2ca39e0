"""Records the histories that every later version of the code must replay.

``python -m tests.support.histories.record_histories`` writes them to ``tests/histories``: those of stories that have
none yet.  With names, ``... record_histories NAME ...``, it writes those of these stories.  Record one again only where
a change of the workflow is meant to break open cases.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.runtime.settings import Settings
from tests.support.histories import alibaba_1688, douyin, jd, taobao
from tests.support.histories.story import Stories, Story
from tests.support.places import HISTORIES
from tests.support.rules.stage import Scene, Stage
from tests.support.temporal.life import Life, whole_now
from tests.support.temporal.servers import start_server
from workflows.replay.replayer import local_calls, recorded

STORIES: dict[str, Story] = {
    story.name: story
    for module in (douyin, alibaba_1688, jd, taobao)
    for stories in vars(module).values()
    if isinstance(stories, Stories)
    for story in stories
}
"""Every story by its own name."""
UNDER_WAY = ("WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED")


def file_of(story: str) -> Path:
    """Return the path of a story's history."""
    return HISTORIES / f"{STORIES[story].title}.json"


def calls_of(history: Path) -> Path:
    """Return the path of the local calls that belong to a history, which does not show them."""
    return history.parent / "local_calls" / history.name


def scrubbed(document: Any) -> Any:
    """Return the history without traces of the machine that recorded it."""
    if isinstance(document, list):
        return [scrubbed(item) for item in document]
    if not isinstance(document, dict):
        return document
    kept = {name: scrubbed(value) for name, value in document.items() if name != "stackTrace"}
    named = {"identity": "recorder"} if "identity" in kept else {"name": "sticky"} if "normalName" in kept else {}
    return kept | named


async def at_rest(handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    """Return the history of a case, once no workflow task is under way."""
    while True:
        history: dict[str, Any] = json.loads((await handle.fetch_history()).to_json())
        if not history["events"][-1]["eventType"].endswith(UNDER_WAY):
            return history
        await asyncio.sleep(0.05)


async def record(names: list[str]) -> None:
    """Play stories and write their histories."""
    if unknown := [name for name in names if name not in STORIES]:
        sys.exit(f"no such story: {', '.join(unknown)}; there are: {', '.join(STORIES)}")
    stage, settings = Stage(), Settings(task_queue="recording")
    async with (
        await start_server() as server,
        make_worker(server.client, settings, Dependencies(stage, stage, stage, channels=stage)),
    ):
        for name in names:
            story, opened = STORIES[name], whole_now()
            if story.told:
                stage.told_before.append(story.told(opened, name))
            argument = story.opening(opened)
            with server.with_time_skipping_disabled():
                handle = await server.client.start_workflow(
                    story.process, argument, id=story.case_id, task_queue=settings.task_queue
                )
            life = Life(server, handle, stage.scenes.setdefault(story.case_id, Scene()), opened)
            await life.view()
            await story.play(life)
            document = scrubbed(await at_rest(handle))
            text = json.dumps(document, ensure_ascii=False, indent=1)
            file_of(name).write_text(f"{text}\n", encoding="utf-8")
            calls = json.dumps(await local_calls(recorded(file_of(name))), ensure_ascii=False, indent=1)
            calls_of(file_of(name)).write_text(f"{calls}\n", encoding="utf-8")


if __name__ == "__main__":
    calls_of(HISTORIES / "any").parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(record(sys.argv[1:] or [name for name in STORIES if not file_of(name).exists()]))
