"""Commands where an output cannot be written or understood: one line and a status, and never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = (sys.executable, "-m", "aftersales.cli.main")
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def ended(done: subprocess.CompletedProcess[str], words: str) -> bool:
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    return line.startswith("aftersales: ") and words in line


def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended(done, "标准输出 / standard output: 不能使用 / cannot be used: No space left on device")


def test_a_full_disk_under_the_errors_is_a_status() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "bill", "missing.csv"], stdout=full, stderr=full, check=False)
    assert done.returncode == 2


def test_a_closed_pipe_ends_a_command_without_a_word() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_closed_outputs_are_no_fault() -> None:
    close = "import os; os.close(1); os.close(2); os.execv({0!r}, [{0!r}, '-m', 'aftersales.cli.main', '--help'])"
    done = subprocess.run([sys.executable, "-c", close.format(sys.executable)], check=False)
    assert done.returncode == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    command = [*PROGRAM, "rulebook", "douyin_reship", "--write", str(taken / "books")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended(done, f"{taken / 'books'}: 不能使用 / cannot be used: Not a directory")


@pytest.mark.parametrize("options", [("--json",), ("--by-state",)])
def test_an_ascii_locale_gets_escapes(options: tuple[str, ...]) -> None:
    command = [*PROGRAM, "rulebook", "douyin_reship", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **ASCII})
    assert (done.returncode, done.stderr, done.stdout.isascii()) == (0, "", True)
    if options == ("--json",):
        labels = {rule["label"] for rule in json.loads(done.stdout)["douyin_reship"]["rules"]}
        assert "同意补寄" in labels
    else:
        assert "\\u540c\\u610f" in done.stdout
