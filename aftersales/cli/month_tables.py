"""A month's figures as tables for people, and as JSON and CSV for programs."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from aftersales.cli.output import print_table, say
from aftersales.files.spreadsheet import as_spreadsheet
from aftersales.ledger.month_figures import Month, RuleFigures, Share, ShopMonth

RULE_COLUMNS = (
    "条款",
    "预计笔数",
    "预计金额",
    "封顶后",
    "预计分",
    "封顶后",
    "已扣笔数",
    "已扣金额",
    "封顶后",
    "无预计",
)
WEEK_COLUMNS = ("周", "迟发单", "分")
NOTHING = "无案件结束,亦无入账 / no case ended and nothing was entered"


def _share(share: Share) -> str:
    """A share as people read it: 66.7% (2/3)."""
    return f"{share.share * 100:.1f}% ({share.many}/{share.of})" if share.share is not None else "无 (none)"


def cells(rule: RuleFigures) -> tuple[Any, ...]:
    """A rule's figures, in the order of the columns."""
    expected, billed = rule.expected, rule.billed
    return (
        rule.clause,
        expected.entries,
        expected.amount,
        expected.amount_counted,
        plain(expected.points),
        plain(expected.points_counted),
        billed.entries,
        billed.amount,
        billed.amount_counted,
        rule.unexpected,
    )


def plain(number: Decimal) -> str:
    """A number without needless zeros."""
    return f"{number.normalize():f}"


def weeks(shop: ShopMonth) -> list[tuple[Any, ...]]:
    """A shop's weeks on JD, in the order of the columns."""
    return [(f"{each.first} – {each.last}", each.late_orders, each.score) for each in shop.weeks]


def totals(shop: ShopMonth) -> tuple[tuple[str, Any], ...]:
    """What is told of a shop's cases as a whole, each with its label."""
    return (
        ("时限前决定 / decided before the deadline", _share(shop.decided_in_time)),
        ("到期时限 / clocks that ran out", shop.clocks_run_out),
        ("1688 申诉成功率 / appeals won", _share(shop.appeals_won)),
    )


def print_shop(month: Month, shop: ShopMonth) -> None:
    """Print a shop's month."""
    title = f"{shop.shop} · {month}"
    rows = [(each.process, f"{each.label} ({each.state})", each.cases) for each in shop.cases]
    print_table(f"{title} 案件 / cases", ("流程", "结果", "数量"), rows)
    print_table(f"{title} 金额与扣分 / money and points", RULE_COLUMNS, map(cells, shop.rules))
    if shop.weeks:
        print_table(f"{title} 京东周评分 / JD weekly score (JD-11)", WEEK_COLUMNS, weeks(shop))
    for label, figure in totals(shop):
        say(f"{label}: {figure}")
    say()


def as_json(month: Month, shops: Sequence[ShopMonth]) -> dict[str, Any]:
    """All figures; amounts and points as text, so that no digit is lost."""
    return {"month": str(month), "shops": [_document(each) for each in shops]}


def _document(shop: ShopMonth) -> dict[str, Any]:
    shares = {name: getattr(shop, name) for name in ("decided_in_time", "appeals_won")}
    written = {
        name: {"many": each.many, "of": each.of, "share": None if each.share is None else str(each.share)}
        for name, each in shares.items()
    }
    return {**shop.model_dump(mode="json"), **written}


def as_csv(month: Month, shops: Sequence[ShopMonth]) -> str:
    """One figure a line: month, shop, section, what it is of, which figure, value."""
    head = ("month", "shop", "section", "of", "figure", "value")
    lines = ((month, shop.shop, *line) for shop in shops for line in _lines(shop))
    return as_spreadsheet([head, *(map(_harmless, line) for line in lines)])


def _lines(shop: ShopMonth) -> Iterator[tuple[Any, ...]]:
    for case in shop.cases:
        yield "cases", f"{case.process} {case.state}", "cases", case.cases
    for name in ("decided_in_time", "appeals_won"):
        share: Share = getattr(shop, name)
        yield name, "", "many", share.many
        yield name, "", "of", share.of
    yield "clocks_run_out", "", "clocks", shop.clocks_run_out
    for rule in shop.rules:
        for status in ("expected", "billed"):
            for figure, value in getattr(rule, status).model_dump().items():
                yield status, rule.clause, figure, value
        yield "billed", rule.clause, "unexpected", rule.unexpected
        yield "expected", rule.clause, "answered", rule.answered
    for week in shop.weeks:
        yield "weeks", str(week.first), "late_orders", week.late_orders
        yield "weeks", str(week.first), "score", week.score


def _harmless(cell: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
