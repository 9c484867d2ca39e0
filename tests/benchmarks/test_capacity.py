"""The page of a cluster's capacity: what follows in it follows from its own figures."""

import pytest

from benchmarks.capacity import DERIVED, DOCUMENT, derived_figures, figures_in, price, renewed
from tests.support.places import ROOT


def test_what_follows_is_recomputed_from_the_figures_of_the_page() -> None:
    page = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
    assert ROOT / "docs" / "capacity.md" == DOCUMENT
    assert renewed(page, {}) == page, "out of date: run `python -m benchmarks.capacity`"
    assert len(DERIVED.findall(page)) == 1


def test_another_measurement_changes_what_follows() -> None:
    given = figures_in(DOCUMENT.read_text(encoding="utf-8"))
    dearer = given | {"worker CPU, ms a case": 1000}
    before, after = ({one.name: one.value for one in derived_figures(figures)} for figures in (given, dearer))
    assert after["worker cores"] > before["worker cores"]
    assert after["actions a day, millions"] == before["actions a day, millions"]


@pytest.mark.parametrize(("millions", "usd"), [(5, 250), (11.25, 525), (200, 5925), (201, 5950)])
def test_actions_are_charged_by_tiers(millions: float, usd: float) -> None:
    assert price(millions) == usd
