"""Looking for what no message told us: what to look at, and what was found."""

from cases.models import Id, Instant, Strict


class CatchUpScope(Strict):
    """Whose records to look at."""

    platform: Id
    shop_id: Id


class CatchUpCall(CatchUpScope):
    """Look at what changed between two instants, both included."""

    since: Instant
    until: Instant


class CatchUp(Strict):
    """What was found: records that changed, cases opened for them, and records that could not be read or told."""

    records: int = 0
    opened: int = 0
    failed: int = 0
