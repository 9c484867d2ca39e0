"""Write the newest results into ``docs/benchmarks.md``, and draw them: ``python -m benchmarks.report``.

It needs matplotlib (the extra ``bench``).  What stands between the markers of a benchmark is replaced.
"""

import json
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.cases import AGAINST, BEST, BOOKLESS, LEAN, NAIVE, OURS, RESULTS, judged, ratios_of, spread, ways_in
from benchmarks.decisions import OPERATORS, PROMISED_MS, WayAtSize, costs_in_words, slowest_round
from benchmarks.decisions import judged as judged_decisions
from benchmarks.hold_ups import in_words

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images"
DRAWN = ("events", "worker CPU, ms", "server CPU, ms", "replay CPU, ms", "memory cached, KB", "history, KB")
COLORS = {NAIVE: "#9aa5b1", BEST: "#b8c4ce", BOOKLESS: "#7d8b99", AGAINST: "#52606d", LEAN: "#7bb8e8", OURS: "#1f6fb2"}


def newest(name: str) -> dict[str, Any] | None:
    """Return the newest results of a benchmark, None if it has not been run."""
    files = sorted(RESULTS.glob(f"{name}-*.json"))
    return json.loads(files[-1].read_text(encoding="utf-8")) if files else None


def conditions(results: dict[str, Any]) -> str:
    """Return on what machine results were taken, and when."""
    machine = results["machine"]
    sizes = ", ".join(f"{name} {size}" for name, size in results["sizes"].items())
    return f"Taken {machine['at']} UTC on {machine['cpus']} cores, load {machine['load']} at the end: {sizes}."


def of_cases(results: dict[str, Any]) -> Iterator[str]:
    """Yield the section about what a case costs."""
    found = results["found"]
    names = ways_in(found)
    yield f"| | {' | '.join(names)} | ours / {AGAINST} |"
    yield "|" + "---|" * (len(names) + 2)
    for figure, by_way in found.items():
        cells = [spread(by_way[name]) if name in by_way else "" for name in names]
        ratio = spread(ratios_of(by_way, AGAINST)) if OURS in by_way else ""
        yield f"| {figure} | {' | '.join(cells)} | {ratio} |"
    yield ""
    yield "| target | found | |"
    yield "|---|---|---|"
    for figure, against, most, ratios, met in judged(found):
        word = "met" if met else "**missed**"
        yield f"| {figure}: ours / {against} at most {most:g} | {spread(ratios)} | {word} |"
    yield ""
    burst = results["due at once"]
    yield "Cases due in the same second: " + ", ".join(f"{name} {value:,g}" for name, value in burst.items()) + "."


def of_decisions(results: dict[str, Any]) -> Iterator[str]:
    """Yield the section about decisions while many cases are open."""
    yield "| | open | decision p50, ms | p99, ms | worker CPU a case, ms | server CPU a case, ms | opening, ms |"
    yield "|---|---|---|---|---|---|---|"
    for way, sized in results["found"].items():
        for size, of in sized.items():
            spreads = (spread(of[name]) for name in ("p50_ms", "p99_ms", "worker_ms", "server_ms"))
            opening = f"{statistics.median(of['opening_ms']):,.0f}"
            yield f"| {way} | {int(size):,} | {' | '.join(spreads)} | {opening} |"
    queued = results["while queued"]
    ours = {int(size): WayAtSize(**of) for size, of in results["found"][OURS].items()}
    yield ""
    yield "| target | found | |"
    yield "|---|---|---|"
    for target, value, met in judged_decisions(ours, queued, results["costs"]):
        yield f"| {target} | {value} | {'met' if met else '**missed**'} |"
    yield ""
    yield costs_in_words(results["costs"])
    for size, of_size in ours.items():
        yield ""
        yield slowest_round(size, of_size)
    yield ""
    yield (
        f"While {queued['openings']:,} openings of a file were waiting, of which {queued['opened, /s']:g} were opened "
        f"each second: {_waits(queued)}; {in_words(queued['held up'])}."
    )
    outage = results["after an outage"]
    yield ""
    yield (
        f"With {outage['openings']:,} openings that had come while the worker was away, and were worked off in "
        f"{outage['worked off in, s']:g} s: {_waits(outage)}."
    )


def _waits(found: dict[str, float]) -> str:
    return (
        f"p50 {found['p50_ms']:,.0f} ms, p99 {found['p99_ms']:,.0f} ms, "
        f"the longest of {found['decisions']:,} decisions {found['longest_ms']:,.0f} ms"
    )


def draw_cases(results: dict[str, Any], file: Path) -> None:
    """Draw the figures of a case, each way as a multiple of the best by hand with our duties."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - an extra

    found = results["found"]
    figure, axes = plt.subplots(figsize=(9, 3.6))
    width = 0.8 / len(COLORS)
    for place, (way, color) in enumerate(COLORS.items()):
        heights = [statistics.median(found[name][way]) / statistics.median(found[name][AGAINST]) for name in DRAWN]
        axes.bar([at + place * width for at in range(len(DRAWN))], heights, width, label=way, color=color)
    axes.axhline(1, color="#323f4b", linewidth=0.8)
    axes.set_xticks([at + 0.4 - width / 2 for at in range(len(DRAWN))], DRAWN, fontsize=8)
    axes.set_ylabel(f"multiple of {AGAINST}", fontsize=8)
    axes.legend(fontsize=8, ncols=len(COLORS), frameon=False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def draw_decisions(results: dict[str, Any], file: Path) -> None:
    """Draw p50 and p99 of a decision over the number of open cases."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - an extra

    figure, axes = plt.subplots(figsize=(9, 3.6))
    for way, sized in results["found"].items():
        for name, style in (("p50_ms", ":"), ("p99_ms", "-")):
            middle = [statistics.median(of[name]) for of in sized.values()]
            label = f"{way}, {name.removesuffix('_ms')}"
            axes.plot([int(size) for size in sized], middle, style, marker="o", color=COLORS[way], label=label)
    axes.axhline(PROMISED_MS, color="#ba2525", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("open cases", fontsize=8)
    axes.set_ylabel(f"a decision of {OPERATORS} operators, ms", fontsize=8)
    axes.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def replaced(page: str, name: str, lines: list[str]) -> str:
    """Return the page with the section of a benchmark replaced; raises SystemExit if it has no markers for it."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if begin not in page or end not in page:
        raise SystemExit(f"{PAGE}: expected the markers {begin} and {end}")
    return re.sub(f"{begin}.*?{end}", lambda _: "\n".join((begin, "", *lines, "", end)), page, flags=re.DOTALL)


def main() -> None:
    """Write the page and the plots."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra
    except ImportError:
        raise SystemExit("matplotlib is missing: pip install -c constraints.txt '.[bench]'") from None
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "aftersales"
    page = PAGE.read_text(encoding="utf-8")
    written = 0
    for name, section, draw in (("cases", of_cases, draw_cases), ("decisions", of_decisions, draw_decisions)):
        results = newest(name)
        if results is None:
            print(f"no results of {name}: run python -m benchmarks.{name}", file=sys.stderr)
            continue
        image = IMAGES / f"bench-{name}.svg"
        draw(results, image)
        about = [conditions(results), "", f"![{name}](images/{image.name})", ""]
        page = replaced(page, name, [*about, *section(results)])
        written += 1
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {written} sections written")


if __name__ == "__main__":
    main()
