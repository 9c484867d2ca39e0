"""What a workflow did, in terms that a history and the code's own commands share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload
from temporalio.api.common.v1 import RetryPolicy as Retries
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

Key = tuple[str, str]
"""The kind of a command, and which one of its kind it is."""
END: Key = ("end", "")
PATCHES = {"TemporalChangeVersion"}
"""The search attribute that Temporal itself sets where code asks for a patch: no command of ours."""


@dataclass
class Contents:
    """What a command asks for: ``plain`` figures and names, and the payloads it carries."""

    name: str
    plain: dict[str, Any] = field(default_factory=dict)
    payloads: list[Payload] = field(default_factory=list)


def of_history(events: Iterable[HistoryEvent]) -> dict[Key, Contents]:
    """The commands that a history shows, each named after its event."""
    found: dict[Key, Contents] = {}
    updates: dict[int, str] = {}
    for event in events:
        which = event.WhichOneof("attributes")
        if which == "workflow_execution_update_accepted_event_attributes":
            updates[event.event_id] = getattr(event, which).protocol_instance_id
        seen = _of_event(which, getattr(event, which), updates, found) if which else None
        if seen is not None:
            key, contents = seen
            kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
            contents.name = f"event {event.event_id} ({f'{kind} {contents.name}'.strip()})"
            found[key] = contents
    return found


def _of_event(
    which: str, told: Any, updates: Mapping[int, str], before: Mapping[Key, Contents]
) -> tuple[Key, Contents] | None:
    found: tuple[Key, Contents] | None = None
    match which.removesuffix("_event_attributes"):
        case "timer_started":
            found = ("timer", told.timer_id), _timer(told)
        case "activity_task_scheduled":
            found = ("activity", told.activity_id), _activity(told, told.input.payloads)
        case "upsert_workflow_search_attributes" if set(told.search_attributes.indexed_fields) != PATCHES:
            found = _next("attributes", before), _attributes(told)
        case "workflow_execution_update_completed" if told.outcome.HasField("success"):
            found = ("update", updates[told.accepted_event_id]), _given(told.outcome.success.payloads)
        case "workflow_execution_update_completed":
            found = ("update", updates[told.accepted_event_id]), _failure(told.outcome.failure)
        case "workflow_execution_completed":
            found = END, _given(told.result.payloads, ends="completed")
        case "workflow_execution_failed":
            found = END, _failure(told.failure)
        case "workflow_execution_continued_as_new":
            found = END, _given(told.input.payloads, ends="continued as new")
    return found


def of_command(command: WorkflowCommand, before: Mapping[Key, Contents]) -> tuple[Key, Contents] | None:
    """A command of the code as it is now; None: its kind alone says all, and Temporal compares that."""
    which = command.WhichOneof("variant")
    told: Any = getattr(command, which) if which else None
    found: tuple[Key, Contents] | None = None
    match which:
        case "start_timer":
            found = ("timer", str(told.seq)), _timer(told)
        case "schedule_activity":
            found = ("activity", told.activity_id), _activity(told, told.arguments)
        case "upsert_workflow_search_attributes":
            found = _next("attributes", before), _attributes(told)
        case "update_response" if told.HasField("completed"):
            found = ("update", told.protocol_instance_id), _given([told.completed])
        case "update_response" if told.HasField("rejected"):
            found = ("update", told.protocol_instance_id), _failure(told.rejected)
        case "complete_workflow_execution":
            found = END, _given([told.result], ends="completed")
        case "fail_workflow_execution":
            found = END, _failure(told.failure)
        case "continue_as_new_workflow_execution":
            found = END, _given(told.arguments, ends="continued as new")
    return found


def _given(payloads: Iterable[Payload], **plain: str) -> Contents:
    return Contents("", plain, list(payloads))


def _next(kind: str, before: Mapping[Key, Contents]) -> Key:
    return kind, str(sum(each == kind for each, _ in before))


def _timer(told: Any) -> Contents:
    return Contents("", {"duration": _length(told.start_to_fire_timeout)})


def _activity(told: Any, arguments: Iterable[Payload]) -> Contents:
    # The server fills in a schedule-to-start timeout that was left open: only what we set is compared.
    name = told.activity_type if isinstance(told.activity_type, str) else told.activity_type.name
    plain = {
        "activity": name,
        "start_to_close": _length(told.start_to_close_timeout),
        "schedule_to_close": _length(told.schedule_to_close_timeout),
        "heartbeat": _length(told.heartbeat_timeout),
        "retries": _retries(told.retry_policy),
    }
    return Contents(name, plain, list(arguments))


def _retries(told: Retries) -> dict[str, Any]:
    return {
        "initial": _length(told.initial_interval),
        "coefficient": told.backoff_coefficient,
        "maximum": _length(told.maximum_interval),
        "attempts": told.maximum_attempts,
        "final": list(told.non_retryable_error_types),
    }


def _attributes(told: Any) -> Contents:
    fields = told.search_attributes.indexed_fields
    return Contents("", {name: fields[name].data.decode() for name in sorted(fields)})


def _failure(told: Any) -> Contents:
    return Contents("", {"failure": told.message, "type": told.application_failure_info.type})


def _length(told: Duration) -> str:
    return f"{told.ToTimedelta()}"
