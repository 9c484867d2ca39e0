"""Commands of a workflow, in a form that a recorded history and the current code share."""

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
"""The kind of a command, and its id or number within the kind."""
END: Key = ("end", "")
LOCAL = "local"
"""The kind of a local call, of which a history shows only the result."""


@dataclass
class Contents:
    """The contents of a command: ``plain`` figures and names, and its payloads."""

    name: str
    plain: dict[str, Any] = field(default_factory=dict)
    payloads: list[Payload] = field(default_factory=list)


def of_history(events: Iterable[HistoryEvent]) -> dict[Key, Contents]:
    """Return the commands that a history shows, named after their events."""
    commands: dict[Key, Contents] = {}
    updates: dict[int, str] = {}
    for event in events:
        which = event.WhichOneof("attributes")
        if which == "workflow_execution_update_accepted_event_attributes":
            updates[event.event_id] = getattr(event, which).protocol_instance_id
        keyed = _of_event(which, getattr(event, which), updates, commands) if which else None
        if keyed is not None:
            key, contents = keyed
            kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
            contents.name = f"event {event.event_id} ({f'{kind} {contents.name}'.strip()})"
            commands[key] = contents
    return commands


def _of_event(
    which: str, attributes: Any, updates: Mapping[int, str], before: Mapping[Key, Contents]
) -> tuple[Key, Contents] | None:
    keyed: tuple[Key, Contents] | None = None
    match which.removesuffix("_event_attributes"):
        case "timer_started":
            keyed = ("timer", attributes.timer_id), _timer(attributes)
        case "activity_task_scheduled":
            keyed = ("activity", attributes.activity_id), _activity(attributes, attributes.input.payloads)
        case "upsert_workflow_search_attributes":
            keyed = _next("attributes", before), _attributes(attributes)
        case "workflow_execution_update_completed" if attributes.outcome.HasField("success"):
            keyed = ("update", updates[attributes.accepted_event_id]), _payloads(attributes.outcome.success.payloads)
        case "workflow_execution_update_completed":
            keyed = ("update", updates[attributes.accepted_event_id]), _failure(attributes.outcome.failure)
        case "workflow_execution_completed":
            keyed = END, _payloads(attributes.result.payloads, ends="completed")
        case "workflow_execution_failed":
            keyed = END, _failure(attributes.failure)
        case "workflow_execution_continued_as_new":
            keyed = END, _payloads(attributes.input.payloads, ends="continued as new")
    return keyed


def of_command(command: WorkflowCommand, before: Mapping[Key, Contents]) -> tuple[Key, Contents] | None:
    """Return a command of the current code; None if it has only a kind, which Temporal itself compares."""
    which = command.WhichOneof("variant")
    attributes: Any = getattr(command, which) if which else None
    keyed: tuple[Key, Contents] | None = None
    match which:
        case "start_timer":
            keyed = ("timer", str(attributes.seq)), _timer(attributes)
        case "schedule_activity":
            keyed = ("activity", attributes.activity_id), _activity(attributes, attributes.arguments)
        case "schedule_local_activity":
            keyed = (LOCAL, str(attributes.seq)), _local_call(attributes)
        case "upsert_workflow_search_attributes":
            keyed = _next("attributes", before), _attributes(attributes)
        case "update_response" if attributes.HasField("completed"):
            keyed = ("update", attributes.protocol_instance_id), _payloads([attributes.completed])
        case "update_response" if attributes.HasField("rejected"):
            keyed = ("update", attributes.protocol_instance_id), _failure(attributes.rejected)
        case "complete_workflow_execution":
            keyed = END, _payloads([attributes.result], ends="completed")
        case "fail_workflow_execution":
            keyed = END, _failure(attributes.failure)
        case "continue_as_new_workflow_execution":
            keyed = END, _payloads(attributes.arguments, ends="continued as new")
    return keyed


def _payloads(payloads: Iterable[Payload], **plain: str) -> Contents:
    return Contents("", plain, list(payloads))


def _next(kind: str, before: Mapping[Key, Contents]) -> Key:
    return kind, str(sum(key[0] == kind for key in before))


def _timer(attributes: Any) -> Contents:
    return Contents("", {"duration": attributes.start_to_fire_timeout.ToTimedelta()})


def _activity(attributes: Any, arguments: Iterable[Payload]) -> Contents:
    # The server fills in a schedule-to-start timeout that was left open: only what we set is compared.
    name = attributes.activity_type if isinstance(attributes.activity_type, str) else attributes.activity_type.name
    plain = {
        "activity": name,
        "start_to_close": _length(attributes.start_to_close_timeout),
        "schedule_to_close": _length(attributes.schedule_to_close_timeout),
        "heartbeat": _length(attributes.heartbeat_timeout),
        "retries": _retries(attributes.retry_policy),
    }
    return Contents(name, plain, list(arguments))


def _local_call(attributes: Any) -> Contents:
    plain = {
        "start_to_close": _length(attributes.start_to_close_timeout),
        "retries": _retries(attributes.retry_policy),
    }
    return Contents(attributes.activity_type, plain, list(attributes.arguments))


def _retries(attributes: Retries) -> dict[str, Any]:
    return {
        "initial": _length(attributes.initial_interval),
        "coefficient": attributes.backoff_coefficient,
        "maximum": _length(attributes.maximum_interval),
        "attempts": attributes.maximum_attempts,
        "final": list(attributes.non_retryable_error_types),
    }


def _attributes(attributes: Any) -> Contents:
    fields = attributes.search_attributes.indexed_fields
    return Contents("", {name: fields[name].data.decode() for name in sorted(fields)})


def _failure(attributes: Any) -> Contents:
    return Contents("", {"failure": attributes.message, "type": attributes.application_failure_info.type})


def _length(attributes: Duration) -> str:
    return f"{attributes.ToTimedelta()}"
