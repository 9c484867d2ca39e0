"""The command itself: its version, help and completion."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

import pytest
from click.testing import Result

from aftersales.cli.main import COMMANDS
from aftersales.runtime.client.decision_client import DECISION_PATIENCE
from cases.durations import format_duration
from tests.support.places import ROOT

Command = Callable[..., Result]


def test_the_version_is_that_of_the_package(aftersales: Command) -> None:
    result = aftersales("--version")
    assert (result.exit_code, result.stdout) == (0, f"aftersales {version('aftersales')}\n")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_h_is_short_for_help(aftersales: Command, command: str) -> None:
    words = [command] if command else []
    assert aftersales(*words, "-h").stdout == aftersales(*words, "--help").stdout


def test_help_lists_every_command_with_its_summary_on_one_line(aftersales: Command) -> None:
    _, _, commands = aftersales("--help").stdout.partition("Commands:\n")
    listed = re.findall(r"^  ([a-z-]+) {2,}(\S.*)$", commands, flags=re.MULTILINE)
    assert listed == [(name, source.summary) for name, source in COMMANDS.items()]


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("aftersales re", {"report", "replay", "rekey", "restore", "revive"}),
        ("aftersales --v", {"--version"}),
        ("aftersales month --", {"--month", "--shop", "--csv", "--html", "--json", "--help"}),
        ("aftersales nothing", set()),
    ],
)
def test_a_shell_completes_commands_and_options(aftersales: Command, words: str, completed: set[str]) -> None:
    last = str(len(words.split()) - 1)
    result = aftersales(_AFTERSALES_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=last)
    assert set(result.stdout.split()) == completed


def test_help_says_how_long_an_answer_is_waited_for(aftersales: Command) -> None:
    assert f"(default: {format_duration(DECISION_PATIENCE)})" in " ".join(aftersales("act", "--help").stdout.split())


FAULT = """
import aftersales.cli.main as main
main.app = lambda: int("13800138000 x")
main.main()
"""


def test_a_fault_of_the_program_says_where_it_happened_and_quotes_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", FAULT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("\nValueError\n")
    assert "13800138000" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shown_for_a_shell(aftersales: Command, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))
    result = aftersales("--show-completion")
    assert result.exit_code == 0
    assert "_AFTERSALES_COMPLETE=complete_" + shell in result.stdout
