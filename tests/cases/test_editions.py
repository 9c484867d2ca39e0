"""Editions of the figures: a case keeps those of its own, whatever the code says later (G-9)."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersales.authoring.edition import HOW, figures_of_the_code, main, refuse_unreleased_figures, unreleased
from cases import editions
from cases.editions import EDITIONS, NEWEST, UNRELEASED, figures_of, in_force
from cases.errors import BadForm, ProcessFault
from cases.messages import Opening
from tests.support.places import ROOT
from tests.support.processes.delays import delay_facts
from tests.support.temporal.life import facts
from workflows.engine import process as process_module
from workflows.engine.continue_as_new import next_input, open_machine
from workflows.registry import PROCESSES

RESHIP = PROCESSES["douyin_reship"]
FOLDER = ROOT / "cases" / "editions"
DIGESTS = {
    "2026-11-26": "9a6e3d0fda7732afcafb482650506628429c0b13e9e32d6aff415d364585e4d4",
    "2026-11-27": "1acbb7fcc1232292efba207b8bc435694d9a0958e1bea16b2311ab583d676290",
    "2026-11-28": "aa11739e4e01bd4b7145af4e9e06257434b5da7096652079c9b7a9d547c92000",
    "2026-11-29": "aa11739e4e01bd4b7145af4e9e06257434b5da7096652079c9b7a9d547c92000",
    "2026-11-30": "aa11739e4e01bd4b7145af4e9e06257434b5da7096652079c9b7a9d547c92000",
    "2026-12-01": "aa11739e4e01bd4b7145af4e9e06257434b5da7096652079c9b7a9d547c92000",
    "2026-12-02": "aa11739e4e01bd4b7145af4e9e06257434b5da7096652079c9b7a9d547c92000",
    "2026-12-03": "aa11739e4e01bd4b7145af4e9e06257434b5da7096652079c9b7a9d547c92000",
}
"""Open cases carry the name of their edition alone, so its file stays as it is."""


def figure(value: str, name: str = "shipping") -> dict[str, Any]:
    return {**figures_of_the_code()["douyin_reship"][name], "value": value}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put other editions in the place of the real ones; returns them, to be filled."""
    own: dict[str, Any] = {}
    monkeypatch.setattr(editions, "EDITIONS", own)
    caches = process_module._resolved, process_module._resolved_for
    for cache in caches:
        cache.cache_clear()
    yield own
    for cache in caches:
        cache.cache_clear()


def shipping(edition: str, policy: dict[str, Any] | None = None) -> timedelta:
    opened: Any = RESHIP.open_case(Opening(facts=facts("A1"), policy=policy or {}), edition)
    assert opened.edition == edition
    return opened.policy.shipping.value


def test_g_9_the_newest_edition_has_the_figures_of_the_code() -> None:
    assert EDITIONS[NEWEST] == figures_of_the_code(), f"figures were changed: {HOW}"
    assert unreleased() == []


def test_g_9_an_edition_is_never_changed() -> None:
    found = {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.glob("*.json")}

    assert found == DIGESTS, "an edition was changed, deleted, or not entered here"


def test_g_9_a_case_of_an_old_edition_keeps_its_figures(written: dict[str, Any]) -> None:
    written["2026-01-01"] = {"douyin_reship": {"shipping": figure("24h")}}
    written["2026-05-01"] = {"douyin_reship": {"shipping": figure("36h")}}

    assert shipping("2026-01-01") == timedelta(hours=24)
    assert shipping("2026-05-01") == timedelta(hours=36)
    assert shipping(UNRELEASED) == timedelta(hours=48)
    assert shipping("2026-01-01", {"shipping": "3h"}) == timedelta(hours=3)


def test_g_9_a_younger_figure_counts_as_in_the_first_edition_that_has_it(written: dict[str, Any]) -> None:
    written["2026-01-01"] = {"douyin_reship": {}}
    written["2026-05-01"] = {"douyin_reship": {"shipping": figure("24h")}}
    written["2026-09-01"] = {"douyin_reship": {"shipping": figure("36h")}}

    assert shipping("2026-01-01") == timedelta(hours=24)


def scheduled(*values: tuple[str, str]) -> dict[str, Any]:
    dated = [{"since": since, "value": value, "source": "notice", "provenance": "read"} for since, value in values]
    return {**figure(values[-1][1]), "schedule": dated}


@pytest.mark.parametrize(
    ("applied_at", "hours"),
    [
        ("2026-04-30T15:59:59Z", 24),  # the day is Shanghai's
        ("2026-04-30T16:00:00Z", 36),
    ],
)
def test_g_9_a_case_has_the_figure_in_force_when_it_begins(
    written: dict[str, Any], applied_at: str, hours: int
) -> None:
    written["2026-03-01"] = {"douyin_reship": {"shipping": scheduled(("2026-01-01", "24h"), ("2026-05-01", "36h"))}}
    opened: Any = RESHIP.open_case(Opening(facts=facts("A1", applied_at=applied_at)), "2026-03-01")

    assert opened.policy.shipping.value == timedelta(hours=hours)
    assert opened.policy.shipping.schedule == ()


def test_g_9_cases_of_one_period_share_one_policy(written: dict[str, Any]) -> None:
    written["2026-03-01"] = {"douyin_reship": {"shipping": scheduled(("2026-01-01", "24h"), ("2026-05-01", "37h"))}}
    days = ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-06-01T00:00:00Z")
    first, second, third = (
        RESHIP.open_case(Opening(facts=facts("A1", applied_at=day)), "2026-03-01").policy for day in days
    )

    assert first is second
    assert third.shipping.value == timedelta(hours=37)


@pytest.mark.parametrize(("day", "hours"), [(30, 24), (None, 36)])
def test_g_9_a_case_whose_facts_do_not_say_when_it_began_has_the_figure_of_its_opening(
    written: dict[str, Any], day: int | None, hours: int
) -> None:
    filing = {**scheduled(("2026-01-01", "24h"), ("2026-05-01", "36h")), "clause": "JD-6"}
    written["2026-03-01"] = {"jd_delay_card": {"filing": filing}}
    opened_at = day and datetime(2026, 4, day, tzinfo=UTC)
    record = delay_facts(datetime(2026, 4, 1, tzinfo=UTC), "O1")
    opened: Any = PROCESSES["jd_delay_card"].open_case(Opening(facts=record), "2026-03-01", opened_at=opened_at)

    assert opened.facts.began_at is None
    assert opened.policy.filing.value == timedelta(hours=hours)


@pytest.mark.parametrize("runs", [1, 2])
def test_g_9_a_new_run_pins_the_figure_of_the_opening_not_of_its_own_beginning(
    written: dict[str, Any], runs: int
) -> None:
    filing = {**scheduled(("2026-01-01", "24h"), ("2026-05-01", "36h")), "clause": "JD-6"}
    written["2026-03-01"] = {"jd_delay_card": {"filing": filing}}
    process, now = PROCESSES["jd_delay_card"], datetime(2026, 4, 30, 15, 59, tzinfo=UTC)
    record = {"schema": 1, "facts": delay_facts(now, "O1"), "edition": "2026-03-01", "policy": {}}
    machine = open_machine(process, "jd_delay_card/O1", (record,), now, resumed=False)
    if runs > 1:
        later = now + timedelta(days=30)
        machine = open_machine(process, machine.case_id, (next_input(machine),), later, resumed=True)

    assert machine.case.policy.filing.value == timedelta(hours=24)


def test_an_edition_that_does_not_exist_is_named() -> None:
    with pytest.raises(BadForm, match="2999-01-01"):
        figures_of("douyin_reship", "2999-01-01")


def test_g_9_figures_that_no_edition_has_are_not_taken_for_the_newest() -> None:
    figures = figures_of_the_code()["douyin_reship"]

    assert in_force("douyin_reship", figures) == NEWEST
    assert in_force("douyin_reship", {**figures, "shipping": figure("24h")}) == UNRELEASED
    assert in_force("another", figures) == UNRELEASED


def test_g_9_a_worker_refuses_to_start_with_figures_that_no_edition_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_unreleased_figures()
    monkeypatch.setitem(vars(RESHIP), "edition", UNRELEASED)

    with pytest.raises(ProcessFault, match=r"douyin_reship.*make edition"):
        refuse_unreleased_figures()


def test_make_edition_writes_nothing_while_the_figures_are_the_same(tmp_path: Path) -> None:
    assert main(tmp_path, "2026-12-01") == 0
    assert list(tmp_path.iterdir()) == []


def test_make_edition_writes_the_same_figures_again_where_that_is_asked_for(tmp_path: Path) -> None:
    assert main(tmp_path, "2026-12-01", new=True) == 0
    assert json.loads((tmp_path / "2026-12-01.json").read_text(encoding="utf-8")) == figures_of_the_code()


@pytest.mark.parametrize(("today", "name"), [("2026-12-01", "2026-12-02"), ("2026-12-02", "2026-12-02")])
def test_make_edition_never_writes_over_an_edition_nor_one_that_is_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, today: str, name: str
) -> None:
    monkeypatch.setitem(vars(RESHIP), "edition", UNRELEASED)
    (tmp_path / "2026-12-01.json").write_text("{}", encoding="utf-8")

    assert main(tmp_path, today) == 0
    assert json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) == figures_of_the_code()
    assert (tmp_path / "2026-12-01.json").read_text(encoding="utf-8") == "{}"


def test_the_cases_of_a_shop_share_one_policy() -> None:
    first, second = (RESHIP.open_case(Opening(facts=facts(own), policy={"shipping": "3h"})) for own in ("A1", "A2"))

    assert first.policy is second.policy
