"""``aftersales month``: a month's figures from the ledger, as tables, JSON, CSV or an HTML page."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from html import escape
from pathlib import Path
from typing import Annotated, Any

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson
from aftersales.cli.output import print_json, print_table, say
from aftersales.files.spreadsheet import as_spreadsheet
from aftersales.importing.case_files import figures_of, read_shops
from aftersales.ledger import open_existing
from aftersales.ledger.month_figures import (
    LOOK_AHEAD,
    LOOK_BACK,
    Books,
    Month,
    Net,
    RuleFigures,
    Share,
    ShopMonth,
    month_of,
    shop_months,
)
from aftersales.runtime.case_words import WAYS
from aftersales.runtime.settings import Settings, load_settings
from cases.errors import BadForm
from cases.policy import Policy
from cases.shanghai import SHANGHAI
from statecharts.rules import Party
from workflows.registry import PROCESSES


def month_command(
    month: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="The month by Shanghai's calendar (default: the current one)."),
    ] = None,
    shop: Annotated[str | None, typer.Option(help="Only this shop.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures as CSV for spreadsheets.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML page with charts.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a month's figures per shop from the ledger.

    Cases, deadlines, decisions by operator, money by clause, appeals, weekly scores.
    """

    async def work() -> None:
        asked = month_of(month or f"{datetime.now(UTC).astimezone(SHANGHAI):%Y-%m}")
        appeals = {name: process.case.appeals for name, process in PROCESSES.items() if process.case.appeals}
        settings = load_settings()
        policies = partial(_policies, read_shops(settings.shops_file), asked)
        shops = shop_months(asked, _read(settings, asked, shop), appeals, policies)
        for path, text in ((csv, _csv), (html, _page)):
            if path is not None:
                _write(path, text(asked, shops))
        if as_json:
            print_json({"month": str(asked), "shops": [_document(shop_month) for shop_month in shops]})
            return
        for shop_month in shops:
            _print_shop(asked, shop_month)
        if not shops:
            say(f"{asked}: {_NOTHING}")
        for path in (csv, html):
            if path is not None:
                say(f"{path}: 已写入 / written")

    run(work())


def _policies(shops: dict[str, Any], month: Month, shop: str) -> list[Policy]:
    """Return the policies of a shop as they are in force at the end of a month."""
    kinds = ((process.case.policy_type(), figures_of(shops, shop, process, {})) for process in PROCESSES.values())
    return [kind.resolve(own).in_force_on(month.last) for kind, own in kinds]


def _read(settings: Settings, month: Month, shop: str | None) -> Books:
    with open_existing(settings.ledger_address) as ledger:
        if ledger is None:
            return Books()
        return Books(
            ledger.entries(month.first - LOOK_BACK, month.last + LOOK_AHEAD, shop),
            ledger.decisions(month.first - LOOK_BACK, month.last, shop),
            ledger.outcomes(month.first, month.last, shop),
        )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as bad:
        raise BadForm(f"{path}: cannot be written: {bad.strerror}") from bad


# Tables

_NOTHING = "没有案件结束,没有决定,也没有入账 / no case ended, nothing was decided and nothing was entered"
_RULE_COLUMNS = (
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
_INCOME_COLUMNS = ("条款", "预计笔数", "预计金额", "已付笔数", "已付金额", "无预计")
_WEEK_COLUMNS = ("周", "迟发单", "分")
_DECISION_COLUMNS = ("决定人", "方式", "决定数")
_MISSED_COLUMNS = ("案件", "结果", "结束", "到期时限", "决定人")


def _print_shop(month: Month, shop: ShopMonth) -> None:
    title = f"{shop.shop} · {month}"
    rows = [(ending.process, f"{ending.label} ({ending.state})", ending.cases) for ending in shop.cases]
    print_table(f"{title} 案件 / cases", ("业务", "结果", "数量"), rows)
    if shop.decisions:
        print_table(f"{title} 决定 / decisions", _DECISION_COLUMNS, _decision_rows(shop))
    if shop.missed:
        print_table(f"{title} 错过时限的案件 / missed deadlines", _MISSED_COLUMNS, _missed_rows(shop))
    print_table(f"{title} 金额与扣分 / money and points", _RULE_COLUMNS, map(_rule_row, shop.rules))
    if shop.income:
        print_table(f"{title} 收入 / income", _INCOME_COLUMNS, map(_income_row, shop.income))
    if shop.weeks:
        print_table(f"{title} 周评分 / weekly score (JD-11)", _WEEK_COLUMNS, _week_rows(shop))
    for label, figure in _totals(shop):
        say(f"{label}: {figure}")
    say()


def _decision_rows(shop: ShopMonth) -> list[tuple[Any, ...]]:
    return [
        (decider.actor or _party(decider.party), WAYS.get(decider.way or "", decider.way or "-"), decider.decisions)
        for decider in shop.decisions
    ]


def _party(name: str) -> str:
    return Party(name).label if name in {party.value for party in Party} else name


def _missed_rows(shop: ShopMonth) -> list[tuple[Any, ...]]:
    return [
        (case.case_id, f"{case.label} ({case.state})", case.closed, case.clocks_run_out, "、".join(case.actors) or "-")
        for case in shop.missed
    ]


def _rule_row(rule: RuleFigures) -> tuple[Any, ...]:
    expected, billed = rule.expected, rule.billed
    return (
        rule.clause,
        expected.entries,
        _amount(expected.amount, expected.unknown, expected.entries),
        _amount(expected.amount_counted, expected.unknown_counted, expected.entries),
        _without_zeros(expected.points),
        _without_zeros(expected.points_counted),
        billed.entries,
        _amount(billed.amount, billed.unknown, billed.entries),
        _amount(billed.amount_counted, billed.unknown_counted, billed.entries),
        rule.unexpected,
    )


def _income_row(rule: RuleFigures) -> tuple[Any, ...]:
    expected, billed = rule.expected, rule.billed
    return (
        rule.clause,
        expected.entries,
        _amount(expected.amount, expected.unknown, expected.entries),
        billed.entries,
        _amount(billed.amount, billed.unknown, billed.entries),
        rule.unexpected,
    )


def _net(net: Net) -> str:
    """Return what was lost less what was got."""
    unknown = {"支出 / lost": net.lost_unknown, "收入 / income": net.income_unknown}
    rest = [f"{label}: {many} 笔金额未知 / of unknown amount" for label, many in unknown.items() if many]
    return "; ".join([f"{net.lost} - {net.income} = {net.net}", *rest])


def _amount(known: Decimal, unknown: int, entries: int) -> str:
    """Return a sum of known amounts, and how many are unknown; nothing is said to be 0.00 because it is unknown."""
    if not unknown:
        return str(known)
    rest = f"{unknown} 笔金额未知 / {unknown} of unknown amount"
    return rest if unknown == entries else f"{known} + {rest}"


def _without_zeros(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _week_rows(shop: ShopMonth) -> list[tuple[Any, ...]]:
    return [(f"{week.first} – {week.last}", week.late_orders, week.score) for week in shop.weeks]


def _totals(shop: ShopMonth) -> tuple[tuple[str, Any], ...]:
    """Return the figures of a shop's cases as a whole, with their labels."""
    return (
        ("按时处理率 / decided before the deadline", _percentage(shop.decided_in_time)),
        ("到期时限 / clocks that ran out", shop.clocks_run_out),
        ("申诉成功率 / appeals won", _percentage(shop.appeals_won)),
        ("预计支出减收入 / expected losses less income", _net(shop.expected_net)),
        ("已扣减已付 / billed losses less income", _net(shop.billed_net)),
    )


def _percentage(share: Share) -> str:
    """Return a share such as 66.7% (2/3)."""
    return f"{share.share * 100:.1f}% ({share.many}/{share.of})" if share.share is not None else "无 (none)"


# JSON and CSV

_SHARES = ("decided_in_time", "appeals_won")


def _document(shop: ShopMonth) -> dict[str, Any]:
    """Return all figures of a shop; amounts, points and shares as text, so that no digit is lost."""
    shares: dict[str, Share] = {name: getattr(shop, name) for name in _SHARES}
    written = {
        name: {"many": share.many, "of": share.of, "share": None if share.share is None else str(share.share)}
        for name, share in shares.items()
    }
    return {**shop.model_dump(mode="json"), **written}


def _csv(month: Month, shops: Sequence[ShopMonth]) -> str:
    head = ("month", "shop", "section", "of", "figure", "value")
    lines = ((month, shop.shop, *line) for shop in shops for line in _csv_lines(shop))
    return as_spreadsheet([head, *(map(_defused, line) for line in lines)])


def _csv_lines(shop: ShopMonth) -> Iterator[tuple[Any, ...]]:
    for ending in shop.cases:
        yield "cases", f"{ending.process} {ending.state}", "cases", ending.cases
    for name in _SHARES:
        share: Share = getattr(shop, name)
        yield name, "", "many", share.many
        yield name, "", "of", share.of
    yield "clocks_run_out", "", "clocks", shop.clocks_run_out
    for decider in shop.decisions:
        yield (
            "decisions",
            f"{decider.actor or decider.party} {decider.way or ''}".strip(),
            "decisions",
            decider.decisions,
        )
    for case in shop.missed:
        yield "missed", case.case_id, "clocks_run_out", case.clocks_run_out
        yield "missed", case.case_id, "actors", " ".join(case.actors)
    yield from _csv_lines_of_rules(shop.rules, "")
    yield from _csv_lines_of_rules(shop.income, "_income")
    for name in ("expected_net", "billed_net"):
        for figure, value in getattr(shop, name).model_dump().items():
            yield name, "", figure, value
    for week in shop.weeks:
        yield "weeks", str(week.first), "late_orders", week.late_orders
        yield "weeks", str(week.first), "score", week.score


def _csv_lines_of_rules(rules: Iterable[RuleFigures], kind: str) -> Iterator[tuple[Any, ...]]:
    for rule in rules:
        for status in ("expected", "billed"):
            for figure, value in getattr(rule, status).model_dump().items():
                yield f"{status}{kind}", rule.clause, figure, value
        yield f"billed{kind}", rule.clause, "unexpected", rule.unexpected
        yield f"expected{kind}", rule.clause, "answered", rule.answered


def _defused(cell: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula; a number is none, whatever its sign."""
    text = str(cell)
    return (
        f"'{text}"
        if not isinstance(cell, int | Decimal) and text.startswith(("=", "+", "-", "@", "\t", "\r"))
        else text
    )


# HTML: one file with its charts as SVG, which loads nothing

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .75rem; text-align: right }
th:first-child, td:first-child { text-align: left }
svg { display: block; max-width: 100%; margin: .5rem 0 1rem } text { font-size: 13px; fill: #222 }
"""
_EXPECTED_COLOUR, _BILLED_COLOUR = "#7a9cc6", "#c97b63"
_LABEL_WIDTH, _BAR_WIDTH, _NUMBER_WIDTH, _LINE_HEIGHT, _BAR_HEIGHT = 220, 420, 110, 24, 16

Bar = tuple[str, Decimal, str, str]
"""Label, length, the text after the bar, colour."""


def _page(month: Month, shops: Sequence[ShopMonth]) -> str:
    sections = [_section(shop) for shop in shops] or [f"<p>{_NOTHING}</p>"]
    return (
        '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>售后月报 {month}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>售后月报 / after-sales {month}</h1>\n{''.join(sections)}\n</body>\n</html>\n"
    )


def _section(shop: ShopMonth) -> str:
    endings = [
        (f"{ending.process} {ending.label}", Decimal(ending.cases), str(ending.cases), _EXPECTED_COLOUR)
        for ending in shop.cases
    ]
    money: list[Bar] = []
    for rule in shop.rules:
        expected, billed = rule.expected, rule.billed
        if expected.amount or billed.amount or expected.unknown or billed.unknown:
            counted = _amount(expected.amount_counted, expected.unknown_counted, expected.entries)
            charged = _amount(billed.amount, billed.unknown, billed.entries)
            money += [
                (f"{rule.clause} 预计", expected.amount_counted, f"¥ {counted}", _EXPECTED_COLOUR),
                (f"{rule.clause} 已扣", billed.amount, f"¥ {charged}", _BILLED_COLOUR),
            ]
    tables = (
        ("收入 / income (CNY)", _INCOME_COLUMNS, [_income_row(rule) for rule in shop.income]),
        ("决定 / decisions", _DECISION_COLUMNS, _decision_rows(shop)),
        ("错过时限的案件 / missed deadlines", _MISSED_COLUMNS, _missed_rows(shop)),
        ("周评分 / weekly score", _WEEK_COLUMNS, _week_rows(shop)),
    )
    return "\n".join(
        [
            f"<h2>{escape(shop.shop)}</h2>",
            _table(("", ""), _totals(shop)),
            "<h3>案件结果 / how cases ended</h3>",
            _chart(endings),
            "<h3>金额 / money by clause (CNY)</h3>",
            _chart(money),
            _table(_RULE_COLUMNS, map(_rule_row, shop.rules)),
            *(f"<h3>{title}</h3>\n{_table(columns, rows)}" for title, columns, rows in tables if rows),
        ]
    )


def _table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _chart(bars: Sequence[Bar]) -> str:
    """Draw horizontal bars, scaled so that the longest fills the width."""
    if not bars:
        return "<p>无 (none)</p>"
    longest = max(length for _, length, _, _ in bars) or Decimal(1)
    lines = []
    for number, (label, length, text, colour) in enumerate(bars):
        top, width = number * _LINE_HEIGHT, float(length / longest) * _BAR_WIDTH
        lines.append(
            f'<text x="0" y="{top + 14}">{escape(label)}</text>'
            f'<rect x="{_LABEL_WIDTH}" y="{top + 2}" width="{width:.1f}" height="{_BAR_HEIGHT}" fill="{colour}"/>'
            f'<text x="{_LABEL_WIDTH + width + 6:.1f}" y="{top + 14}">{escape(text)}</text>'
        )
    size = f'width="{_LABEL_WIDTH + _BAR_WIDTH + _NUMBER_WIDTH}" height="{len(bars) * _LINE_HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>{"".join(lines)}</svg>'
