"""``make run`` as people use it: everything starts, Ctrl-C stops it, the next start goes on."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.embedded import UP, Embedded, settings_of, surroundings
from tests.programs import ROOT

SAMPLES = [f"douyin_reship/730100000000000000{number}" for number in (1, 2, 3)]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder that looks to make as if everything were installed in it already."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    for name, runs in (("aftersales", "-m cli.main"), ("pip", "-m pip")):
        program = venv / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {runs} "$@"\n')
        program.chmod(0o755)
    (venv / ".run").touch()
    return venv


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return settings_of(tmp_path / "data")


@pytest.fixture
def make_run(installed: Path, environment: dict[str, str]) -> Iterator[Callable[[], Embedded]]:
    started: list[Embedded] = []

    def start() -> Embedded:
        started.append(Embedded(environment, ("make", "run", f"VENV={installed}")))
        return started[-1]

    yield start
    for each in started:
        each.interrupt()


def aftersales(embedded: Embedded, *arguments: str) -> Any:
    command = [sys.executable, "-m", "cli.main", *arguments, "--json"]
    given = surroundings(TEMPORAL_ADDRESS=embedded.address)
    return json.loads(subprocess.run(command, cwd=ROOT, env=given, check=True, capture_output=True).stdout)


def processes_of(data_dir: str) -> list[str]:
    """The command lines of the processes that name a data folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if data_dir in line:
            found.append(line)
    return found


def is_free(port: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_make_run_starts_stops_and_goes_on(make_run: Callable[[], Embedded], environment: dict[str, str]) -> None:
    first = make_run().ready()
    assert f"Web UI: http://127.0.0.1:{environment['AFTERSALES_UI_PORT']}/" in "\n".join(first.printed)
    (samples,) = [line for line in first.printed if line.startswith("sample cases: ")]
    assert set(SAMPLES) <= set(samples.removeprefix("sample cases: ").split(", "))
    assert len(processes_of(environment["AFTERSALES_DATA_DIR"])) == 1
    aftersales(first, "act", SAMPLES[0], "agree")
    first.interrupt()
    assert first.printed[-2:] == ["stopping ...", "stopped"]
    assert processes_of(environment["AFTERSALES_DATA_DIR"]) == []
    assert is_free(environment["AFTERSALES_PORT"])
    assert is_free(environment["AFTERSALES_UI_PORT"])

    second = make_run().ready()
    assert aftersales(second, "show", SAMPLES[0])["state"] == ["awaiting_shipment"]
    assert aftersales(second, "show", SAMPLES[1])["state"] == ["awaiting_merchant"]
    rows = {row["case_id"]: row["status"] for row in aftersales(second, "list")}
    assert rows | dict.fromkeys(SAMPLES, "running") == rows
    second.process.send_signal(signal.SIGTERM)
    second.end()
    assert second.printed[-2:] == ["stopping ...", "stopped"]
    assert processes_of(environment["AFTERSALES_DATA_DIR"]) == []


def refused(embedded: Embedded) -> str:
    """The one line of a start that was refused."""
    assert embedded.end() == 2
    (line,) = embedded.printed
    assert line.startswith("aftersales: ")
    return line


def test_a_second_run_on_the_same_data_is_refused(environment: dict[str, str]) -> None:
    first = Embedded(environment)
    try:
        first.ready()
        other = settings_of(Path(environment["AFTERSALES_DATA_DIR"]))
        line = refused(Embedded(other))
        assert environment["AFTERSALES_DATA_DIR"] in line
        assert "AFTERSALES_DATA_DIR" in line
        assert aftersales(first, "list") == [], "nobody asked for samples"
    finally:
        assert first.interrupt() == 0
    assert first.printed[-1] == "stopped"


def test_a_server_that_dies_is_told(environment: dict[str, str]) -> None:
    embedded = Embedded(environment, (*UP, "--samples", "examples/cases")).ready()
    assert aftersales(embedded, "show", SAMPLES[0])["status"] == "open", "the worker is there"
    (server,) = [
        int(each.parent.name)
        for each in Path("/proc").glob("[0-9]*/cmdline")
        if environment["AFTERSALES_DATA_DIR"] in each.read_bytes().decode(errors="replace")
    ]
    os.kill(server, signal.SIGKILL)
    assert embedded.end() == 2
    assert "the Temporal server ended by itself" in embedded.printed[-1]
    assert "temporal.log" in embedded.printed[-1]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("make") or "make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=surroundings(**environment), capture_output=True, text=True, check=False
    )


def fake_python(folder: Path, body: str, name: str = "python3") -> str:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


def test_without_venv_and_pip_make_says_what_to_install(tmp_path: Path) -> None:
    python = fake_python(tmp_path, 'case "$*" in *ensurepip*) exit 1;; esac')
    done = make("run", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}")
    assert done.returncode != 0
    assert f"{python} has no venv module: install it" in done.stdout.splitlines()[0]
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("target", ["run", "test", "lint"])
def test_without_a_fitting_python_make_says_what_it_needs(tmp_path: Path, target: str) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        fake_python(tmp_path, "exit 1", name)
    done = make(target, f"VENV={tmp_path / 'venv'}", PATH=f"{tmp_path}:{os.defpath}")
    assert done.returncode != 0
    assert done.stdout.splitlines()[0].startswith("Python 3.11 or newer is missing: install it")


def test_make_alone_lists_its_targets() -> None:
    done = make()
    assert done.returncode == 0
    assert [each for each in ("make run", "make test", "make check", "make clean") if each not in done.stdout] == []
