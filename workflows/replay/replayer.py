"""Replay of recorded histories that also compares their contents.

Temporal's own replay compares only the kinds and the order of commands: a clock of 24 h instead of 48 h, another
argument of an activity or another retry policy goes unnoticed.  Here the commands that the code issues now are
compared with the recorded ones in full.  Summaries and details are for people and may change.  A history shows only
the results of local calls: their arguments are compared where they were kept beside it (``local_calls``).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import NondeterminismError

from cases.errors import BadForm, Refused
from workflows.registry import case_workflows
from workflows.replay.commands import LOCAL, Contents, Key, of_command, of_history
from workflows.replay.decoding import decoded
from workflows.worker_options import DEADLOCK, CaseRunner, OneArgument, for_cases

REPLAY_ATTEMPTS = 3
"""How often a history is replayed on a machine that stops in the middle of it."""
SAME_TIMER = timedelta(seconds=1)
"""Less than that two timers differ by when their task began: a task that is tried again begins a little later."""


@dataclass(frozen=True)
class Difference:
    """A difference: its ``place`` quotes nothing of the history, ``words`` say what was recorded and what is now."""

    place: str
    words: str = ""

    def __str__(self) -> str:
        """Return place and words as one line."""
        return f"{self.place}: {self.words}" if self.words else self.place


class HistoryChanged(Refused):
    """A history that the current code would not have produced; ``differences`` are readable lines.

    ``places`` are the same without what the history holds, which may be a buyer's.
    """

    def __init__(self, differences: Sequence[Difference]) -> None:
        super().__init__("; ".join(map(str, differences)))
        self.differences = [str(difference) for difference in differences]
        self.places = [difference.place for difference in differences]


def case_replayer(
    runner: WorkflowRunner, converter: DataConverter = pydantic_data_converter, **options: Any
) -> Replayer:
    """Return a replayer of cases that is set up as their workers are; ``options`` are further ones of the SDK's."""
    return Replayer(
        workflows=case_workflows(),
        workflow_runner=runner,
        interceptors=[OneArgument()],
        data_converter=for_cases(converter),
        **options,
    )


def recorded(path: Path) -> WorkflowHistory:
    """Read a history as Temporal's tools write it (JSON); raises BadForm for anything else."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        started = document["events"][0]["workflowExecutionStartedEventAttributes"]
        return WorkflowHistory.from_json(started["workflowId"], document)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as bad:
        raise BadForm(
            f"{path}: 不是 Temporal 历史 / not a Temporal history in JSON: {type(bad).__name__}: {bad}"
        ) from bad


async def replay(history: WorkflowHistory, converter: DataConverter = pydantic_data_converter) -> None:
    """Replay a history and compare its contents; raises HistoryChanged.

    Pass the ``converter`` of the client that recorded it if that has a codec; raises what the codec raises.
    """
    if converter.payload_codec:
        history, converter = await decoded(history, converter.payload_codec), replace(converter, payload_codec=None)
    failed, now = await _issued(history, converter)
    was = of_history(history.events)
    found = [_failure(failed)] if failed else []
    for key, contents in was.items():
        if key in now:
            found += _differences(contents, now[key])
        elif not failed:
            found.append(Difference(contents.name, "the code no longer does this"))
    if found:
        raise HistoryChanged(found)


async def local_calls(history: WorkflowHistory) -> list[dict[str, Any]]:
    """Return the local calls that a history leads to: names, figures and arguments, which it does not show itself.

    Raises HistoryChanged if it does not replay.
    """
    failed, issued = await _issued(history, pydantic_data_converter)
    if failed:
        raise HistoryChanged([_failure(failed)])
    return [
        {"activity": contents.name, **contents.plain, "arguments": _values(contents)}
        for (kind, _), contents in issued.items()
        if kind == LOCAL
    ]


async def _issued(
    history: WorkflowHistory, converter: DataConverter
) -> tuple[BaseException | None, dict[Key, Contents]]:
    """Return why a history does not replay, if it does not, and the commands that the code issues for it."""
    for attempt in range(1, REPLAY_ATTEMPTS + 1):
        runner = RecordingRunner(CaseRunner())
        replayer = case_replayer(runner, converter)
        failed = (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure
        if DEADLOCK not in str(failed) or attempt == REPLAY_ATTEMPTS:
            return failed, runner.issued
    raise AssertionError


def _failure(failed: BaseException) -> Difference:
    """Return a failure as a difference: only Temporal's own words about commands quote nothing."""
    words = " ".join(str(failed).split())
    if isinstance(failed, NondeterminismError):
        return Difference(f"does not replay: {words}")
    return Difference(f"does not replay: {type(failed).__name__}", words)


def _differences(was: Contents, now: Contents) -> Iterator[Difference]:
    yield from _differing(was.name, "", was.plain, now.plain)
    before, after = ([_value(payload) for payload in contents.payloads] for contents in (was, now))
    yield from _differing(was.name, "", before, after)


def _values(contents: Contents) -> list[Any]:
    return [_value(payload) for payload in contents.payloads]


def _value(payload: Payload) -> Any:
    try:
        return json.loads(payload.data)
    except ValueError:
        return payload.data


def _differing(of: str, place: str, was: Any, now: Any) -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in [*was, *(name for name in now if name not in was)]:
            yield from _differing(of, f"{place}.{name}".lstrip("."), was.get(name), now.get(name))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, pair in enumerate(zip(was, now, strict=True)):
            yield from _differing(of, f"{place}[{number}]", *pair)
    elif isinstance(was, timedelta) and isinstance(now, timedelta) and abs(was - now) < SAME_TIMER:
        return
    elif was != now:
        yield Difference(f"{of}: {place or 'content'}", f"recorded {_shown(was)}, now {_shown(now)}")


def _shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, timedelta) else repr(value)


class RecordingRunner(WorkflowRunner):
    """A runner that records every command that its workflows issue."""

    def __init__(self, runner: WorkflowRunner) -> None:
        """Wrap a runner."""
        self._runner = runner
        self.issued: dict[Key, Contents] = {}

    def prepare_workflow(self, defn: Any) -> None:
        """Pass the call on to the runner."""
        self._runner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        """Pass the call on to the runner."""
        self._runner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create an instance whose commands are recorded."""
        return _RecordingInstance(self._runner.create_instance(det), self.issued)


class _RecordingInstance(WorkflowInstance):
    def __init__(self, instance: WorkflowInstance, issued: dict[Key, Contents]) -> None:
        self._instance, self._issued = instance, issued

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._instance.activate(act)
        for command in completion.successful.commands:
            if keyed := of_command(command, self._issued):
                self._issued[keyed[0]] = keyed[1]
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> Any:
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        return self._instance.get_thread_id()
