"""How often a worker looks for garbage: the cases that it keeps in memory are none, and nothing moves while it looks.

Python looks through all that a program holds once that has grown by a quarter.  A case in memory is some hundred
objects, and one that is evicted is garbage that only such a look finds.
"""

import gc
from typing import Final

OBJECTS_OF_A_CASE: Final = 400
NEW_OBJECTS: Final = 5_000
"""New objects until the newest are looked through."""
LOOKS: Final = 10
"""Looks at the newest until those that are a little older are looked through, too."""


def collect_rarely(cached_cases: int) -> None:
    """Let this program look through all its objects once half of its ``cached_cases`` have been replaced.

    It then holds at most half as many again.  To be called once the worker has started: what the program has loaded
    until then stays, and is not looked through again.
    """
    gc.collect()
    gc.freeze()
    looks = cached_cases * OBJECTS_OF_A_CASE // 2 // (NEW_OBJECTS * LOOKS)
    gc.set_threshold(NEW_OBJECTS, LOOKS, max(1, looks - 1))
