"""Message push: signed messages to the gateway, in order for each record, repeated until acknowledged."""

import asyncio
import contextlib
import json
import logging
import random
import ssl
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, Final

import httpx2
from pydantic import Field

from aftersales.platforms.douyin.signing import event_sign
from aftersales.sandbox.douyin.faults import Seconds, Share
from cases.models import Strict

Pause = Annotated[float, Field(gt=0, le=600)]


class SandboxMessage(Strict):
    """A message to deliver, in order within its ``record``; a ``late`` one lets the next pass."""

    msg_id: str
    tag: str
    app_key: str
    record: str
    data: str
    late: bool = False
    delay: float = 0.0

    def body(self) -> bytes:
        """Return the message as it is signed and sent."""
        message = [{"tag": self.tag, "msg_id": self.msg_id, "data": self.data}]
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


class Outbox(Strict):
    """The part of a pusher's state that survives a restart."""

    pending: tuple[SandboxMessage, ...] = ()
    numbered: int = 0


class Behaviour(Strict):
    """How messages are lost, doubled, delayed and reordered: shares of all, drawn from ``seed``, so repeatable.

    ``duplicates`` come twice with the same id, ``lost`` never, ``reordered`` after the next of the same record (or
    after ``hold`` seconds if there is none), all of them up to ``delay`` seconds late.  A message that is not
    acknowledged is sent again after ``first_retry`` seconds, doubling up to ``longest_retry``.
    """

    seed: int = 0
    duplicates: Share = 0.0
    lost: Share = 0.0
    reordered: Share = 0.0
    delay: Seconds = 0.0
    hold: Seconds = 0.5
    first_retry: Pause = 0.2
    longest_retry: Pause = 5.0

    def copies(self, message: SandboxMessage, number: int) -> tuple[SandboxMessage, ...]:
        """Return the deliveries of the ``number``-th message: none, one or two."""
        # Every message draws by itself, so that its fate does not depend on how fast others are.
        draw = random.Random(f"{self.seed}/{number}")  # noqa: S311 - repeatable, not secret  # nosec B311
        lost, twice, late, copy_late, delay = (draw.random() for _ in range(5))
        if lost < self.lost:
            return ()
        first = message.model_copy(update={"late": late < self.reordered, "delay": delay * self.delay})
        if twice >= self.duplicates:
            return (first,)
        return (first, first.model_copy(update={"late": copy_late < self.reordered}))


class DeliveryQueue:
    """The messages of one record, delivered in order, except that the next one overtakes a late one."""

    def __init__(self, deliver: Callable[[SandboxMessage], Awaitable[None]], progressed: Callable[[], None]) -> None:
        """``deliver`` returns when the message is acknowledged; ``progressed`` is called when it has left the queue."""
        self.messages: list[SandboxMessage] = []
        self._deliver = deliver
        self._progressed = progressed
        self._arrived = asyncio.Event()

    def put(self, message: SandboxMessage) -> None:
        """Add a message at the end."""
        self.messages.append(message)

    def wake(self) -> None:
        """Wake a late message that waits for the next one (call in the loop of ``run``)."""
        self._arrived.set()

    async def run(self, hold: float) -> None:
        """Deliver until the queue is empty; a late message waits at most ``hold`` seconds for the next."""
        while self.messages:
            if self.messages[0].late and len(self.messages) == 1:
                await self._another(hold)
            at = int(self.messages[0].late and len(self.messages) > 1)
            message = self.messages[at]
            await self._deliver(message)
            del self.messages[at]
            if at:  # the late one was overtaken, once is enough
                self.messages[0] = self.messages[0].model_copy(update={"late": False})
            self._progressed()

    async def _another(self, hold: float) -> None:
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(hold):
                while len(self.messages) == 1:
                    await self._arrived.wait()
                    self._arrived.clear()


log = logging.getLogger(__name__)

_CONCURRENT: Final = 8
"""Messages sent at the same time, of different records."""
_REMEMBERED: Final = 1000
"""How many delivered and lost messages are kept for the control interface."""
_TIMEOUT: Final = 5.0
"""Seconds for the gateway to answer."""
_FIRST_ID: Final = 7_100_000_000_000_000_000


class Pusher:
    """Sends the messages added; ``add`` never blocks and may be called before the start and from any thread."""

    def __init__(
        self,
        gateway: str | None,
        secret_of: Callable[[str], str],
        outbox: Outbox | None = None,
        progressed: Callable[[], None] = lambda: None,
    ) -> None:
        """Send to a gateway (None: send nothing), signed with the secret of the message's application.

        ``progressed`` is called whenever a message is no longer pending, in the loop of ``start``.
        """
        outbox = outbox or Outbox()
        self.gateway = gateway
        self.behaviour = Behaviour()
        self.delivered: deque[SandboxMessage] = deque(maxlen=_REMEMBERED)
        self.lost: deque[SandboxMessage] = deque(maxlen=_REMEMBERED)
        self.failures = 0
        self._secret_of = secret_of
        self._progressed = progressed
        self._numbered = outbox.numbered
        self._drawn = 0
        self._lock = threading.Lock()
        self._queues: dict[str, DeliveryQueue] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx2.AsyncClient | None = None
        self._slots = asyncio.Semaphore(_CONCURRENT)
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._retry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._queue(outbox.pending)

    @property
    def pending(self) -> tuple[SandboxMessage, ...]:
        """Messages still to be delivered."""
        with self._lock:
            return tuple(message for queue in self._queues.values() for message in queue.messages)

    @property
    def paused(self) -> bool:
        """Whether pushing is paused."""
        return not self._resumed.is_set()

    def outbox(self) -> Outbox:
        """Return the state that survives a restart."""
        return Outbox(pending=self.pending, numbered=self._numbered)

    def behave(self, behaviour: Behaviour) -> None:
        """Apply this behaviour to messages added from now on."""
        self.behaviour = behaviour
        self._drawn = 0

    def add(self, app_key: str, record: str, tag: str, write: Callable[[bool], str]) -> None:
        """Queue a message; ``write`` returns its data, with ``update_time`` as text if its argument is true."""
        if self.gateway is None:
            return
        self._numbered += 1
        self._drawn += 1
        number, data = str(_FIRST_ID + self._numbered), write(self._numbered % 2 == 0)
        message = SandboxMessage(msg_id=number, tag=tag, app_key=app_key, record=record, data=data)
        copies = self.behaviour.copies(message, self._drawn)
        if not copies:
            self.lost.append(message)
        self._queue(copies)

    async def start(self) -> None:
        """Start sending what is pending."""
        if self.gateway:
            self._client = httpx2.AsyncClient(timeout=_TIMEOUT, verify=_trust(self.gateway))
        self._loop = asyncio.get_running_loop()
        with self._lock:
            waiting = list(self._queues)
        for record in waiting:
            self._run_queue(record)

    async def stop(self) -> None:
        """Stop; what is pending stays pending."""
        self._loop = None
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._running.clear()
        if self._client:
            await self._client.aclose()

    def pause(self) -> None:
        """Pause sending."""
        self._resumed.clear()

    def resume(self) -> None:
        """Resume sending, and retry at once what failed."""
        self._resumed.set()
        self._retry.set()
        self._retry = asyncio.Event()

    async def idle(self, within: float) -> bool:
        """Wait until nothing is pending; return False if that takes longer than ``within`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._idle.wait()
        return self._idle.is_set()

    def _queue(self, messages: Iterable[SandboxMessage]) -> None:
        for message in messages:
            with self._lock:
                self._idle.clear()
                self._queues.setdefault(message.record, DeliveryQueue(self._deliver, self._progressed)).put(message)
            if self._loop:
                self._loop.call_soon_threadsafe(self._run_queue, message.record)

    def _run_queue(self, record: str) -> None:
        with self._lock:
            queue = self._queues.get(record)
            if queue is None or self._loop is None:
                return
            queue.wake()
            if record not in self._running:
                self._running[record] = self._loop.create_task(self._run(record, queue))

    async def _run(self, record: str, queue: DeliveryQueue) -> None:
        while True:
            await queue.run(self.behaviour.hold)
            with self._lock:  # nothing can be added between the check and the end
                if not queue.messages:
                    del self._queues[record], self._running[record]
                    if not self._queues:
                        self._idle.set()
                    break

    async def _deliver(self, message: SandboxMessage) -> None:
        if message.delay:
            await asyncio.sleep(message.delay)
        pause = self.behaviour.first_retry
        while True:
            await self._resumed.wait()
            if await self._send(message):
                break
            self.failures += 1
            retry = self._retry
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await retry.wait()
            pause = min(pause * 2, self.behaviour.longest_retry)
        self.delivered.append(message)

    async def _send(self, message: SandboxMessage) -> bool:
        if self._client is None or self.gateway is None:
            return False
        body = message.body()
        signed = event_sign(message.app_key, self._secret_of(message.app_key), body)
        headers = {"app-id": message.app_key, "event-sign": signed, "content-type": "application/json"}
        try:
            async with self._slots:
                answer = await self._client.post(self.gateway, content=body, headers=headers)
            answered: Any = json.loads(answer.content)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
            log.debug("message %s was not delivered: %s", message.msg_id, type(error).__name__)
            return False
        return isinstance(answered, dict) and answered.get("code") == 0


def _trust(gateway: str) -> ssl.SSLContext:
    if gateway.startswith("https:"):
        return ssl.create_default_context()
    # Plain HTTP needs no root certificates, which take 0.1 s to read.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
