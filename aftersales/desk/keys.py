"""The keys of actions: a letter each, made from the names of the chart's rules."""

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Final

from workflows.engine.view import ActionView

OWN_KEYS: Final = frozenset("jk")
"""The letters that move through the list."""


def key_of(action: ActionView, actions: Sequence[ActionView]) -> str | None:
    """Return the letter of one of a case's actions: the first of its rule's name, unless an action before has it.

    Actions come in the chart's order, so that an agreement keeps A though a later rule begins with the same letter.
    What only records a fact has no letter, nor has a rule that is open for several orders.
    """
    letter = action.rule[:1].lower()
    if action.record or letter in OWN_KEYS or letter not in ascii_lowercase:
        return None
    same = [other for other in actions if not other.record and other.rule[:1].lower() == letter]
    alone = [other.rule for other in same].count(action.rule) == 1
    return letter.upper() if alone and same[0] == action else None
