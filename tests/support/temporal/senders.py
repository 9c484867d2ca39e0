"""Who gave the inputs of a case, as its history tells."""

import json
from typing import Any

from temporalio.client import WorkflowHandle

from workflows.engine.sender import HEADER, STEP_HEADER

STARTED = "workflow_execution_started_event_attributes"
SIGNALED = "workflow_execution_signaled_event_attributes"
UPDATED = "workflow_execution_update_accepted_event_attributes"


async def senders(handle: WorkflowHandle[Any, Any], kind: str, header_name: str = HEADER) -> list[Any]:
    """Return what a header holds in every event of a kind, None where there is none."""
    found = []
    for event in (await handle.fetch_history()).events:
        if not event.HasField(kind):  # type: ignore[arg-type]
            continue
        attributes = getattr(event, kind)
        header = attributes.accepted_request.input.header if kind == UPDATED else attributes.header
        found.append(json.loads(header.fields[header_name].data) if header_name in header.fields else None)
    return found


async def steps_named(handle: WorkflowHandle[Any, Any]) -> list[str | None]:
    """Return the key of the step that each decision says it confirms."""
    return await senders(handle, UPDATED, STEP_HEADER)


async def names_and_ways(handle: WorkflowHandle[Any, Any], kind: str) -> list[tuple[str | None, str]]:
    """Return name and way of the sender of every event of a kind, each of which has one."""
    return [(sender.get("name"), sender["way"]) for sender in await senders(handle, kind)]
