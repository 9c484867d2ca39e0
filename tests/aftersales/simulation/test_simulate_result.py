"""The output of ``simulate``, and when it ends."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aftersales.files.documents import read_document
from tests.support.places import EXAMPLES
from tests.support.rules.playing import DAY, HOUR, LOOKED_AT, Perform, Play, act, expect, refuse, report, ship

SCENARIOS = sorted((EXAMPLES / "scenarios").glob("*.yaml"))
EXAMPLES_PLAYED = [path for path in SCENARIOS if path.stem not in LOOKED_AT]


def test_what_other_tests_look_at_are_examples() -> None:
    assert set(LOOKED_AT) <= {path.stem for path in SCENARIOS}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_an_example_says_how_it_ends(path: Path) -> None:
    last = read_document(path).data["steps"][-1]
    assert (bool(last["expect"]["state"]), last["expect"]["status"]) == (True, "closed")


@pytest.mark.parametrize("path", EXAMPLES_PLAYED, ids=lambda path: path.stem)
async def test_an_example_holds_what_it_expects(perform: Perform, path: Path) -> None:
    played = await perform(read_document(path).data)
    assert (played.failed, played.status) == ([], "closed")


SHAPE: dict[str, dict[str, type | tuple[type, ...]]] = {
    "timeline": {"at": int, "rule": str, "by": str, "from": list, "to": list, "clause": str, "order": type(None)},
    "refused": {"at": int, "rule": str, "error": str},
    "ignored": {"at": int, "rule": str, "message_id": (str, type(None)), "why": str},
    "effects": {"at": int, "effect": str, "status": str},
    "ledger": {"clause": str, "amount": (str, type(None)), "points": type(None), "status": str, "order": type(None)},
    "reminders": {"at": int, "deadline": int},
}


KEYS = [*list(SHAPE)[:-1], "decisions", "taken_back", "reminders"]


def wrong(rows: list[dict[str, Any]], fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        row
        for row in rows
        if list(row) != list(fields) or not all(isinstance(row[name], kind) for name, kind in fields.items())
    ]


async def test_the_result_has_these_fields_and_no_others(play: Play) -> None:
    played = await play(
        act("1h", "mark_out_of_stock"),
        ship("2h"),
        act("3h", "agree"),
        report("4h", "lapse"),
        report("98h", "withdraw", "m1"),
        report("101h", "sign", "m2"),
        reason="other",
        reminded=True,
        platform={"console": "wait"},
    )
    result = played.result
    assert list(result) == ["process", "case_id", "status", "state", *KEYS, "history"]
    assert {name: wrong(result[name], fields) for name, fields in SHAPE.items()} == {name: [] for name in SHAPE}
    assert all(result[name] for name in SHAPE), "every list has a row to look at"
    assert {effect["status"] for effect in result["effects"]} == {"done"}  # the end withdrew the task
    assert result["case_id"].startswith("douyin_reship/")
    assert (result["process"], result["state"]) == ("douyin_reship", ["withdrawn"])
    assert sorted(result["history"]) == ["bytes", "events"]
    assert all(isinstance(size, int) and size > 5 for size in result["history"].values())


async def test_the_history_counts_nothing_that_only_simulation_adds(play: Play) -> None:
    looks = (expect(f"{hour}h", "awaiting_shipment") for hour in range(2, 8))
    once, often = await asyncio.gather(
        play(act("1h", "agree"), until="20h"), play(act("1h", "agree"), *looks, until="20h")
    )
    assert often.failed == []
    assert once.result["history"]["events"] == often.result["history"]["events"]


async def test_opened_at_lets_a_scenario_speak_in_absolute_instants(play: Play) -> None:
    played = await play(
        report("1h", None, "m1", deadline="2026-01-07T10:00:00+08:00"),
        opened_at="2026-01-05T09:00:00+08:00",
        applied_at="2026-01-05T08:00:00+08:00",
        received_at="2026-01-02T01:00:00Z",
        until="50h",
    )
    assert played.fired == [(49 * HOUR, "auto_agree")]


async def test_until_ends_it_there(play: Play) -> None:
    before, at, after = await asyncio.gather(*(play(until=until) for until in ("47h59m59s", "48h", "5d")))
    assert (before.state, before.status, before.fired) == ("awaiting_merchant", "open", [])
    assert (at.state, at.status) == ("awaiting_shipment", "open")
    assert (after.state, after.status) == ("refunded", "closed")


async def test_without_it_a_case_lives_until_it_closes(play: Play) -> None:
    played = await play(act("0s", "agree"), ship("1h"))
    assert (played.status, played.fired[-1]) == ("closed", (10 * DAY + HOUR, "auto_complete"))


async def test_or_until_nothing_more_can_happen_by_itself(play: Play) -> None:
    arbitration, given_up = await asyncio.gather(play(refuse("1h")), play(platform={"fail": {"settle": "business"}}))
    assert (arbitration.state, arbitration.status) == ("arbitration", "open")
    assert (given_up.state, given_up.status) == ("awaiting_merchant", "open")


async def test_a_closed_case_shows_its_final_state_and_asks_nobody_any_more(play: Play) -> None:
    steps = (act("1h", "mark_out_of_stock"), report("2h", "withdraw", "m1"), expect("5d", "withdrawn"))
    played = await play(*steps, platform={"console": "wait"})
    assert (played.failed, played.state) == ([], "withdrawn")
    assert played.effects == []


async def test_what_did_not_hold_names_line_expected_and_found(play: Play) -> None:
    wanted = {"at": "1h", "expect": {"state": ["refused", "overdue"], "status": "closed"}}
    played = await play(act("1h", "agree"), wanted, expect("2h", "awaiting_shipment"), until="3h")
    failed = [line.partition(":")[2] for line in played.failed]
    line = failed[0].partition(":")[0]
    assert failed == [
        f"{line}: expected state overdue, refused, found awaiting_shipment",
        f"{line}: expected status closed, found open",
    ]
    assert int(line) > 10
