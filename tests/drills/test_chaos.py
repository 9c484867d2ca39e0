"""The drill itself, without its programs: what it draws, what it would notice, and how it is asked."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drills.builds import NEWER, WITHOUT
from drills.chaos import main
from drills.checks import a_moment_off, story_wrong
from drills.reships import JOURNEYS, reships
from drills.stories import Story, Window, stories
from tests.support.places import ROOT
from workflows.engine.view import view
from workflows.registry import PROCESSES

BEGINS = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
WINDOW = Window(BEGINS, BEGINS + timedelta(minutes=10))
AFTER = WINDOW.ends + timedelta(minutes=1)
NAMES = [name for name in PROCESSES if name != "douyin_reship"]


def drawn(seed: int = 1, each: int = 2) -> list[Story]:
    return list(stories(seed, NAMES * each, WINDOW))


def seen(story: Story) -> dict[str, Any]:
    machine = story.calm(WINDOW.begins, AFTER, ())
    return view(machine, AFTER).model_dump(mode="json")


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


def test_the_calm_run_itself_is_not_wrong() -> None:
    for story in drawn():
        assert story_wrong(story, WINDOW.begins, seen(story), (), AFTER) == []


def _lose_a_rule(there: dict[str, Any]) -> None:
    there["timeline"].pop()


def _double_a_rule(there: dict[str, Any]) -> None:
    there["timeline"].append(there["timeline"][-1])


def _move_a_clock(there: dict[str, Any]) -> None:
    there["timeline"][0]["at"] = (BEGINS + timedelta(seconds=3)).isoformat()


def _move_the_state(there: dict[str, Any]) -> None:
    there["state"] = ["elsewhere"]


def _skip_a_clock(there: dict[str, Any]) -> None:
    there["deadlines"] = [{"rule": "a clock", "due": BEGINS.isoformat()}]


def _double_an_effect(there: dict[str, Any]) -> None:
    there["effects"].append({"effect": "call", "rule": "a rule", "order": None, "why": None})


@pytest.mark.parametrize(
    "fault", [_lose_a_rule, _double_a_rule, _move_a_clock, _move_the_state, _skip_a_clock, _double_an_effect]
)
def test_what_is_lost_doubled_or_skipped_is_noticed(fault: Any) -> None:
    story = next(story for story in drawn() if len(seen(story)["timeline"]) > 1)
    there = deepcopy(seen(story))
    fault(there)
    assert story_wrong(story, WINDOW.begins, there, (), AFTER) != []


def test_a_booking_that_is_lost_or_doubled_is_noticed() -> None:
    story = next(story for story in drawn(each=6) if seen(story)["ledger"])
    for change in ([], seen(story)["ledger"] * 2):
        assert story_wrong(story, WINDOW.begins, {**seen(story), "ledger": change}, (), AFTER) != []


def test_what_the_platform_carried_out_twice_or_never_is_noticed() -> None:
    (reship,) = [one for one in reships(1, len(JOURNEYS), WINDOW) if one.journey.done == {"拒绝补寄": 1, "提交凭证": 2}]
    lines = [{"role": "商家", "action": action} for action in ("拒绝补寄", "提交凭证", "提交凭证")]
    assert reship.wrong({"log": lines}) == []
    assert reship.wrong({"log": [*lines, lines[-1]]}) == ["提交凭证: 3 times instead of 2"]
    assert reship.wrong({"log": lines[1:]}) == ["拒绝补寄: 0 times instead of 1"]


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


@pytest.mark.parametrize(
    ("recorded", "now", "off"),
    [
        ("A/2026-11-27T00:41:45+00:00", "A/2026-11-27T00:41:46+00:00", True),
        ("A/2026-11-27T00:41:45+00:00", "B/2026-11-27T00:41:46+00:00", False),
        ("A/2026-11-27T00:41:45+00:00", "A/2026-11-27T00:42:46+00:00", False),
        ("agree", "refuse", False),
    ],
)
def test_only_an_instant_that_is_a_moment_later_is_no_change_of_a_history(
    recorded: str, now: str, *, off: bool
) -> None:
    assert a_moment_off(f"event 10: [0].key: recorded '{recorded}', now '{now}'") is off
    assert not a_moment_off("does not replay: TMPRL1100")
