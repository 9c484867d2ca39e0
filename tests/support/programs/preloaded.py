"""Python programs in processes that already have the libraries: most of what a short program costs is importing them.

A server imports them once and forks for each program; the product's own packages are imported by the program itself,
from the checkout that it runs in.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

LIBRARIES: Final = (
    "pydantic_settings",
    "rich.table",
    "sqlalchemy",
    "statemachine",
    "structlog",
    "temporalio.client",
    "temporalio.contrib.pydantic",
    "temporalio.worker",
    "typer",
    "yaml",
)


class Preloaded:
    """A server of programs: ``run`` is ``python ARGUMENTS`` in a folder whose packages it imports."""

    def __init__(self, server: subprocess.Popen[str], outputs: Path) -> None:
        self._server, self._outputs = server, outputs

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``-c CODE``, ``-m MODULE`` or a file, with arguments, and wait for its end."""
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps([str(folder), str(self._outputs), *arguments]) + "\n")
        self._server.stdin.flush()
        status = int(self._server.stdout.readline())
        out, err = ((self._outputs / name).read_text(encoding="utf-8") for name in ("out", "err"))
        return subprocess.CompletedProcess(arguments, status, out, err)


@contextmanager
def preloaded() -> Iterator[Preloaded]:
    """Start the server, outside every checkout, and end it."""
    with TemporaryDirectory() as outputs:
        command = [sys.executable, "-P", __file__]
        with subprocess.Popen(command, cwd=outputs, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            yield Preloaded(server, Path(outputs))
            server.communicate()


def _serve() -> None:
    for library in LIBRARIES:
        __import__(library)
    for line in sys.stdin:
        folder, outputs, *arguments = json.loads(line)
        child = os.fork()
        if not child:
            _become(folder, outputs, arguments)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(folder: str, outputs: str, arguments: Sequence[str]) -> None:
    import runpy  # noqa: PLC0415

    os.chdir(folder)
    for stream, name in ((0, os.devnull), (1, f"{outputs}/out"), (2, f"{outputs}/err")):
        os.dup2(os.open(name, os.O_RDONLY if stream == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    kind, *rest = arguments
    if kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(rest[0], {"__name__": "__main__"})  # noqa: S102
    elif kind == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [kind, *rest]
        runpy.run_path(kind, run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    _serve()
