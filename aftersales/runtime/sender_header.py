"""The header that tells a case who gives it an input, by which way, and when (G-13)."""

import getpass
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

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

from cases.errors import BadForm

HEADER: Final = "aftersales-sender"
LONGEST_NAME: Final = 64

Way = Literal["command", "desk", "message", "web_ui"]


class Sender(NamedTuple):
    """Who gives inputs to cases through a client; a platform's messages have no name.

    ``timed``: inputs carry the instant at which they are given; under virtual time it would be another world's.
    """

    way: Way
    name: str | None = None
    timed: bool = True

    def payload(self) -> Payload:
        """Return the header of an input that is given now."""
        given = {"at": datetime.now(UTC).replace(microsecond=0).isoformat()} if self.timed else {}
        return PayloadConverter.default.to_payload({"name": self.name, "way": self.way, **given})


MESSAGES: Final = Sender("message")
"""Whatever comes from the platforms: their messages, and looks at their records."""


def operator(name: str | None = None) -> Sender:
    """Return who decides by a command: the person named, else the user of this machine; raises BadForm."""
    if name is None:
        return Sender("command", _user()[:LONGEST_NAME])
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadForm(f"操作人姓名须为 1 至 {LONGEST_NAME} 个字 / a name of 1 to {LONGEST_NAME} characters is expected")
    return Sender("command", name)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run us as a number without a name
        return f"uid {os.getuid()}"


def with_sender(client: Client, sender: Sender) -> Client:
    """Return the same client, whose inputs to cases bear a sender."""
    config = client.config()
    config["interceptors"] = [*config["interceptors"], SenderHeader(sender)]
    return Client(**config)


class SenderHeader(Interceptor):
    """A client interceptor that writes the header on everything that a case may take as an input."""

    def __init__(self, sender: Sender) -> None:
        """Write this sender."""
        self._sender = sender

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        """Intercept the calls of a client."""
        return _SenderOutbound(next, self._sender)


class _SenderOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, sender: Sender) -> None:  # noqa: A002
        super().__init__(next)
        self._sender = sender

    def _with_header(self, headers: Mapping[str, Payload]) -> Mapping[str, Payload]:
        return {**headers, HEADER: self._sender.payload()}

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
