"""What a benchmark says of its worker's searches for garbage."""

import gc

from benchmarks.pauses import Pauses


def test_a_long_search_among_the_newest_objects_counts_though_it_is_none_of_all() -> None:
    pauses = Pauses()
    try:
        pauses.add(0, 0.099)
        pauses.add(1, 1.66)
        pauses.add(2, 0.1)
    finally:
        gc.callbacks.remove(pauses._note)
    assert str(pauses) == (
        "searched all objects for garbage 1 times; searches of over 0.1 s: 2, longest 1.66 s, together 1.76 s"
    )


def test_pythons_own_searches_are_noted() -> None:
    pauses = Pauses()
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(pauses._note)
    assert str(pauses).startswith("searched all objects for garbage 1 times; ")
