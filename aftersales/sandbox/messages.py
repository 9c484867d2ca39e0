"""Messages to the gateway, and how they go astray when asked to."""

import json
import random
from typing import Annotated

from pydantic import Field

from aftersales.sandbox.faults import Seconds, Share
from cases.models import Strict

Pause = Annotated[float, Field(gt=0, le=600)]


class SandboxMessage(Strict):
    """One delivery that is still to be made, in order within its ``record``; a ``late`` one lets the next pass."""

    msg_id: str
    tag: str
    app_key: str
    record: str
    data: str
    late: bool = False
    delay: float = 0.0

    def body(self) -> bytes:
        """Write the message as it is signed and sent."""
        told = [{"tag": self.tag, "msg_id": self.msg_id, "data": self.data}]
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


class Outbox(Strict):
    """What of a pusher survives a restart."""

    pending: tuple[SandboxMessage, ...] = ()
    numbered: int = 0


class Behaviour(Strict):
    """How messages go astray: shares of all, drawn from ``seed``, so that the same seed goes the same way.

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
        """Give the deliveries that become of the ``number``-th message: none, one or two."""
        # Each message draws for itself: what becomes of it does not depend on how fast others go.
        draw = random.Random(f"{self.seed}/{number}")  # noqa: S311 - repeatable, not secret
        lost, twice, late, copy_late, delay = (draw.random() for _ in range(5))
        if lost < self.lost:
            return ()
        first = message.model_copy(update={"late": late < self.reordered, "delay": delay * self.delay})
        if twice >= self.duplicates:
            return (first,)
        return (first, first.model_copy(update={"late": copy_late < self.reordered}))
