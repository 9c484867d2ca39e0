"""``aftersales up`` as a process of its own, as people start and stop it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.programs import ROOT, free_port
from tests.support.programs.surroundings import without_ours

READY = "Ctrl-C stops everything"
UP = (sys.executable, "-m", "aftersales.cli.main", "up")

OF_MAKE = ("PYTHON", "VENV", "PYTEST_WORKERS")
"""What `make test PYTHON=...` passes on through the environment, where another make would find it."""


def surroundings(**variables: str) -> dict[str, str]:
    """Return this process's environment without any setting of the user's or of a make that runs the tests."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    return {**without_ours(kept, "MAKE", "MFLAGS"), **variables}


def settings_of(data_dir: Path, port: int | None = None, ui_port: int | None = None) -> dict[str, str]:
    """Return the variables of a run with its own data folder and ports."""
    return {
        "AFTERSALES_DATA_DIR": str(data_dir),
        "AFTERSALES_PORT": str(port or free_port()),
        "AFTERSALES_UI_PORT": str(ui_port or free_port()),
        "AFTERSALES_GATEWAY_PORT": str(free_port()),
        "AFTERSALES_SANDBOX_PORT": str(free_port()),
        "AFTERSALES_DESK_PORT": str(free_port()),
    }


class Embedded:
    """A running ``aftersales up`` in a process group of its own, as in a terminal."""

    def __init__(self, environment: dict[str, str], command: Sequence[str] = UP, cwd: Path = ROOT) -> None:
        """Start it."""
        self.environment = environment
        self.address = f"127.0.0.1:{environment['AFTERSALES_PORT']}"
        self.printed: list[str] = []
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=surroundings(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        # Read all the time: a full pipe would block the program.
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed.append(line.rstrip())
            if READY in line:
                self._ready.set()
        self._ready.set()

    def ready(self) -> "Embedded":
        """Wait until it prints that everything runs."""
        assert self._ready.wait(PATIENCE_SECONDS), f"not ready: {self.printed}"
        assert any(READY in line for line in self.printed), f"it ended instead: {self.printed}"
        return self

    def interrupt(self) -> int:
        """Interrupt its process group, as Ctrl-C does; return the exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Wait until it has ended by itself; return the exit status."""
        try:
            status = self.process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        self._reading.join(PATIENCE_SECONDS)
        if self.process.stdout and not self._reading.is_alive():
            self.process.stdout.close()
        return status
