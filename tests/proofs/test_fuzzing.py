"""Fuzzing: what was found once stays mended, and a fault that is planted is found and made small."""

from pathlib import Path

import pytest
from hypothesis import strategies as st

from cases.errors import BadForm
from proofs import fuzz as command
from proofs.fuzzing import target as judged
from proofs.fuzzing.campaign import TARGETS, fuzz, keep, kept
from proofs.fuzzing.target import BadOutcome, FuzzTarget, try_input


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_for_a_target_leads_to_nothing_but_words(name: str) -> None:
    inputs = list(kept([name]))

    assert inputs
    for target, path in inputs:
        try_input(target, path.read_bytes())


def fails_for_long_ones(content: bytes) -> None:
    if len(content) > 3:
        raise KeyError(content[3])
    raise BadForm("short: 太短 / expected more")


def test_a_planted_fault_is_found_made_small_and_kept(tmp_path: Path) -> None:
    done = fuzz(FuzzTarget("toy", st.binary(max_size=50), fails_for_long_ones), seconds=30, first_seed=1)

    (found,) = done.found
    assert (found.content, "KeyError" in found.why) == (b"\x00" * 4, True)
    assert keep(found, tmp_path).read_bytes() == found.content


def says_nothing(_: bytes) -> None:
    raise BadForm(" ")


def cannot_be_shown(_: bytes) -> None:
    raise BadForm("a: \ud800")


@pytest.mark.parametrize(("take", "why"), [(says_nothing, "says nothing"), (cannot_be_shown, "UTF-8")])
def test_an_error_that_tells_nobody_anything_is_found(take: object, why: str) -> None:
    with pytest.raises(BadOutcome, match=why):
        try_input(FuzzTarget("toy", st.binary(), take), b"")  # type: ignore[arg-type]


def test_an_input_that_takes_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged, "MOST_CPU_SECONDS", 0.0)

    with pytest.raises(BadOutcome, match="took"):
        try_input(FuzzTarget("toy", st.binary(), lambda _: [sum(range(1000))].clear()), b"")


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan", "1e9"])
def test_a_length_of_time_that_is_none_is_refused_in_a_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([f"--minutes={text}"])

    assert ended.value.code == 2
    assert "expected minutes" in capsys.readouterr().err


def test_the_command_fuzzes_what_it_is_told_to_for_as_long_as_it_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "has", lambda _: False)

    assert command.main(["--minutes=0.005", "--target=typed", "--seed=1"]) == 0
    assert "nothing found" in capsys.readouterr().out
