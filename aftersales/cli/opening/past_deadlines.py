"""What ``aftersales open`` says and asks before it opens: past deadlines, and what they book."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer

from aftersales.cli.output import complain, say
from aftersales.importing.foresight import Foresight, losses
from cases.ledger import LedgerEntry
from cases.plain_text import plain
from cases.shanghai import SHANGHAI
from workflows.registry import PROCESSES

_NAMED = 20


def losses_in_words(foreseen: Sequence[Foresight]) -> str:
    """Return what cases would lose by past deadlines, on one line."""
    lost = losses(foreseen)
    points = f", {lost.points} 分 / points" if lost.points else ""
    unknown = f", {lost.unknown} 笔金额未知 / amounts unknown" if lost.unknown else ""
    return f"{lost.cases} 件 / cases: {lost.amount:.2f} CNY{points}{unknown}"


def say_foresight(foreseen: Sequence[Foresight]) -> None:
    """Say which cases have passed which deadlines, and what that would book; more than a few are only counted."""
    for case in foreseen[:_NAMED]:
        process = PROCESSES[case.case_id.partition("/")[0]]
        for entry in case.missed:
            say(f"{case.case_id}: 已过期 / past: {_minute(entry.at)} {process.rule_label(entry.rule)} {entry.rule}")
        for booked in case.booked:
            say(f"{case.case_id}: 将记账 / would book: {_entry(booked)}")
    if len(foreseen) > _NAMED:
        say(f"… 还有 {len(foreseen) - _NAMED} 件已过期 / more cases are past a deadline")


def _minute(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def _entry(entry: LedgerEntry) -> str:
    if entry.counted:
        return f"{entry.clause} 计次 / counts once"
    amounts = [f"{entry.amount} CNY"] * (entry.amount is not None) + [f"{entry.points} 分 / points"] * (
        entry.points is not None
    )
    what = ", ".join(amounts) or "金额未知 / amount unknown"
    return f"{entry.clause} {'应收 / income ' if entry.income else ''}{what}"


def foresight_as_json(case: Foresight) -> dict[str, Any]:
    """Return what is foreseen of a case as JSON."""
    return {
        "case_id": case.case_id,
        "past": [{"rule": entry.rule, "at": entry.at.isoformat()} for entry in case.missed],
        "books": [
            entry.model_dump(mode="json", include={"clause", "amount", "points", "counted", "income"})
            for entry in case.booked
        ],
    }


def may_lose(foreseen: Sequence[Foresight], *, yes: bool) -> bool:
    """Return whether cases may be opened whose past deadlines cost something: by ``--yes``, or by asking a person."""
    if yes or not any(case.loses for case in foreseen):
        return True
    words = f"已过期,打开即记损失 / past deadlines, opening books losses: {losses_in_words(foreseen)}"
    if sys.stdin.isatty() and sys.stderr.isatty():
        say_foresight(foreseen)
        return typer.confirm(plain(f"{words}. 仍要打开吗 / open them?"), err=True)
    complain(f"{words}; 先看 --dry-run,确认则加 --yes / see --dry-run, then confirm by --yes")
    return False
