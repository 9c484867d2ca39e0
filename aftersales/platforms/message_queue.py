"""Queued messages: taken from their marketplace's queue, stored, and only then confirmed.

What a marketplace does not push it hands out when asked, again and again until a message is confirmed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aftersales.platforms.adapter import MessageAdapter
from aftersales.platforms.inbound import InboundMessage
from aftersales.platforms.push import PushedMessage, offered


@dataclass(frozen=True)
class QueuedMessage:
    """One message of a queue, an unreadable one as the row to store.

    ``receipt`` is what confirms it, None if the marketplace has sent none.
    """

    receipt: str | None
    message: PushedMessage | InboundMessage


class MessageQueue(ABC):
    """The queue of one of our applications; its methods raise PlatformUnreachable, PlatformRefused, NoCredentials."""

    @abstractmethod
    async def consume(self) -> list[QueuedMessage]:
        """Return messages that wait; one that is not confirmed in time comes again."""

    @abstractmethod
    async def confirm(self, receipts: Sequence[str]) -> None:
        """Confirm messages, so that they do not come again."""


@dataclass(frozen=True)
class QueueEndpoint:
    """A queue of a marketplace, with the adapters that its messages are offered to, by process."""

    platform: str
    queue: MessageQueue
    adapters: Mapping[str, MessageAdapter]

    async def receive(self) -> tuple[list[InboundMessage], list[str]]:
        """Return messages that wait, as they are to be stored, and the receipts that then confirm them."""
        received: list[InboundMessage] = []
        receipts: list[str] = []
        for queued in await self.queue.consume():
            message = queued.message
            received += (
                [message] if isinstance(message, InboundMessage) else offered(self.platform, self.adapters, message)
            )
            receipts += [] if queued.receipt is None else [queued.receipt]
        return received, receipts
