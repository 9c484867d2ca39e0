"""A ledger that is forgotten with the process: for simulation and tests."""

from cases.ledger import CaseOutcome, LedgerEntry


class InMemoryLedger:
    """A ledger in memory, for simulation: it is forgotten with the process."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: dict[str, LedgerEntry] = {}
        self._outcomes: dict[str, CaseOutcome] = {}

    def enter(self, entry: LedgerEntry) -> None:
        """Keep an entry once."""
        self._entries.setdefault(entry.key, entry)

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Keep an outcome once."""
        self._outcomes.setdefault(outcome.case_id, outcome)

    def entries(self) -> list[LedgerEntry]:
        """All entries, by key."""
        return [self._entries[key] for key in sorted(self._entries)]

    def outcomes(self) -> list[CaseOutcome]:
        """All outcomes, by case."""
        return [self._outcomes[case_id] for case_id in sorted(self._outcomes)]
