"""Who gave the inputs of a case, as its history tells."""

import json
from typing import Any

from temporalio.client import WorkflowHandle

from workflows.engine.sender import HEADER

STARTED = "workflow_execution_started_event_attributes"
SIGNALED = "workflow_execution_signaled_event_attributes"
UPDATED = "workflow_execution_update_accepted_event_attributes"


async def senders(handle: WorkflowHandle[Any, Any], kind: str) -> list[Any]:
    """Return what the header holds in every event of a kind, None where there is none."""
    found = []
    for event in (await handle.fetch_history()).events:
        if not event.HasField(kind):  # type: ignore[arg-type]
            continue
        attributes = getattr(event, kind)
        header = attributes.accepted_request.input.header if kind == UPDATED else attributes.header
        found.append(json.loads(header.fields[HEADER].data) if HEADER in header.fields else None)
    return found


async def names_and_ways(handle: WorkflowHandle[Any, Any], kind: str) -> list[tuple[str | None, str]]:
    """Return name and way of the sender of every event of a kind, each of which has one."""
    return [(sender.get("name"), sender["way"]) for sender in await senders(handle, kind)]
