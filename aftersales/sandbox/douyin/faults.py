"""Failure on demand of Douyin's methods: which calls fail, how, and how often."""

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
    """A failure of the next ``count`` calls, or of a ``share`` of them, or of every call where neither is given.

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
    """The failures asked for, in the order asked for; the first that applies to a call strikes it."""

    def __init__(self) -> None:
        self._asked: list[_Asked] = []

    def add(self, fault: Fault) -> None:
        """Ask for a failure."""
        self._asked.append(_Asked(fault))

    def clear(self) -> None:
        """Take every failure back."""
        self._asked.clear()

    def open(self) -> Sequence[Fault]:
        """Give those that may still strike, with the count that is left."""
        return [each.left() for each in self._asked]

    def draw(self, method: str) -> Fault | None:
        """Give the failure that strikes this call, if one does."""
        for each in self._asked:
            if each.strikes(method):
                if each.count == 0:
                    self._asked.remove(each)
                return each.fault
        return None


class _Asked:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.count = fault.count
        self._random = random.Random(fault.seed)  # noqa: S311 - failures are repeatable, not secret

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
    """Wait before answering, no longer than the client does; the request's body has been read."""
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
