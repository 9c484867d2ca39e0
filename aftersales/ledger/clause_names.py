"""The Chinese names of clauses under which money and points are entered: what the charts call their ledger entries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from workflows.engine.process import Process


class ClauseNames:
    """The names of clauses; a clause of which no chart knows is named as such."""

    def __init__(self, processes: Iterable[Process]) -> None:
        """Take the names from the ledger entries that the processes' charts declare."""
        losses: dict[str, dict[str, None]] = defaultdict(dict)
        income: dict[str, dict[str, None]] = defaultdict(dict)
        for process in processes:
            for effect in process.effects().values():
                if effect.is_ledger_entry and effect.clause:
                    (income if effect.income else losses)[effect.clause][effect.label] = None
        self._losses: Mapping[str, dict[str, None]] = losses
        self._income: Mapping[str, dict[str, None]] = income

    def loss(self, clause: str) -> str:
        """Return the name of what a shop loses under a clause."""
        return _joined(self._losses.get(clause) or self._income.get(clause), clause)

    def income(self, clause: str) -> str:
        """Return the name of what a shop gets under a clause."""
        return _joined(self._income.get(clause) or self._losses.get(clause), clause)


def _joined(labels: Iterable[str] | None, clause: str) -> str:
    return ";".join(labels) if labels else f"规则书以外的扣款 {clause}"
