"""How long a worker stood still while Python searched for garbage."""

import gc
import time
from typing import Final

LONG_SECONDS: Final = 0.1
"""From when on a search holds decisions up."""


class Pauses:
    """The searches of this process since it was made, among the newest objects and among all."""

    def __init__(self) -> None:
        self._began, self._everywhere = 0.0, 0
        self._long: list[float] = []
        gc.callbacks.append(self._note)

    def _note(self, phase: str, search: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.add(search["generation"], time.perf_counter() - self._began)

    def add(self, generation: int, seconds: float) -> None:
        """Note a search of one of Python's three generations, of which the last has all objects."""
        self._everywhere += generation == 2  # noqa: PLR2004 - the last one
        if seconds >= LONG_SECONDS:
            self._long.append(seconds)

    def __str__(self) -> str:
        """Say how many there were, and how long they took."""
        longest, together = max(self._long, default=0.0), sum(self._long)
        return (
            f"searched all objects for garbage {self._everywhere} times; searches of over {LONG_SECONDS:g} s: "
            f"{len(self._long)}, longest {longest:.2f} s, together {together:.2f} s"
        )
