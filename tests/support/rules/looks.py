"""The progress of looks at a shop's records, in memory."""

from cases.messages import CatchUp


class Looked:
    """What was looked at, and the counts."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.counts = CatchUp()

    def has_looked(self, case_id: str) -> bool:
        return case_id in self.done

    def looked(self, case_id: str, *, opened: bool | None) -> None:
        self.done.append(case_id)
        self.counts = CatchUp(
            records=self.counts.records + 1,
            opened=self.counts.opened + bool(opened),
            failed=self.counts.failed + (opened is None),
        )
