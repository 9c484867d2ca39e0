"""A ledger in memory, for simulation and tests."""

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

from aftersales.ledger.once_an_order import TakenBack, undone_by
from cases.ledger import (
    LONG_ENDED,
    CaseOutcome,
    CaseRecord,
    Ending,
    KnownCase,
    LedgerEntry,
    NumberUse,
    OpenedCase,
    ToldFact,
    Undone,
)
from cases.models import whole_seconds


class InMemoryLedger:
    """A ledger that lives as long as the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._one_at_a_time = threading.Lock()
        self._records: dict[str, CaseRecord] = {}
        self._entries: dict[str, LedgerEntry] = {}
        self._known: dict[str, KnownCase] = {}
        self._opened: dict[str, OpenedCase] = {}
        self._told: dict[str, ToldFact] = {}
        self._numbers: dict[tuple[str, str, str], NumberUse] = {}

    def opened(self, cases: Sequence[OpenedCase]) -> None:
        """Store that cases were opened; one known before does not change."""
        with self._one_at_a_time:
            for case in cases:
                self._opened.setdefault(case.case_id, case)
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
        self._opened[record.case_id] = OpenedCase(**record.model_dump(include=set(OpenedCase.model_fields)))
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

    def cases_of_order(self, shop_id: str, order: str) -> list[KnownCase]:
        """Return the cases about an order, of all processes, in the order in which they were opened."""
        with self._one_at_a_time:
            about = [case for case in self._opened.values() if (case.shop_id, case.order) == (shop_id, order)]
            known = [self._known[case.case_id] for case in about]
        return sorted(known, key=lambda case: (case.opened_at, case.case_id))

    def tell(self, fact: ToldFact) -> list[str]:
        """Store a fact that a case tells others, and return the cases that it concerns, except the one that tells.

        Those that ended long before it are left out.
        """
        with self._one_at_a_time:
            self._told[fact.key] = fact
            return sorted(
                case.case_id
                for case in self._opened.values()
                if fact.concerns(case)
                and case.case_id != fact.told_by
                and not self._ended_before(case.case_id, fact.occurred_at - LONG_ENDED)
            )

    def _ended_before(self, case_id: str, instant: datetime) -> bool:
        known = self._known[case_id]
        return known.state is not None and known.ended_at is not None and known.ended_at < instant

    def untell(self, key: str) -> None:
        """Withdraw a fact whose rule was taken back: no case that is opened later is told."""
        with self._one_at_a_time:
            self._told.pop(key, None)

    def told(self, case: OpenedCase) -> list[ToldFact]:
        """Return what concerns a case of all that cases of its process were told; oldest first."""
        with self._one_at_a_time:
            told = [fact for fact in self._told.values() if fact.concerns(case)]
        return sorted(told, key=lambda fact: (fact.occurred_at, fact.key))

    def use_number(self, use: NumberUse) -> None:
        """Store that a tracking number was used for an order; of several times the last one is kept (DS-3)."""
        with self._one_at_a_time:
            before = self._numbers.get(key := (use.shop_id, use.tracking_no, use.order))
            if before is None or before.at < use.at:
                self._numbers[key] = use

    def numbers_used(self, shop_id: str, tracking_no: str, since: datetime) -> list[NumberUse]:
        """Return for which orders of a shop a tracking number has been used since an instant, oldest first."""
        with self._one_at_a_time:
            used = [
                use
                for use in self._numbers.values()
                if (use.shop_id, use.tracking_no) == (shop_id, tracking_no) and use.at >= since
            ]
        return sorted(used, key=lambda use: (use.at, use.order))

    def entries(self) -> list[LedgerEntry]:
        """Return all entries, by key; those that another case took back are reversed."""
        with self._one_at_a_time:
            return [self._settled(self._entries[key]) for key in sorted(self._entries)]

    def _settled(self, entry: LedgerEntry) -> LedgerEntry:
        if entry.status == "reversed" or not entry.once_an_order:
            return entry
        by = undone_by(entry.at, self._taken_back(entry))
        return entry.model_copy(update={"status": "reversed"}) if by else entry

    def _taken_back(self, entry: LedgerEntry) -> Iterable[TakenBack]:
        return (
            TakenBack(undone.at, record.case_id, undone.begun_in is not None)
            for record in self._records.values()
            for undone in record.undone
            if record.shop_id == entry.shop_id and entry.clause in undone.clauses and self._is_about(undone, entry)
        )

    def _is_about(self, undone: Undone, entry: LedgerEntry) -> bool:
        period = undone.begun_in
        if period is None:
            return undone.order == entry.about
        about = (entry.shop_id, entry.about)
        return any((case.shop_id, case.order) == about and period.includes(case) for case in self._opened.values())

    def outcomes(self) -> list[CaseOutcome]:
        """Return all outcomes, by case."""
        records = (self._records[case_id] for case_id in sorted(self._records))
        return [record.outcome for record in records if record.outcome is not None]
