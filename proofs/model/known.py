"""What the search has found that is not mended yet: each is a limit that the documents name and a test still finds."""

from proofs.model.world import World
from workflows.engine.reports import SKEW

ANOTHER_TAKEN_FOR_AN_ECHO = "a later report of one's own rule is taken for the confirmation of the decision before it"


def known_limit(world: World) -> str | None:
    """Return which known limit explains that a promise is broken, None if none does.

    A message of the rule of a decision that the platform has taken is its confirmation if it does not apply.  It may
    have been another one, which an earlier fact made possible that is told only afterwards: then it has been dropped.
    """
    told, truth = world.told.state, world.truth.state
    kept = {given.key for given in told.inputs}
    dropped = [given for given in truth.inputs if given.status == "applied" and given.key not in kept]
    for given in dropped:
        decided = [one for one in told.decisions if one.rule == given.rule and one.order == given.order and one.echoed]
        if any(one.ended and one.ended + SKEW < given.happened for one in decided):
            return ANOTHER_TAKEN_FOR_AN_ECHO
    return None
