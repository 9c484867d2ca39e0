"""The ledger's list of cases, in memory."""

from collections.abc import Sequence
from datetime import datetime

from cases.errors import LedgerUnreachable
from cases.ledger import CaseOutcome, CaseRecord, Ending, KnownCase, LedgerEntry, OpenedCase


class Register:
    """A ledger that keeps only which cases were opened and how they ended; while ``away`` it does not answer."""

    def __init__(self) -> None:
        self.cases: dict[str, KnownCase] = {}
        self.entered: list[OpenedCase] = []
        self.away = False
        self.asked: list[str] = []

    def opened(self, cases: Sequence[OpenedCase]) -> None:
        self._answer()
        for case in cases:
            if case.case_id not in self.cases:
                self.entered.append(case)
                self.cases[case.case_id] = KnownCase(case_id=case.case_id, opened_at=case.opened_at)

    def known(self, case_ids: Sequence[str]) -> dict[str, KnownCase]:
        self._answer()
        self.asked += case_ids
        return {case_id: self.cases[case_id] for case_id in case_ids if case_id in self.cases}

    def ended(self, case_id: str, ending: Ending, at: datetime) -> bool:
        self._answer()
        case = self.cases[case_id]
        if case.state is not None or case.ending is not None:
            return False
        self.cases[case_id] = case.model_copy(update={"ending": ending, "ended_at": at})
        return True

    def revived(self, case_id: str) -> None:
        self._answer()
        self.cases[case_id] = self.cases[case_id].model_copy(update={"ending": None, "ended_at": None})

    def record(self, record: CaseRecord) -> None:
        self._answer()
        ended = record.outcome
        self.cases[record.case_id] = KnownCase(
            case_id=record.case_id,
            opened_at=record.opened_at,
            state=ended.state if ended else None,
            ended_at=ended.closed_at if ended else None,
        )

    def enter(self, entry: LedgerEntry) -> None:  # noqa: ARG002 - asked for by the port
        self._answer()

    def record_outcome(self, outcome: CaseOutcome) -> None:
        self._answer()
        case_id, opened_at = outcome.case_id, outcome.opened_at
        self.cases[case_id] = KnownCase(
            case_id=case_id, opened_at=opened_at, state=outcome.state, ended_at=outcome.closed_at
        )

    def _answer(self) -> None:
        if self.away:
            raise LedgerUnreachable("ledger: no answer")
