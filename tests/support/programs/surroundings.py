"""The environment of a test process, without the user's settings and without data from the checkout."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.places import ROOT

OURS = ("AFTERSALES_", "TEMPORAL_")
DATA = "AFTERSALES_DATA_DIR"
LEFT_BY_RUNS = str(ROOT / ".aftersales")
WATCHED = {"open", "sqlite3.connect", "os.mkdir", "os.rename", "os.remove"}

touched: list[str] = []
"""Every path below the checkout's own data folder that this process has used."""


def settings_of_a_test_process() -> dict[str, str]:
    """Return the variables that keep this process, and every program that it starts, out of the checkout's data."""
    return {DATA: tempfile.mkdtemp(prefix="aftersales-tests-"), "TEMPORAL_CONFIG_FILE": os.devnull}


def without_ours(environment: dict[str, str], *prefixes: str) -> dict[str, str]:
    """Return an environment without any setting of ours or Temporal's, save the data folder of this test process."""
    kept = {name: value for name, value in environment.items() if not name.startswith((*OURS, *prefixes))}
    own = {DATA: os.environ[DATA]} if DATA in os.environ else {}
    return {**kept, "TEMPORAL_CONFIG_FILE": os.devnull, **own}


def watch() -> None:
    """Record from now on whatever this process opens below the checkout's own data folder."""
    sys.addaudithook(_look)


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in WATCHED or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    name = os.fsdecode(arguments[0])
    if ".aftersales" in name:
        path = os.path.normpath(Path.cwd() / name.removeprefix("file:").partition("?")[0])
        if path == LEFT_BY_RUNS or path.startswith(LEFT_BY_RUNS + os.sep):
            touched.append(path)
