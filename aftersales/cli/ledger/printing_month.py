"""The figures of a month as tables, JSON, CSV or an HTML page."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from aftersales.cli.output import print_json, print_table, say
from aftersales.files.spreadsheet import as_spreadsheet, is_formula
from aftersales.importing.shop_policies import policies_in_force
from aftersales.ledger import open_existing
from aftersales.ledger.month_figures import (
    MissedCase,
    Month,
    Net,
    RuleFigures,
    Share,
    ShopMonth,
    Sums,
    month_of,
)
from aftersales.ledger.month_report import (
    NOBODY_TELLS,
    MonthReport,
    OpenNow,
    read_figures,
    read_report,
    this_month,
)
from aftersales.runtime.client.case_words import WAYS
from aftersales.runtime.settings import load_settings
from cases.errors import BadForm
from statecharts.rules import Party

SERVER_SECONDS: Final = 3.0
"""How long a page waits for a server, which knows what is at stake in open cases."""


async def print_month(
    month: str | None, shop: str | None, csv: Path | None, html: Path | None, *, as_json: bool
) -> None:
    """Print a month's figures, and write them to files; raises BadForm."""
    asked = month_of(month or this_month())
    report = await _report(asked, shop, for_page=html is not None)
    shops = report.shops
    if csv is not None:
        _write(csv, _csv(asked, shops))
    if html is not None:
        from aftersales.desk.sections.month_page import month_file

        _write(html, month_file(report))
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


async def _report(month: Month, shop: str | None, *, for_page: bool) -> MonthReport:
    """Read the month's figures; what stands beside them on a page, for one alone."""
    settings = load_settings()
    policies = policies_in_force(settings)
    with open_existing(settings.ledger_address) as ledger:
        if ledger is None:
            return MonthReport(month)
        if not for_page:
            return MonthReport(month, read_figures(ledger, month, shop, policies=policies))
        return read_report(ledger, month, shop, await _open_now(shop), policies=policies)


async def _open_now(shop: str | None) -> OpenNow:
    """Return what is at stake in open cases, as far as a server tells: the figures need none."""
    from aftersales.ledger.open_stakes import open_stakes
    from aftersales.runtime.temporal.connection import TemporalUnreachable, connect

    try:
        async with asyncio.timeout(SERVER_SECONDS):
            client = await connect()
    except (TemporalUnreachable, TimeoutError):
        return NOBODY_TELLS
    return await open_stakes(client, None if shop is None else [shop])


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
_MISSED_COLUMNS = ("案件", "错过的时限", "结果", "结束", "到期时限", "认领人", "决定人")
_MISSED_NOTE = (
    "未结束的案件,只列账目写明错过哪个时限的 / of cases that are open, only those of which an entry names the deadline"
)


def _print_shop(month: Month, shop: ShopMonth) -> None:
    title = f"{shop.shop} · {month}"
    rows = [(ending.process, f"{ending.label} ({ending.state})", ending.cases) for ending in shop.cases]
    print_table(f"{title} 案件 / cases", ("业务", "结果", "数量"), rows)
    if shop.decisions:
        print_table(f"{title} 决定 / decisions", _DECISION_COLUMNS, _decision_rows(shop))
    if shop.missed:
        print_table(f"{title} 错过时限的案件 / missed deadlines", _MISSED_COLUMNS, _missed_rows(shop))
        say(_MISSED_NOTE)
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
        (
            case.case_id,
            _clocks(case) or "-",
            f"{case.label} ({case.state})" if case.label else "未结束 / open",
            case.closed or "-",
            case.clocks_run_out,
            case.clerk or "-",
            "、".join(case.actors) or "-",
        )
        for case in shop.missed
    ]


def _clocks(case: MissedCase) -> str:
    return "、".join(f"{clock.label} {clock.day:%m-%d}" for clock in case.clocks)


def _rule_row(rule: RuleFigures) -> tuple[Any, ...]:
    expected, billed = rule.expected, rule.billed
    return (
        rule.clause,
        expected.entries,
        _amount(expected),
        _amount(expected, capped=True),
        _without_zeros(expected.points),
        _without_zeros(expected.points_counted),
        billed.entries,
        _amount(billed),
        _amount(billed, capped=True),
        rule.unexpected,
    )


def _income_row(rule: RuleFigures) -> tuple[Any, ...]:
    expected, billed = rule.expected, rule.billed
    return (
        rule.clause,
        expected.entries,
        _amount(expected),
        billed.entries,
        _amount(billed),
        rule.unexpected,
    )


def _net(net: Net) -> str:
    """Return what was lost less what was got."""
    unknown = {"支出 / lost": net.lost_unknown, "收入 / income": net.income_unknown}
    rest = [f"{label}: {many} 笔金额未知 / of unknown amount" for label, many in unknown.items() if many]
    return "; ".join([f"{net.lost} - {net.income} = {net.net}", *rest])


def _amount(sums: Sums, *, capped: bool = False) -> str:
    """Return a sum of known amounts, and how many are unknown; nothing is said to be 0.00 because it is unknown."""
    known, unknown = (sums.amount_counted, sums.unknown_counted) if capped else (sums.amount, sums.unknown)
    if not unknown:
        return str(known)
    rest = f"{unknown} 笔金额未知 / {unknown} of unknown amount"
    return rest if unknown == sums.entries else f"{known} + {rest}"


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
        yield "missed", case.case_id, "clocks", _clocks(case)
        yield "missed", case.case_id, "actors", " ".join(case.actors)
        yield "missed", case.case_id, "clerk", case.clerk or ""
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
    return f"'{text}" if not isinstance(cell, int | Decimal) and is_formula(text) else text
