"""Answers that take long: the last ones are kept, and whoever asks while the same is being asked shares one."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class KeptAnswers(Generic[Key, Answer]):
    """The last answers, at most ``most`` of them, and what is being asked."""

    def __init__(self, most: int) -> None:
        """Keep nothing yet."""
        self._most = most
        self._kept: OrderedDict[Key, Answer] = OrderedDict()
        self._asking: dict[Key, asyncio.Task[Answer]] = {}

    def last(self, key: Key) -> Answer | None:
        """Return the last answer, None if there is none."""
        return self._kept.get(key)

    def ask(self, key: Key, question: Callable[[], Coroutine[Any, Any, Answer]]) -> asyncio.Task[Answer]:
        """Ask, unless that is being done; whoever waits for it shields it, as others may wait, too."""
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._answered(key, question))
            asking.add_done_callback(partial(self._ended, key))
        return asking

    async def _answered(self, key: Key, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        answer = self._kept[key] = await question()
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return answer

    def _ended(self, key: Key, asking: asyncio.Task[Answer]) -> None:
        del self._asking[key]
        if not asking.cancelled():
            asking.exception()  # told to those who waited; whoever was shown an old answer asks again
