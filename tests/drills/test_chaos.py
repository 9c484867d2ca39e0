"""The drill itself, without its programs: what it draws, and how it is asked."""

from datetime import UTC, datetime, timedelta

import pytest

from drills.builds import NEWER, WITHOUT
from drills.chaos import main
from drills.stories import Story, Window, stories
from tests.support.places import ROOT
from workflows.registry import PROCESSES

BEGINS = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
WINDOW = Window(BEGINS, BEGINS + timedelta(minutes=10))
NAMES = [name for name in PROCESSES if name != "douyin_reship"]


def drawn(seed: int = 1, each: int = 2) -> list[Story]:
    return list(stories(seed, NAMES * each, WINDOW))


def test_a_seed_draws_the_same_stories_of_all_processes_again() -> None:
    first = drawn()
    assert first == drawn()
    assert {story.process.name for story in first} == set(NAMES)
    assert first != drawn(seed=2)
    assert sum(len(story.due) for story in first) >= len(NAMES), "clocks run out while programs are killed"
    assert any(story.again for story in first)
    assert any(story.decided for story in first)


def test_cases_of_a_drill_share_no_order_and_no_parcel() -> None:
    orders = [story.facts["order_id"] for story in drawn() if "order_id" in story.facts]
    assert len(orders) == len(set(orders))


@pytest.mark.parametrize("safeguard", WITHOUT)
def test_the_line_that_switches_a_safeguard_off_is_still_there_once(safeguard: str) -> None:
    for file, texts in {**WITHOUT[safeguard], **NEWER}.items():
        source = (ROOT / file).read_text(encoding="utf-8")
        assert all(source.count(text) == 1 for text in texts)


@pytest.mark.parametrize("wrong", [["--cases", "1"], ["--minutes", "0"], ["--without", "luck"], ["--events", "-1"]])
def test_bad_input_is_one_clear_error(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err
