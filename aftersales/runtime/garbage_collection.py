"""How often a worker looks for garbage: the cases that it keeps in memory are none, and nothing moves while it looks.

Python looks through all that a program holds once that has grown by a quarter.  A case in memory is some hundred
objects, and one that is evicted is freed at once (``workflows/worker_options.py``), without such a look.
"""

import gc
from typing import Final

OBJECTS_OF_A_CASE: Final = 400
NEW_OBJECTS: Final = 5_000
"""New objects until the newest are looked through."""
LOOKS: Final = 10
"""Looks at the newest until those that are a little older are looked through, too."""


def collect_rarely(cached_cases: int) -> None:
    """Let this program look through all its objects only once they are as many more as 1.5 times ``cached_cases`` have.

    While evicted cases are freed, that is never; what is lost here and there is found before it takes up more than
    twice the cache.  To be called once the worker has started: what it has loaded until then is not looked through.
    """
    gc.collect()
    gc.freeze()
    grown = cached_cases * OBJECTS_OF_A_CASE * 3 // 2
    gc.set_threshold(NEW_OBJECTS, LOOKS, max(1, grown // (NEW_OBJECTS * LOOKS) - 2))
