"""A ledger in memory, for simulation and tests."""

from cases.ledger import CaseOutcome, LedgerEntry


class InMemoryLedger:
    """A ledger that lives as long as the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[str, LedgerEntry] = {}
        self._outcomes: dict[str, CaseOutcome] = {}

    def enter(self, entry: LedgerEntry) -> None:
        """Store an entry, unless its key exists."""
        self._entries.setdefault(entry.key, entry)

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Store an outcome, unless the case has one."""
        self._outcomes.setdefault(outcome.case_id, outcome)

    def entries(self) -> list[LedgerEntry]:
        """Return all entries, by key."""
        return [self._entries[key] for key in sorted(self._entries)]

    def outcomes(self) -> list[CaseOutcome]:
        """Return all outcomes, by case."""
        return [self._outcomes[case_id] for case_id in sorted(self._outcomes)]
