"""What the histories of a drill's cases show: tasks that failed, what no longer replays, notices sent in vain."""

import json
import re
from collections import Counter
from datetime import datetime, timedelta

from temporalio.client import WorkflowHistory

from tests.support.temporal.life import failed_tasks
from workflows.engine.notice_sending import SEND_NOTICE
from workflows.replay.replayer import HistoryChanged, replay
from workflows.worker_options import DEADLOCK

HARMLESS = ("RESET_WORKFLOW", DEADLOCK)
"""Failed workflow tasks that lose nothing: the one that a reset leaves, and one whose worker was stopped meanwhile."""
MOMENT = timedelta(seconds=10)
"""The longest workflow task: by so much the time of a task may move that was ended early to answer a query."""
MOMENT_OFF = "of them with an instant that is a moment later now"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+\d\d:\d\d)")


async def history_wrong(history: WorkflowHistory, checked: Counter[str]) -> list[str]:
    """Return the tasks of a history that failed, and where it does not replay."""
    wrong = [fault for fault in failed_tasks(history) if not any(word in fault for word in HARMLESS)]
    try:
        await replay(history)
    except HistoryChanged as changed:
        if all(map(a_moment_off, changed.differences)):
            checked[MOMENT_OFF] += 1
        else:
            wrong.append(str(changed))
    return wrong


def a_moment_off(difference: str) -> bool:
    """Return whether what was recorded and what is now differ only by an instant, and that by a moment."""
    found = re.search(r"recorded '(.*)', now '(.*)'$", difference, re.DOTALL)
    if found is None:
        return False
    texts, instants = zip(*((INSTANT.sub("@", text), INSTANT.findall(text)) for text in found.groups()), strict=True)
    if texts[0] != texts[1] or not instants[0]:
        return False
    pairs = zip(*(map(datetime.fromisoformat, own) for own in instants), strict=True)
    return all(abs(was - is_now) <= MOMENT for was, is_now in pairs)


def failed_sendings(history: WorkflowHistory) -> Counter[str]:
    """Return how often sending each notice failed, by its key: only then it may have been taken without an answer."""
    keys, begun, succeeded = dict[int, str](), dict[int, int](), set[int]()
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled = event.activity_task_scheduled_event_attributes
            if scheduled.activity_type.name == SEND_NOTICE:
                keys[event.event_id] = json.loads(scheduled.input.payloads[0].data)["notice"]["key"]
        elif event.HasField("activity_task_started_event_attributes"):
            started = event.activity_task_started_event_attributes
            begun[started.scheduled_event_id] = started.attempt
        elif event.HasField("activity_task_completed_event_attributes"):
            succeeded.add(event.activity_task_completed_event_attributes.scheduled_event_id)
    failed = Counter[str]()
    for number, key in keys.items():
        # A run that was reset meanwhile has no answer: its last sending counts as failed.
        failed[key] += begun.get(number, 1) - (number in succeeded)
    return failed
