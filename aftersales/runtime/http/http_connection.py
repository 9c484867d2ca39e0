"""A client's connection to one of our servers, which cannot be kept busy by sending nothing, or too slowly.

uvicorn closes an idle connection only after its first request, waits for the rest of a request for ever, and counts
connections where it limits requests.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 10.0
"""How long a client may take from one request, or from connecting, until the head of its next one is here."""
REQUEST_SECONDS: Final = 30.0
"""How long its client may take from then on to send the rest and to take in the answer."""
BYTES_AT_ONCE: Final = 4096
"""Bytes taken in before others have their turn: in chunks of one byte, 256 KB took seconds."""


class Connection(H11Protocol):
    """A connection with a deadline for each request; above the limit of requests it gives way if its client is slow."""

    _deadline: asyncio.TimerHandle | None = None
    waits_since = 0.0
    """When the client was last expected to begin a request, on the loop's clock."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request, within the time for it; if there are too many connections, close the slowest."""
        super().connection_made(transport)
        transport.max_size = BYTES_AT_ONCE  # type: ignore[attr-defined]
        self._expect_head()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            others = (other for other in self.connections if isinstance(other, Connection) and other is not self)
            waiting = [other for other in others if other.awaits_client]
            if waiting:
                min(waiting, key=lambda other: other.waits_since).give_up()

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request; once its head is complete, the time for the request begins."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before and not self.cycle.response_complete:
            self._set_deadline(REQUEST_SECONDS)

    def on_response_complete(self) -> None:
        """Expect the next request, which may be here already."""
        before = self.cycle
        self._expect_head()
        super().on_response_complete()
        if self.cycle is not before:
            self._set_deadline(REQUEST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    @property
    def awaits_client(self) -> bool:
        """Whether nothing can be done here before the client has sent more."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def give_up(self) -> None:
        """Close the connection at once, whatever is still to be sent or received."""
        self.connections.discard(self)
        self.transport.abort()

    def _expect_head(self) -> None:
        self.waits_since = self.loop.time()
        self._set_deadline(HEAD_SECONDS)

    def _set_deadline(self, seconds: float) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self._at_deadline)

    def _at_deadline(self) -> None:
        if self.awaits_client or self.flow.write_paused:
            self.give_up()
        else:  # the time is taken by ourselves
            self._set_deadline(REQUEST_SECONDS)
