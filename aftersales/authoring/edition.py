"""Editions of the figures: ``python -m aftersales.authoring.edition FOLDER`` writes the next one.

Whoever changes a figure in a chart or a case module writes an edition with it: open cases keep the one that they were
opened with (G-9).  So does whoever changes what only new cases do, such as a line that is ``new_in`` the edition.
"""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cases import editions
from cases.errors import ProcessFault
from cases.shanghai import SHANGHAI
from workflows.registry import PROCESSES

HOW = "write one with `make edition`, and commit it with the change"


def figures_of_the_code() -> dict[str, dict[str, Any]]:
    """Return the figures of every process as the code has them."""
    return {name: PROCESSES[name].case.policy_type()().model_dump(mode="json") for name in sorted(PROCESSES)}


def unreleased() -> list[str]:
    """Return the processes of which the newest edition does not have the figures of the code."""
    return [name for name, process in PROCESSES.items() if process.edition == editions.UNRELEASED]


def refuse_unreleased_figures() -> None:
    """Raise ProcessFault if cases would be opened with figures that no edition has: they would change with the code."""
    if names := unreleased():
        raise ProcessFault(
            f"{', '.join(names)}: edition {editions.NEWEST} does not have the figures of the code: {HOW}"
        )


def text_of(figures: Mapping[str, Any]) -> str:
    """Return the text of an edition's file."""
    return json.dumps(figures, ensure_ascii=False, indent=1) + "\n"


def main(folder: Path, today: str, *, new: bool = False) -> int:
    """Write the next edition if figures have changed, or if ``new``; one that exists is never written again.

    It bears the day, or the first one that is later than all editions of the ``folder``.
    """
    if not (new or unreleased()):
        print(f"edition {editions.NEWEST} has the figures of the code already")  # noqa: T201 - a command for developers
        return 0
    newest = max((file.stem for file in folder.glob("*.json")), default="")
    name = today if today > newest else f"{date.fromisoformat(newest) + timedelta(days=1)}"
    file = folder / f"{name}.json"
    file.write_text(text_of(figures_of_the_code()), encoding="utf-8")
    print(f"{file}: commit it, and enter its digest in tests/cases/test_editions.py")  # noqa: T201
    if name > today:
        print(f"{newest} is kept, as cases may have been opened with it; if none was, delete it and run this again")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), f"{datetime.now(UTC).astimezone(SHANGHAI):%Y-%m-%d}", new=sys.argv[2:] == ["yes"]))
