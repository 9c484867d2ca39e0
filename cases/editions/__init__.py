"""The editions of the figures: every process's figures under the date from which new cases are opened with them (G-9).

A case carries the name of its edition and what its shop has set, not the figures themselves.  So an edition is never
changed or deleted; ``make edition`` writes the next one.
"""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from cases.errors import BadForm

UNRELEASED = "unreleased"
"""Stands for the figures of the code where no edition has them; only while they are being worked on."""


def _read() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    files = sorted(file.name for file in resources.files(__name__).iterdir() if file.name.endswith(".json"))
    folder = resources.files(__name__)
    return {name.removesuffix(".json"): json.loads((folder / name).read_text(encoding="utf-8")) for name in files}


EDITIONS = _read()
"""Edition, process, figure: the oldest first.  Read once, when the program starts."""
NEWEST = max(EDITIONS, default=UNRELEASED)


def in_force(process: str, figures: Mapping[str, Any]) -> str:
    """Return the edition with which cases of a process are opened: the newest, if those are the figures in it."""
    return NEWEST if EDITIONS.get(NEWEST, {}).get(process) == figures else UNRELEASED


def figures_of(process: str, edition: str) -> Mapping[str, Any]:
    """Return the figures of a process in an edition; raises BadForm if there is no such edition.

    A figure that is younger than the edition counts as in the first edition that has it.
    """
    if edition == UNRELEASED:
        return {}
    if edition not in EDITIONS:
        raise BadForm(f"edition: 没有这一版参数 / no such edition of the figures: {edition!r}", ("edition",))
    figures: dict[str, Any] = {}
    for name, processes in EDITIONS.items():
        if name >= edition:
            figures = {**processes.get(process, {}), **figures}
    return figures


def before(edition: str) -> str:
    """Return the last edition before one that a chart names; an empty name, older than all, if there is none."""
    return max((name for name in EDITIONS if name < edition), default="")
