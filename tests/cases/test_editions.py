"""Editions of the figures: a case keeps those of its own, whatever the code says later (G-9)."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersales.authoring.edition import HOW, figures_of_the_code, main, refuse_unreleased_figures, unreleased
from cases import editions
from cases.editions import EDITIONS, NEWEST, UNRELEASED, figures_of, in_force
from cases.errors import BadForm, ProcessFault
from cases.messages import Opening
from tests.support.life import facts
from tests.support.places import ROOT
from workflows.engine import process as process_module
from workflows.registry import PROCESSES

RESHIP = PROCESSES["douyin_reship"]
FOLDER = ROOT / "cases" / "editions"
DIGESTS = {"2026-11-26": "4c1215e2e1407cc6aa4f2369068deee18a92ccb2609cd60cb9b2adee993a9162"}
"""Open cases carry the name of their edition alone, so its file stays as it is."""


def figure(value: str, name: str = "shipping") -> dict[str, Any]:
    return {**figures_of_the_code()["douyin_reship"][name], "value": value}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put other editions in the place of the real ones; returns them, to be filled."""
    own: dict[str, Any] = {}
    monkeypatch.setattr(editions, "EDITIONS", own)
    process_module._resolved.cache_clear()
    yield own
    process_module._resolved.cache_clear()


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


def test_make_edition_writes_the_figures_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(RESHIP), "edition", UNRELEASED)

    assert main(tmp_path, "2026-12-01") == 0
    assert json.loads((tmp_path / "2026-12-01.json").read_text(encoding="utf-8")) == figures_of_the_code()
    assert main(tmp_path, "2026-12-01") == 1


def test_the_cases_of_a_shop_share_one_policy() -> None:
    first, second = (RESHIP.open_case(Opening(facts=facts(own), policy={"shipping": "3h"})) for own in ("A1", "A2"))

    assert first.policy is second.policy
