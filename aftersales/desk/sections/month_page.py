"""月报 as HTML: the same report on the desk's page and in the file that ``aftersales month --html`` writes."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup

from aftersales.desk.rendering import DESK_FOLDER, ENVIRONMENT
from aftersales.ledger.clause_names import ClauseNames
from aftersales.ledger.month_figures import MissedCase, Net, Share, ShopMonth, Sums
from aftersales.ledger.month_losses import Lost
from aftersales.ledger.month_report import MonthReport, OpenStake
from aftersales.runtime.client.case_words import WAYS, party_label
from workflows.registry import PROCESSES

STYLE_SHEETS: Final = ("desk.css", "month.css")
BAR_LENGTH: Final = 100
"""The length of the longest bar, in units of its drawing."""


def month_file(report: MonthReport) -> str:
    """Return a report as one file that loads nothing."""
    sheets = [(DESK_FOLDER / "static" / name).read_text(encoding="utf-8") for name in STYLE_SHEETS]
    style = Markup("<style>\n{}</style>").format(Markup("\n".join(sheets)))  # noqa: S704 - our own files  # nosec
    return ENVIRONMENT.get_template("month_file.html").render(style=style, **month_values(report, {}, links=False))


def month_values(report: MonthReport, shops: Mapping[str, str], *, links: bool) -> dict[str, Any]:
    """Return what the templates of a report need; ``links``: cases lead to their pages on the desk."""
    return {
        "report": report,
        "clauses": ClauseNames(PROCESSES.values()),
        "shop_names": {name: shops.get(name) or name or "未写明店铺" for name in report.names},
        "links": links,
        "process_label": process_label,
        "case_label": case_label,
        "party_label": party_label,
        "ways": WAYS,
        "sum_in_words": sum_in_words,
        "loss_in_words": loss_in_words,
        "beside": beside,
        "share_in_words": share_in_words,
        "net_in_words": net_in_words,
        "bar": bar,
        "clause_before": clause_before,
        "at_stake": at_stake,
        "clocks_in_words": clocks_in_words,
    }


def process_label(name: str) -> str:
    """Return the Chinese name of a process, or its name if it is not installed any more."""
    return PROCESSES[name].label if name in PROCESSES else name


def case_label(case_id: str) -> str:
    """Return a case as a clerk calls it: its process and its own number."""
    process, _, own_id = case_id.partition("/")
    return f"{process_label(process)} {own_id}".strip()


def loss_in_words(lost: Lost) -> str:
    """Return a loss such as 5.00 元 + 1 笔金额未知, 2 分; what only counts is said by its number."""
    said = [f"{lost.amount} 元"] if lost.amount or not (lost.points or lost.unknown) else []
    said += [f"{lost.points.normalize():f} 分"] if lost.points else []
    said += [f"{lost.unknown} 笔金额未知"] if lost.unknown else []
    return " + ".join(said)


def sum_in_words(sums: Sums, *, capped: bool) -> str:
    """Return a sum of entries; one that is not known is never said to be 0.00."""
    if not sums.entries:
        return "—"
    amount, points = (sums.amount_counted, sums.points_counted) if capped else (sums.amount, sums.points)
    unknown = sums.unknown_counted if capped else sums.unknown
    said = [f"{amount} 元"] if amount else []
    said += [f"{points.normalize():f} 分"] if points else []
    said += [f"{unknown} 笔金额未知"] if unknown else []
    return f"{' + '.join(said) or '0.00 元'}({sums.entries} 笔)"


def beside(now: Decimal, before: Decimal) -> str:
    """Return how an amount compares with that of the month before."""
    if now == before:
        return f"上月 {before} 元,持平"
    return f"上月 {before} 元,{'多' if now > before else '少'} {abs(now - before)} 元"


def clause_before(shop: ShopMonth | None, clause: str) -> str:
    """Return what was lost under a clause in the month before."""
    found = [figures for figures in shop.lost_by_clause if figures.clause == clause] if shop else []
    return loss_in_words(found[0]) if found else "—"


def share_in_words(share: Share) -> str:
    """Return a share such as 66.7%(2/3)."""
    return "无" if share.share is None else f"{share.share * 100:.1f}%({share.many}/{share.of})"


def net_in_words(net: Net) -> str:
    """Return what was lost less what was got."""
    unknown = {"支出": net.lost_unknown, "收入": net.income_unknown}
    rest = "".join(f",{label}另有 {many} 笔金额未知" for label, many in unknown.items() if many)
    return f"{net.lost} - {net.income} = {net.net} 元{rest}"


def clocks_in_words(case: MissedCase) -> str:
    """Return which deadlines of ours a case has missed, with their days, as far as the ledger names them."""
    named = dict.fromkeys(f"{clock.label}({clock.day:%m-%d})" for clock in case.clocks)
    return "、".join(named) or "账目未写明是哪个"


def at_stake(stakes: Iterable[OpenStake]) -> str:
    """Return what is at stake in open cases; what is not known is said to be unknown."""
    listed = list(stakes)
    cases, unknown = sum(stake.cases for stake in listed), sum(stake.unknown for stake in listed)
    amount = sum((stake.amount for stake in listed), Decimal("0.00"))
    if unknown == cases:
        return "金额未知"
    return f"{amount} 元" + (f" + {unknown} 件金额未知" if unknown else "")


def bar(amount: Decimal, longest: Decimal) -> str:
    """Return the length of a bar, of which the longest fills the width."""
    return f"{float(amount / longest) * BAR_LENGTH:.1f}" if longest else "0"
