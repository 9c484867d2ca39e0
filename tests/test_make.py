"""``make run`` as people use it: everything starts, Ctrl-C stops it, the next start continues with the same cases."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from aftersales.cli.main import app
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.embedded import Embedded, settings_of, surroundings
from tests.support.programs.programs import ROOT, free_port

SAMPLES = [f"douyin_reship/730100000000000000{number}" for number in (1, 2, 3)]
APPLICATION = ("sandbox", "--apply", "--form", "shop_id=1001", "--form", "reason=other", "--form", "amount=9.90")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which make finds everything installed."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    for name, runs in (("aftersales", "-m aftersales.cli.main"), ("pip", "-m pip")):
        program = venv / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {runs} "$@"\n')
        program.chmod(0o755)
    (venv / ".run").touch()
    return venv


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return settings_of(tmp_path / "data") | {"AFTERSALES_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"}


@pytest.fixture
def make_run(installed: Path, environment: dict[str, str]) -> Iterator[Callable[[], Embedded]]:
    started: list[Embedded] = []

    def start() -> Embedded:
        started.append(Embedded(environment, ("make", "run", f"VENV={installed}")))
        return started[-1]

    yield start
    for embedded in started:
        embedded.interrupt()


def aftersales(embedded: Embedded, *arguments: str) -> Any:
    """Return what a command prints that runs in this process with the settings of the run."""
    others: dict[str, str | None] = {name: None for name in os.environ if name.startswith(("AFTERSALES_", "TEMPORAL_"))}
    of_the_run = {"TEMPORAL_ADDRESS": embedded.address, "TEMPORAL_CONFIG_FILE": os.devnull, **embedded.environment}
    result = CliRunner().invoke(app, [*arguments, "--json"], env={**others, **of_the_run})
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)


def wait_until_equal(look: Callable[[], Any], expected: Any) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while (seen := look()) != expected:
        assert time.monotonic() < until, seen
        time.sleep(0.1)


def record(embedded: Embedded, case: str) -> Any:
    """Return the platform's record of a case."""
    return aftersales(embedded, "sandbox", case.partition("/")[2])


def processes_of(data_dir: str) -> list[str]:
    """Return the command lines of the processes that name a data folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        if data_dir in line:
            lines.append(line)
    return lines


def is_free(port: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_make_run_starts_stops_and_continues(make_run: Callable[[], Embedded], environment: dict[str, str]) -> None:
    first = make_run().ready()
    greeting = "\n".join(first.printed)
    assert f"Web UI: http://127.0.0.1:{environment['AFTERSALES_UI_PORT']}/" in greeting
    assert f"gateway: http://127.0.0.1:{environment['AFTERSALES_GATEWAY_PORT']}/healthz" in greeting
    assert f" act {SAMPLES[0]} agree\n" in greeting
    ready = httpx2.get(f"http://{environment['AFTERSALES_METRICS_ADDRESS']}/readyz", timeout=PATIENCE_SECONDS)
    parts = dict.fromkeys(("temporal", "pollers", "inbox", "ledger"), "ok")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, **parts})
    assert " sandbox\n" in greeting
    (samples,) = [line for line in first.printed if line.startswith("sample cases: ")]
    assert set(SAMPLES) <= set(samples.removeprefix("sample cases: ").split(", "))
    assert len(processes_of(environment["AFTERSALES_DATA_DIR"])) == 1, "the server; all else is one process"
    for case_id in SAMPLES:
        assert aftersales(first, "show", case_id)["status"] == "open", "there as soon as they are named"
    shown = aftersales(first, "show", SAMPLES[2])["policy"]["default_decision"]
    assert (shown["value"], shown["provenance"]) == ("agree", "set"), "opened from its file, not by the message"
    assert record(first, SAMPLES[0])["status"] == 6
    aftersales(first, "act", SAMPLES[0], "agree")
    wait_until_equal(lambda: record(first, SAMPLES[0])["status"], 8)
    applied = aftersales(first, *APPLICATION)["after_sale_id"]
    wait_until_equal(
        lambda: f"douyin_reship/{applied}" in {row["case_id"] for row in aftersales(first, "list")}, expected=True
    )
    first.interrupt()
    assert first.printed[-2:] == ["stopping ...", "stopped"]
    assert processes_of(environment["AFTERSALES_DATA_DIR"]) == []
    assert [port for name, port in environment.items() if name.endswith("_PORT") and not is_free(port)] == []

    second = make_run().ready()
    assert aftersales(second, "show", SAMPLES[0])["state"] == ["awaiting_shipment"]
    assert aftersales(second, "show", SAMPLES[1])["state"] == ["awaiting_merchant"]
    rows = {row["case_id"]: row["status"] for row in aftersales(second, "list")}
    assert rows | dict.fromkeys(SAMPLES, "running") == rows
    assert record(second, SAMPLES[0])["status"] == 8, "nobody applied a second time"
    second.process.send_signal(signal.SIGTERM)
    second.end()
    assert second.printed[-2:] == ["stopping ...", "stopped"]
    assert processes_of(environment["AFTERSALES_DATA_DIR"]) == []


def refused(embedded: Embedded) -> str:
    """Return the line with which a start was refused."""
    assert embedded.end() == 2
    (line,) = embedded.printed
    assert line.startswith("aftersales: ")
    return line


def test_a_second_run_on_the_same_data_is_refused_and_a_dead_server_is_reported(environment: dict[str, str]) -> None:
    first = Embedded(environment)
    try:
        first.ready()
        data_dir = environment["AFTERSALES_DATA_DIR"]
        line = refused(Embedded(settings_of(Path(data_dir))))
        assert data_dir in line
        assert "AFTERSALES_DATA_DIR" in line
        assert aftersales(first, "list") == [], "nobody asked for samples, and the first run goes on"
        (server,) = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if data_dir in path.read_bytes().decode(errors="replace")
        ]
        os.kill(server, signal.SIGKILL)
        assert first.end() == 2
    finally:
        first.interrupt()
    assert "the Temporal server ended by itself" in first.printed[-1]
    assert "temporal.log" in first.printed[-1]


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
    assert [name for name in ("make run", "make test", "make check", "make clean") if name not in done.stdout] == []


def test_another_interpreter_gets_an_environment_of_its_own(tmp_path: Path) -> None:
    fake_python(tmp_path, 'case "$*" in *print*) echo 3.11;; esac')
    path = f"{tmp_path}:{os.environ['PATH']}"
    other = fake_python(tmp_path, 'case "$*" in *print*) echo 3.13;; esac', "python3.13")

    assert make("-n", "test", f"PYTHON={other}", PATH=path).stdout.splitlines()[-1].startswith(".venv-3.13/bin/pytest")
    assert make("-n", "test", "PYTHON=python3", PATH=path).stdout.splitlines()[-1].startswith(".venv/bin/pytest")
    assert make("-n", "test", PATH=path).stdout.splitlines()[-1].startswith(".venv/bin/pytest")


def test_the_interpreter_that_runs_the_tests_is_not_that_of_another_make(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = make("-n", "test").stdout
    monkeypatch.setenv("PYTHON", "python-of-the-tests")

    assert make("-n", "test").stdout == usual


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with `.ci/run`, a `make` that only says how it was called, and 3.11 in its environment."""
    checkout = tmp_path / "checkout"
    for folder in (".ci", ".venv/bin", "programs"):
        (checkout / folder).mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci")
    fake_python(checkout / ".venv" / "bin", "echo 3.11", "python")
    fake_python(checkout / "programs", 'echo "make $*"', "make")
    for name in ("chromium", "chromium-browser", "google-chrome", "python3"):
        fake_python(checkout / "programs", "exit 0", name)
    for name in ("python3.11", "python3.12", "python3.13", "pyenv"):
        fake_python(checkout / "programs", "exit 127", name)
    return checkout


def ci(checkout: Path) -> list[str]:
    path = f"{checkout / 'programs'}:{os.defpath}"
    done = subprocess.run(
        [checkout / ".ci" / "run"], env=surroundings(PATH=path), capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_ci_runs_everything_on_one_python_and_ends_with_the_whole_suite(checkout: Path) -> None:
    assert ci(checkout) == [
        "make lint types bandit",
        "Python 3.12: not on this machine",
        "Python 3.13: not on this machine",
        "make test",
        "make durability",
    ]


def test_ci_runs_the_short_subset_on_every_other_python_of_the_path_and_of_pyenv(checkout: Path) -> None:
    on_path = fake_python(checkout / "programs", "exit 0", "python3.12")
    (checkout / "3.13.0" / "bin").mkdir(parents=True)
    by_pyenv = fake_python(checkout / "3.13.0" / "bin", "exit 0", "python")
    body = f'case "$*" in "versions --bare") printf "3.1.3\\n3.13.0\\n";; *) echo "{checkout}/$2";; esac'
    fake_python(checkout / "programs", body, "pyenv")

    printed = ci(checkout)

    assert [line for line in printed if line.startswith("make")] == [
        "make lint types bandit",
        f"make smoke PYTHON={on_path}",
        f"make smoke PYTHON={by_pyenv}",
        "make test",
        "make durability",
    ]
