"""Who gave an input, by which way, and when (G-13): a header of Temporal carries it from the client to the case."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pydantic import Field, ValidationError
from temporalio.api.common.v1 import Payload

from cases.models import Instant, Name, Strict

HEADER = "aftersales-sender"
STEP_HEADER = "aftersales-step"
"""The key of the step that an input is about: after a reset its serial number may be another one."""
WEB_UI = "web_ui"
"""The way of an input without the header: Temporal's own clients, above all its Web UI."""


class InputSender(Strict):
    """The name of the person who gave an input, if there is one, the way it came, and when it was given.

    ``at`` is None where it is not known, as for the Web UI: the input then counts as given when it arrives.  ``step``
    is the key of the step that the input is about, if it came with one; it has a header of its own.
    """

    name: Name | None = None
    way: Name = WEB_UI
    at: Instant | None = None
    step: str | None = Field(default=None, exclude=True)


UNKNOWN_SENDER = InputSender()
FROM_A_CASE = InputSender(way="case")
"""Another case has told this one (G-15)."""
_current: ContextVar[InputSender] = ContextVar("sender", default=UNKNOWN_SENDER)


def current_sender() -> InputSender:
    """Return who gave the input that is being handled."""
    return _current.get()


def read_sender(headers: Mapping[str, Payload]) -> InputSender:
    """Return the sender that the headers of an input name; one that cannot be read is unknown."""
    try:
        sender = InputSender.model_validate_json(json.dumps(_read(headers.get(HEADER), {})))
        step = _read(headers.get(STEP_HEADER), None)
    except (ValueError, ValidationError):
        return UNKNOWN_SENDER
    return sender.model_copy(update={"step": step}) if isinstance(step, str) else sender


def _read(payload: Payload | None, otherwise: Any) -> Any:
    return otherwise if payload is None else json.loads(payload.data)


@contextmanager
def sent_by(headers: Mapping[str, Payload]) -> Iterator[None]:
    """Name the sender to whatever handles the input within the block."""
    token = _current.set(read_sender(headers))
    try:
        yield
    finally:
        _current.reset(token)
