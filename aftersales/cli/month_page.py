"""A month's figures as a page that stands by itself: its plots are drawn here, and it loads nothing."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from aftersales.cli.month_tables import NOTHING, RULE_COLUMNS, WEEK_COLUMNS, cells, totals, weeks
from aftersales.ledger.month_figures import Month, ShopMonth

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .75rem; text-align: right }
th:first-child, td:first-child { text-align: left }
svg { display: block; max-width: 100%; margin: .5rem 0 1rem } text { font-size: 13px; fill: #222 }
"""
EXPECTED, BILLED = "#7a9cc6", "#c97b63"
LABELS, BARS, NUMBERS, LINE, BAR = 220, 420, 110, 24, 16
"""Widths of a plot's three columns, and heights of its lines and bars, in pixels."""

Bar = tuple[str, Decimal, str, str]
"""Label, length, what is written behind it, colour."""


def page(month: Month, shops: Sequence[ShopMonth]) -> str:
    """The whole page."""
    parts = [_shop(each) for each in shops] or [f"<p>{NOTHING}</p>"]
    return (
        '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>售后月报 {month}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>售后月报 / after-sales {month}</h1>\n{''.join(parts)}\n</body>\n</html>\n"
    )


def _shop(shop: ShopMonth) -> str:
    outcomes = [(f"{each.process} {each.label}", Decimal(each.cases), str(each.cases), EXPECTED) for each in shop.cases]
    money: list[Bar] = []
    for rule in (each for each in shop.rules if each.expected.amount or each.billed.amount):
        money += [
            (f"{rule.clause} 预计", rule.expected.amount_counted, f"¥{rule.expected.amount_counted}", EXPECTED),
            (f"{rule.clause} 已扣", rule.billed.amount, f"¥{rule.billed.amount}", BILLED),
        ]
    return "\n".join(
        [
            f"<h2>{escape(shop.shop)}</h2>",
            _table(("", ""), totals(shop)),
            "<h3>案件结果 / how cases ended</h3>",
            _plot(outcomes),
            "<h3>金额 / money by rule (CNY)</h3>",
            _plot(money),
            _table(RULE_COLUMNS, map(cells, shop.rules)),
            *(["<h3>京东周评分 / JD weekly score</h3>", _table(WEEK_COLUMNS, weeks(shop))] if shop.weeks else []),
        ]
    )


def _table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _plot(bars: Sequence[Bar]) -> str:
    """Bars beside each other, the longest as wide as there is room."""
    if not bars:
        return "<p>无 (none)</p>"
    longest = max(length for _, length, _, _ in bars) or Decimal(1)
    lines = []
    for number, (label, length, written, colour) in enumerate(bars):
        top, wide = number * LINE, float(length / longest) * BARS
        lines.append(
            f'<text x="0" y="{top + 14}">{escape(label)}</text>'
            f'<rect x="{LABELS}" y="{top + 2}" width="{wide:.1f}" height="{BAR}" fill="{colour}"/>'
            f'<text x="{LABELS + wide + 6:.1f}" y="{top + 14}">{escape(written)}</text>'
        )
    size = f'width="{LABELS + BARS + NUMBERS}" height="{len(bars) * LINE}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>{"".join(lines)}</svg>'
