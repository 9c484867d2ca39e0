"""Tests see nothing of what runs have left in the checkout, and one that looks there fails."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aftersales.runtime.settings import load_settings
from tests.support.places import ROOT
from tests.support.programs.embedded import surroundings
from tests.support.programs.surroundings import touched

LEFT = ROOT / ".aftersales"


def connect(path: Path) -> None:
    sqlite3.connect(f"file:{path}?mode=ro", uri=True).close()


def open_relative(path: Path) -> None:
    open(path.relative_to(ROOT)).close()  # noqa: PTH123 - a relative path, as the default setting is


@pytest.mark.parametrize("use", [Path.read_bytes, connect, open_relative])
def test_a_look_into_the_checkouts_own_data_is_noticed(
    use: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with contextlib.suppress(OSError, sqlite3.OperationalError):
        use(LEFT / "nothing-of-this-name")

    used = set(touched)
    touched.clear()

    assert used
    assert {Path(path).is_relative_to(LEFT) for path in used} == {True}


def test_data_elsewhere_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".aftersales").mkdir()
    Path(".aftersales/ledger").write_text("")

    assert touched == []


def test_this_process_and_every_program_that_it_starts_keep_their_data_outside_the_checkout() -> None:
    program = "from aftersales.runtime.settings import load_settings; print(load_settings().data_dir)"
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=True
    ).stdout.strip()

    assert printed == str(load_settings().data_dir)
    assert not Path(printed).is_relative_to(ROOT)
