"""Faults of Douyin's methods, on demand: which calls fail, how, and how often."""

import asyncio
import random
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from starlette.requests import Request

from cases.models import Strict, Text

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=600)]

Kind = Literal["timeout", "http_500", "refuse", "slow", "expired_token"]


class Fault(Strict):
    """A failure of the next ``count`` calls, or of a ``share`` of them, or of every call if neither is set.

    ``method`` as Douyin names it (``afterSale.operate``), None for all.  A timeout is answered after ``seconds``;
    ``performed`` says whether a call that times out or ends in HTTP 500 is carried out all the same.
    """

    kind: Kind
    method: Text | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    share: Share | None = None
    seed: int = 0
    seconds: Seconds = 30.0
    performed: bool = False
    code: int = 50002
    sub_code: str = "isv.business-failed:1"
    text: str = "业务处理失败"

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if self.count is not None and self.share is not None:
            raise ValueError("count 与 share 只能给一个 / give count or share, not both")
        return self


class Faults:
    """The active faults, oldest first; a call gets the first that applies."""

    def __init__(self) -> None:
        self._active: list[_ActiveFault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        self._active.append(_ActiveFault(fault))

    def clear(self) -> None:
        """Remove all faults."""
        self._active.clear()

    def open(self) -> Sequence[Fault]:
        """Return the active faults, each with its remaining count."""
        return [active.left() for active in self._active]

    def draw(self, method: str) -> Fault | None:
        """Return the fault of this call, if it has one."""
        for active in self._active:
            if active.strikes(method):
                if active.count == 0:
                    self._active.remove(active)
                return active.fault
        return None


class _ActiveFault:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.count = fault.count
        self._random = random.Random(fault.seed)  # noqa: S311 - faults are repeatable, not secret  # nosec B311

    def left(self) -> Fault:
        return self.fault.model_copy(update={"count": self.count})

    def strikes(self, method: str) -> bool:
        if self.fault.method not in (None, method):
            return False
        if self.count is not None:
            self.count -= 1
            return True
        return self.fault.share is None or self._random.random() < self.fault.share


async def linger(request: Request, seconds: float) -> None:
    """Wait before answering, until the client disconnects at the latest (its body has been read)."""
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
