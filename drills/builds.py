"""The builds of the worker in a drill: this one and a newer one, or both without one of the three safeguards."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.places import ROOT
from tests.support.programs.newer_build import MORE, copy_of_project, newer_build

NEWER = {
    "cases/douyin_reship.py": {
        next(iter(MORE["cases/douyin_reship.py"])): next(iter(MORE["cases/douyin_reship.py"].values()))
    }
}
"""A newer build with one more figure: it writes the same histories."""
WITHOUT: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "idempotency": {
        # What the record shows as handed in is not seen: it is handed in again when an answer was lost.
        "aftersales/platforms/douyin/records.py": {'"arbitrate_evidence", "images"': '"arbitrate_evidence", "pictures"'}
    },
    "timer-rule": {
        # A query that finds a timer fired acts on it, at the time of the task before, and the timer proves nothing.
        "workflows/engine/case_time.py": {
            "        return stale\n": "        return False\n",
            "return current if self._proved is None else max(current, self._proved)": "return current",
        }
    },
    "deduplication": {
        # A message that comes twice counts twice.
        "workflows/engine/state.py": {
            "return report.message_id is None or report.message_id not in self.seen": "return True"
        }
    },
}
"""The safeguards, and what is changed in one module where each is missing."""


async def builds(folder: Path, without: str | None) -> tuple[Path, Path]:
    """Return the folders of the two builds."""
    newer = await newer_build(folder / "newer", NEWER)
    if without is None:
        return ROOT, newer
    older = copy_of_project(folder / "older", WITHOUT[without])
    for file in WITHOUT[without]:
        shutil.copy(older / file, newer / file)
    return older, newer
