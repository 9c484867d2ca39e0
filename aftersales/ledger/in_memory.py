"""A ledger in memory, for simulation and tests."""

import threading
from collections.abc import Sequence
from datetime import datetime

from cases.ledger import CaseOutcome, CaseRecord, Ending, KnownCase, LedgerEntry, OpenedCase
from cases.models import whole_seconds


class InMemoryLedger:
    """A ledger that lives as long as the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._one_at_a_time = threading.Lock()
        self._records: dict[str, CaseRecord] = {}
        self._entries: dict[str, LedgerEntry] = {}
        self._known: dict[str, KnownCase] = {}

    def opened(self, cases: Sequence[OpenedCase]) -> None:
        """Store that cases were opened; one known before does not change."""
        for case in cases:
            self._known.setdefault(case.case_id, KnownCase(case_id=case.case_id, opened_at=case.opened_at))

    def known(self, case_ids: Sequence[str]) -> dict[str, KnownCase]:
        """Return what is known of those of the cases that were ever opened (G-14)."""
        return {case_id: self._known[case_id] for case_id in case_ids if case_id in self._known}

    def record(self, record: CaseRecord) -> None:
        """Store all about a case; a record older than the stored one changes nothing."""
        with self._one_at_a_time:
            self._record(record)

    def _record(self, record: CaseRecord) -> None:
        before = self._records.get(record.case_id)
        if before is not None and before.as_of > record.as_of:
            return
        self._records[record.case_id] = record
        for entry in before.entries if before else ():
            self._entries[entry.key] = entry.model_copy(update={"status": "reversed"})
        self._entries |= {entry.key: entry.model_copy(update={"status": "expected"}) for entry in record.entries}
        self._known[record.case_id] = self._known_by(record)

    def _known_by(self, record: CaseRecord) -> KnownCase:
        known = KnownCase(case_id=record.case_id, opened_at=record.opened_at)
        before = self._known.get(record.case_id, known)
        if record.outcome is not None:
            return known.model_copy(update={"state": record.outcome.state, "ended_at": record.outcome.closed_at})
        if before.ending and before.ended_at and before.ended_at >= record.as_of:
            return known.model_copy(update={"ending": before.ending, "ended_at": before.ended_at})
        return known

    def ended(self, case_id: str, ending: Ending, at: datetime) -> bool:
        """Store that a case's workflow ended, at ``at``, without its case; return whether that is news."""
        with self._one_at_a_time:
            return self._ended(case_id, ending, whole_seconds(at))

    def _ended(self, case_id: str, ending: Ending, at: datetime) -> bool:
        known, record = self._known.get(case_id), self._records.get(case_id)
        if (record and record.as_of > at) or (known and known.ended_at and (known.state or known.ended_at > at)):
            return False
        now = KnownCase(case_id=case_id, opened_at=known.opened_at if known else at, ending=ending, ended_at=at)
        self._known[case_id] = now
        return now != known

    def revived(self, case_id: str) -> None:
        """Store that a case's workflow runs again."""
        known = self._known.get(case_id)
        if known and known.ending:
            self._known[case_id] = known.model_copy(update={"ending": None, "ended_at": None})

    def entries(self) -> list[LedgerEntry]:
        """Return all entries, by key."""
        return [self._entries[key] for key in sorted(self._entries)]

    def outcomes(self) -> list[CaseOutcome]:
        """Return all outcomes, by case."""
        records = (self._records[case_id] for case_id in sorted(self._records))
        return [record.outcome for record in records if record.outcome is not None]
