"""Pushed messages: unpacked as their marketplace sends them, then offered to each of its adapters."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from pydantic import ValidationError

from aftersales.platforms.access import Access
from aftersales.platforms.adapter import MessageAdapter
from aftersales.platforms.inbound import LOOK, CaseKey, InboundMessage
from cases.errors import BadForm
from cases.messages import Report
from cases.models import faults

MOST_MESSAGES: Final = 1000
"""The most messages of a push that are taken apart; one with more is kept whole, as unreadable."""
ReadBody = Callable[[], Awaitable[bytes]]
"""Reads a request's body; not called if the headers alone rule the request out."""


class NotSigned(Exception):
    """A push without a valid signature of one of our applications."""


@dataclass(frozen=True)
class PushedMessage:
    """One message of a push: ``data`` is its content, ``body`` what to keep of it.

    ``about`` says what it is about, for messages that no process takes; ``fault`` what is wrong with one that may yet
    name its case.
    """

    message_id: str
    tag: str
    data: Any
    body: bytes
    about: str = "没有对应的流程 / no process takes it"
    fault: str | None = None


@dataclass(frozen=True)
class SignedPush:
    """What a push holds, and the application that signed it."""

    app_key: str
    messages: Sequence[PushedMessage | InboundMessage]


class PushFormat(ABC):
    """The format of a marketplace's push: its path, signature and body, and the answer that it expects."""

    path: ClassVar[str]
    media_type: ClassVar[str]

    @property
    @abstractmethod
    def acknowledgement(self) -> str:
        """The answer to a push that was stored."""

    @abstractmethod
    async def unpack(self, headers: Mapping[str, str], read_body: ReadBody) -> SignedPush:
        """Verify a push and return its messages, an unreadable one as the row to store; raises NotSigned."""


@dataclass(frozen=True)
class PushEndpoint:
    """The endpoint of a marketplace's push, with the adapters that its messages are offered to, by process.

    ``access`` says which of our applications serves which shop.
    """

    platform: str
    access: Access[Any]
    format: PushFormat
    adapters: Mapping[str, MessageAdapter]

    async def receive(self, headers: Mapping[str, str], read_body: ReadBody) -> list[InboundMessage]:
        """Return the messages of a push, as they are to be stored; raises NotSigned."""
        push = await self.format.unpack(headers, read_body)
        received: list[InboundMessage] = []
        for message in push.messages:
            received += [message] if isinstance(message, InboundMessage) else self.offer(message)
        return [replace(message, app_key=push.app_key) for message in received]

    def offer(self, pushed: PushedMessage) -> list[InboundMessage]:
        """Offer a message to every adapter."""
        return offered(self.platform, self.adapters, pushed)


def offered(platform: str, adapters: Mapping[str, MessageAdapter], pushed: PushedMessage) -> list[InboundMessage]:
    """Offer a message to every adapter; return one message for each case that it is about, else an unknown one.

    One that cannot be read but names its case is kept as unreadable, and lets the case look at the record.
    """
    taken: list[InboundMessage] = []
    for process, adapter in adapters.items():
        # The inbox knows a message by its id, and two processes may want the same one.
        stored_id = f"{pushed.message_id}/{process}" if taken else pushed.message_id
        case: CaseKey | None = None
        try:
            case = adapter.case_of(pushed.tag, pushed.data)
            if case is None:
                continue
            if pushed.fault is not None:
                raise BadForm(pushed.fault)  # noqa: TRY301 - the same way as for what the adapter cannot read
            report = adapter.report_of(pushed.tag, pushed.message_id, pushed.data)
        except (BadForm, ValidationError) as bad:  # a report that no case takes must hold up no other message
            taken.append(InboundMessage.unreadable(platform, pushed.body, _why(bad), stored_id, pushed.tag))
            if case is not None:
                taken.append(_for_a_case(platform, pushed, f"{stored_id}/look", case, LOOK))
        else:
            taken.append(_for_a_case(platform, pushed, stored_id, case, report))
    if taken:
        return taken
    if pushed.fault is not None:
        return [InboundMessage.unreadable(platform, pushed.body, pushed.fault, pushed.message_id, pushed.tag)]
    return [InboundMessage.unknown(platform, pushed.body, pushed.about, pushed.message_id, pushed.tag)]


def _why(bad: BadForm | ValidationError) -> str:
    """Return what is wrong, without quoting the message."""
    if isinstance(bad, BadForm):
        return str(bad)
    return "; ".join(f"{'.'.join(map(str, place))}: {why}" for place, why in faults(bad))


def _for_a_case(
    platform: str, pushed: PushedMessage, stored_id: str, case: CaseKey, report: Report | None
) -> InboundMessage:
    return InboundMessage(platform, stored_id, pushed.tag, pushed.body, case=case, report=report)
