"""Pushed messages: unpacked as their marketplace sends them, then offered to each of its adapters."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from aftersales.platforms.adapter import MessageAdapter
from aftersales.platforms.inbound import InboundMessage
from cases.errors import BadForm

ReadBody = Callable[[], Awaitable[bytes]]
"""Reads a request's body; not called if the headers alone rule the request out."""


class NotSigned(Exception):
    """A push without a valid signature of one of our applications."""


@dataclass(frozen=True)
class PushedMessage:
    """One message of a push: ``data`` is its content, ``body`` what to keep of it.

    ``about`` says what it is about, for messages that no process takes.
    """

    message_id: str
    tag: str
    data: Any
    body: bytes
    about: str = "没有对应的流程 / no process takes it"


class PushFormat(ABC):
    """The format of a marketplace's push: its path, signature and body, and the answer that it expects."""

    path: ClassVar[str]
    media_type: ClassVar[str]

    @property
    @abstractmethod
    def acknowledgement(self) -> str:
        """The answer to a push that was stored."""

    @abstractmethod
    async def unpack(self, headers: Mapping[str, str], read_body: ReadBody) -> list[PushedMessage | InboundMessage]:
        """Verify a push and return its messages, an unreadable one as the row to store; raises NotSigned."""


@dataclass(frozen=True)
class PushEndpoint:
    """The endpoint of a marketplace's push, with the adapters that its messages are offered to, by process."""

    platform: str
    format: PushFormat
    adapters: Mapping[str, MessageAdapter]

    async def receive(self, headers: Mapping[str, str], read_body: ReadBody) -> list[InboundMessage]:
        """Return the messages of a push, as they are to be stored; raises NotSigned."""
        received: list[InboundMessage] = []
        for message in await self.format.unpack(headers, read_body):
            received += [message] if isinstance(message, InboundMessage) else self.offer(message)
        return received

    def offer(self, pushed: PushedMessage) -> list[InboundMessage]:
        """Offer a message to every adapter; return one message for each case that it is about, else an unknown one."""
        taken: list[InboundMessage] = []
        for process, adapter in self.adapters.items():
            # The inbox knows a message by its id, and two processes may want the same one.
            stored_id = f"{pushed.message_id}/{process}" if taken else pushed.message_id
            try:
                case = adapter.case_of(pushed.tag, pushed.data)
                if case is None:
                    continue
                report = adapter.report_of(pushed.tag, pushed.message_id, pushed.data)
            except BadForm as bad:
                taken.append(InboundMessage.unreadable(self.platform, pushed.body, str(bad), stored_id, pushed.tag))
            else:
                taken.append(
                    InboundMessage(self.platform, stored_id, pushed.tag, pushed.body, case=case, report=report)
                )
        unknown = InboundMessage.unknown(self.platform, pushed.body, pushed.about, pushed.message_id, pushed.tag)
        return taken or [unknown]
