"""How long a worker stood still while Python looked through all that it holds."""

import gc
import time


class Pauses:
    """The pauses of this process since it was made."""

    def __init__(self) -> None:
        self._began, self._seconds = 0.0, [0.0]
        gc.callbacks.append(self._note)

    def _note(self, phase: str, look: dict[str, int]) -> None:
        if look["generation"] < 2:  # noqa: PLR2004 - the oldest of Python's three generations
            return
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self._seconds.append(time.perf_counter() - self._began)

    def __str__(self) -> str:
        """Say how many there were, and how long they took."""
        looks, longest, together = len(self._seconds) - 1, max(self._seconds), sum(self._seconds)
        return f"looked for garbage everywhere {looks} times, longest {longest:.2f} s, together {together:.2f} s"
