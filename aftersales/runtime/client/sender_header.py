"""The header that tells a case who gives it an input, by which way, and when (G-13)."""

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
    WorkflowHandle,
    WorkflowUpdateHandle,
)
from temporalio.converter import PayloadConverter

from aftersales.runtime.client.operator_name import LONGEST_OPERATOR, is_operator_name
from cases.errors import BadForm
from workflows.engine.sender import HEADER, STEP_HEADER, InputSender

BY_COMMAND: Final = "command"
"""The way of an input that a person gives on the command line."""
BY_DESK: Final = "desk"
"""The way of an input that a person gives on the desk."""
MESSAGES: Final = InputSender(way="message")
"""Whoever tells what comes from the platforms: their messages, and looks at their records."""
_step: ContextVar[str | None] = ContextVar("step", default=None)


def by_desk(name: str) -> InputSender:
    """Return who decides on the desk."""
    return InputSender(name=name, way=BY_DESK)


def operator(name: str | None = None) -> InputSender:
    """Return who decides by a command: the person named, else the user of this machine; raises BadForm."""
    if name is None:
        return InputSender(name=this_user(), way=BY_COMMAND)
    name = name.strip()
    if not is_operator_name(name):
        raise BadForm(
            f"操作人姓名须为 1 至 {LONGEST_OPERATOR} 个字 / a name of 1 to {LONGEST_OPERATOR} characters is expected"
        )
    return InputSender(name=name, way=BY_COMMAND)


def this_user() -> str:
    """Return the name of this machine's user."""
    try:
        return getpass.getuser()[:LONGEST_OPERATOR]
    except (OSError, KeyError):  # a container may run us as a number without a name
        return f"uid {os.getuid()}"


@contextmanager
def about_step(key: str | None) -> Iterator[None]:
    """Write on what is sent within the block which step it is about, if it is about one."""
    token = _step.set(key)
    try:
        yield
    finally:
        _step.reset(token)


def with_sender(client: Client, sender: InputSender, *, timed: bool = True) -> Client:
    """Return the same client, whose inputs to cases bear a sender; see ``SenderHeader``."""
    config = client.config()
    config["interceptors"] = [*config["interceptors"], SenderHeader(sender, timed=timed)]
    return Client(**config)


class SenderHeader(Interceptor):
    """A client interceptor that writes the header on everything that a case may take as an input.

    ``timed``: inputs carry the instant at which they are given; under virtual time it would be another world's, and
    they carry the sender's own, if it has one.
    """

    def __init__(self, sender: InputSender, *, timed: bool = True) -> None:
        """Write this sender."""
        self._sender, self._timed = sender, timed

    def payload(self) -> Payload:
        """Return the header of an input that is given now."""
        at = datetime.now(UTC).replace(microsecond=0) if self._timed else self._sender.at
        given = self._sender.model_copy(update={"at": at})
        return PayloadConverter.default.to_payload(given.model_dump(mode="json", exclude_none=True))

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        """Intercept the calls of a client."""
        return _SenderOutbound(next, self)


class _SenderOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, header: SenderHeader) -> None:  # noqa: A002
        super().__init__(next)
        self._header = header

    def _with_header(self, headers: Mapping[str, Payload]) -> Mapping[str, Payload]:
        step = _step.get()
        about = {} if step is None else {STEP_HEADER: PayloadConverter.default.to_payload(step)}
        return {**headers, **about, HEADER: self._header.payload()}

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002
        if input.start_signal is not None:
            input.headers = self._with_header(input.headers)
        return await super().start_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002
        input.headers = self._with_header(input.headers)
        await super().signal_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:  # noqa: A002
        input.headers = self._with_header(input.headers)
        return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(
        self,
        input: StartWorkflowUpdateWithStartInput,  # noqa: A002
    ) -> WorkflowUpdateHandle[Any]:
        update = input.update_workflow_input
        update.headers = self._with_header(update.headers)
        return await super().start_update_with_start_workflow(input)
