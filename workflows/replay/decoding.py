"""Encrypted histories, decoded before they are replayed: what follows sees them as if nothing had been encrypted."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Header, Payload, SearchAttributes
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent, MarkerRecordedEventAttributes
from temporalio.client import WorkflowHistory
from temporalio.converter import PayloadCodec

_CLEAR = (Header, SearchAttributes)
"""What no codec encodes."""
_RESULT = "result"


async def decoded(history: WorkflowHistory, codec: PayloadCodec) -> WorkflowHistory:
    """Return a copy of a history without what a codec has done to it; raises what the codec raises."""
    events = []
    for event in history.events:
        plain = HistoryEvent()
        plain.CopyFrom(event)
        for payload in [found for found in coded_parts(plain) if isinstance(found, Payload)]:
            payload.CopyFrom((await codec.decode([payload]))[0])
        for failure in [found for found in coded_parts(plain) if isinstance(found, Failure)]:
            _in_the_clear(failure)
        events.append(plain)
    return WorkflowHistory(history.workflow_id, events)


def coded_parts(message: Message) -> Iterator[Message]:
    """Yield every payload and failure in a message that a codec encodes."""
    if isinstance(message, Payload):
        yield message
        return
    if isinstance(message, _CLEAR):
        return
    if isinstance(message, MarkerRecordedEventAttributes):
        # What else the SDK writes there is its own: which call it was, and when.
        yield from coded_parts(message.details[_RESULT]) if _RESULT in message.details else ()
        yield from coded_parts(message.failure) if message.HasField("failure") else ()
        return
    if isinstance(message, Failure):
        yield message
    for field, value in message.ListFields():
        for part in _parts(field, value):
            yield from coded_parts(part)


def _parts(field: Any, value: Any) -> Iterator[Message]:
    if field.message_type is None:
        return
    if field.message_type.GetOptions().map_entry:
        yield from (part for part in value.values() if isinstance(part, Message))
    elif isinstance(value, Message):
        yield value
    else:
        yield from value


def _in_the_clear(failure: Failure) -> None:
    """Give a failure its words back."""
    if not failure.HasField("encoded_attributes"):
        return
    # A failure that was encoded by somebody else has its words in another form, and stays as it is.
    with suppress(ValueError, KeyError, TypeError):
        words = json.loads(failure.encoded_attributes.data)
        failure.message, failure.stack_trace = words["message"], words["stack_trace"]
        failure.ClearField("encoded_attributes")
