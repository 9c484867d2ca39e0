"""Work out what a cluster needs for a million cases a day: ``python -m benchmarks.capacity [--from RESULT]``.

``docs/capacity.md`` has a table of measured figures and one of chosen figures.  This command computes from them the
third table, and writes it into the page.  With ``--from RESULT`` it first replaces the measured figures by those of a
result of ``python -m benchmarks.double_11``.
"""

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[1] / "docs" / "capacity.md"
SECONDS_A_DAY, DAYS_A_MONTH = 86_400, 30
SHARDS = tuple(2**power for power in range(16))
TIERS = ((5, 50), (5, 45), (10, 40), (30, 35), (50, 30), (100, 25))
"""Millions of actions a month, and USD a million; beyond the last the price is agreed on, and counted as the last."""
GIVEN = re.compile(r"^\| (?P<name>[^|]+?) \| (?P<value>[0-9][0-9,.]*) \| (?P<source>[^|]+) \|$", re.MULTILINE)
DERIVED = re.compile(r"(?<=<!-- derived -->\n).*?(?=<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class DerivedFigure:
    """A figure that follows from others: its name, how it is worked out, in words, and its value."""

    name: str
    arithmetic: str
    value: float

    def __str__(self) -> str:
        """Format as a row of the table."""
        return f"| {self.name} | {self.arithmetic} | {written(self.value)} |"


def written(value: float) -> str:
    """Format a figure with three digits that mean something."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2  # noqa: PLR2004
    return f"{value:,.{digits}f}"


def price(millions: float) -> float:
    """Return what this many million actions a month cost, in USD."""
    left, cost = millions, 0.0
    for size, usd in TIERS:
        cost += min(left, size) * usd
        left = max(0.0, left - size)
    return cost + left * TIERS[-1][1]


def derived_figures(given: Mapping[str, float]) -> list[DerivedFigure]:
    """Return what a cluster needs, from measured and chosen figures; raises KeyError for a missing one."""
    cases, use, events = given["cases a day"], given["use of a core at the peak"], given["events a case"]
    peak = cases / SECONDS_A_DAY * given["peak, times the mean"]
    worker, server = (peak * given[f"{name} CPU, ms a case"] / 1000 / use for name in ("worker", "server"))
    workers = ceil(worker) + 1
    still_open = cases * given["days that a case is open"]
    cached = given["memory of a worker for its cache, MB"] * 1000 / given["KB a cached case"]
    in_cache = min(1.0, workers * cached / still_open)
    replays = given["times that a case is touched"] * (1 - in_cache)
    replaying = peak * replays * given["replay CPU, ms a case"] / 1000 / use
    shards = peak * events / (1000 / given["ms a database transaction"] * use)
    kept_gb = given["history, KB a case"] / 1e6
    active, retained = still_open * kept_gb, cases * given["days that histories are kept"] * kept_gb
    actions = cases * given["actions a case"] / 1e6
    storage = (active * 0.042 + retained * 0.00105) * 24 * DAYS_A_MONTH
    charged = price(DAYS_A_MONTH * actions)
    month = (charged + storage) * 1.1
    return [
        DerivedFigure("cases/s, mean", "cases a day / 86,400 s", cases / SECONDS_A_DAY),
        DerivedFigure("cases/s at the peak", "mean × peak", peak),
        DerivedFigure("worker cores", "cases/s at the peak × worker CPU / use", worker),
        DerivedFigure("workers without replays", "a core each: rounded up, and one that may fail", workers),
        DerivedFigure("server cores, its database included", "cases/s at the peak × server CPU / use", server),
        DerivedFigure("open cases", "cases a day × days that a case is open", still_open),
        DerivedFigure("cases that a worker caches", "memory for its cache / KB a cached case", cached),
        DerivedFigure("share of the open cases that is cached", "workers × cached / open", in_cache),
        DerivedFigure("replays a case", "times touched × (1 - share cached)", replays),
        DerivedFigure("worker cores for replays", "cases/s at the peak × replays × replay CPU / use", replaying),
        DerivedFigure(
            "workers in all", "cores with those for replays, rounded up, and one more", ceil(worker + replaying) + 1
        ),
        DerivedFigure("events/s at the peak", "cases/s at the peak × events a case", peak * events),
        DerivedFigure(
            "history shards, at least",
            "events/s at the peak / (transactions/s of a shard × use), up to a power of two",
            next(number for number in SHARDS if number >= shards),
        ),
        DerivedFigure(
            "database, GB",
            "cases a day × days open and kept × database KB a case",
            cases
            * (given["days that a case is open"] + given["days that histories are kept"])
            * given["database, KB a case"]
            / 1e6,
        ),
        DerivedFigure("actions a day, millions", "cases a day × actions a case", actions),
        DerivedFigure("actions/s at the peak", "cases/s at the peak × actions a case", peak * given["actions a case"]),
        DerivedFigure("actions, USD a month", "30 days of actions by the tiers", charged),
        DerivedFigure("open histories, GB", "open cases × history KB a case", active),
        DerivedFigure("kept histories, GB", "cases a day × days kept × history KB a case", retained),
        DerivedFigure(
            "storage, USD a month",
            "(open GB × 0.042 + kept GB × 0.00105) × 24 h × 30 days",
            storage,
        ),
        DerivedFigure(
            "Temporal Cloud, USD a month",
            "actions and storage, and 10 % for the plan",
            month,
        ),
        DerivedFigure(
            "Temporal Cloud, USD for 1,000 cases",
            "a month's price / a month's cases × 1,000",
            month / (DAYS_A_MONTH * cases) * 1000,
        ),
    ]


def measured(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the measured figures of the document from a result of the Double-11."""
    figures = result["figures"]
    processes = [figures[name] for name in ("a douyin_shipment case", "a jd_shipment case")]
    both = {name: sum(one[name] for one in processes) / len(processes) for name in processes[0]}
    phases = ("opening", "the day")
    worker, server = (sum(figures[f"{at}, {name} CPU ms a case"] for at in phases) for name in ("worker", "server"))
    return {
        "worker CPU, ms a case": worker,
        "server CPU, ms a case": server,
        "events a case": both["events"],
        "actions a case": both["actions"],
        "history, KB a case": both["history, KB"],
        "database, KB a case": figures["server's database, KB a case"],
    }


def figures_in(text: str) -> dict[str, float]:
    """Return the figures of the document's first two tables."""
    return {found["name"]: float(found["value"].replace(",", "")) for found in GIVEN.finditer(DERIVED.sub("", text))}


def renewed(text: str, newly: Mapping[str, float]) -> str:
    """Return the document with other measured figures, and with what follows from them."""

    def row(found: re.Match[str]) -> str:
        value = written(newly[found["name"]]) if found["name"] in newly else found["value"]
        return f"| {found['name']} | {value} | {found['source']} |"

    text = GIVEN.sub(row, text)
    table = ["| what | how | figure |", "|---|---|---:|", *map(str, derived_figures(figures_in(text)))]
    return DERIVED.sub("\n".join(table) + "\n", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capacity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--from", dest="result", type=Path, help="a result of the Double-11: benchmarks/results/*.json")
    asked = parser.parse_args()
    try:
        newly_measured = measured(json.loads(asked.result.read_text(encoding="utf-8"))) if asked.result else {}
    except (OSError, ValueError, KeyError, TypeError) as bad:
        parser.error(f"--from {asked.result}: expected a result of python -m benchmarks.double_11: {bad!r}")
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8"), newly_measured), encoding="utf-8")
