"""The output of commands: tables and lines for people, JSON for programs, one line for an error."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cases.durations import format_duration
from cases.plain_text import NOT_PLAIN, plain, squeezed
from cases.shanghai import shanghai

_MINUTE = timedelta(minutes=1)
_WIDTH_WITHOUT_TERMINAL = 200


def print_json(data: Any) -> None:
    """Print JSON on standard output, and nothing else; what would steer a terminal is escaped."""
    text = json.dumps(data, ensure_ascii=False, indent=2)
    lines = (NOT_PLAIN.sub(lambda found: json.dumps(found.group())[1:-1], line) for line in text.split("\n"))
    print("\n".join(lines))  # noqa: T201


def say(text: str = "") -> None:
    """Print one line for people, without interpreting markup in it, whatever others said in it."""
    Console(highlight=False, emoji=False, soft_wrap=True).print(escape(plain(text)))


def complain(text: str) -> None:
    """Print one line on standard error."""
    print(f"aftersales: {squeezed(text)}", file=sys.stderr)  # noqa: T201


def _console() -> Console:
    """Return a console of the terminal's width; without a terminal, wide enough for every column."""
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL)


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table, or a line saying that it is empty."""
    table = Table(title=escape(plain(title)), title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(escape("" if cell is None else plain(str(cell))) for cell in row))
    console = _console()
    if table.row_count:
        console.print(table)
    else:
        console.print(f"{escape(plain(title))}: 无 (none)")


def when(instant: str | datetime | None) -> str:
    """Return an instant in Shanghai's time, followed by the time left or passed."""
    if instant is None:
        return ""
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    left = (instant - datetime.now(UTC)) // _MINUTE * _MINUTE
    distance = f"还剩 {format_duration(left)}" if left >= timedelta(0) else f"已过 {format_duration(-left)}"
    return f"{shanghai(instant)} ({distance})"
