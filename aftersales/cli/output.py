"""What the commands print: tables for people, clean JSON for programs, one line for what went wrong."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cases.durations import format_duration
from cases.shanghai import shanghai

MINUTE = timedelta(minutes=1)
WIDE = 200


def print_json(data: Any) -> None:
    """Print JSON on standard output, and nothing else."""
    print(json.dumps(data, ensure_ascii=False, indent=2))  # noqa: T201


def say(text: str = "") -> None:
    """Print a line for people; its text is taken as it is."""
    Console(highlight=False, emoji=False, soft_wrap=True).print(escape(text))


def complain(text: str) -> None:
    """Print one line on standard error."""
    print(f"aftersales: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201


def _console() -> Console:
    """A console as wide as the terminal, or wide enough for every column where there is none."""
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table; an empty one says so."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    console = _console()
    if table.row_count:
        console.print(table)
    else:
        console.print(f"{escape(title)}: 无 (none)")


def when(written: str | datetime | None) -> str:
    """An instant as an operator reads it, and how far off it is."""
    if written is None:
        return ""
    instant = written if isinstance(written, datetime) else datetime.fromisoformat(written)
    left = (instant - datetime.now(UTC)) // MINUTE * MINUTE
    told = f"还剩 {format_duration(left)}" if left >= timedelta(0) else f"已过 {format_duration(-left)}"
    return f"{shanghai(instant)} ({told})"


@contextmanager
def silenced() -> Iterator[None]:
    """Give child processes started in the block no standard output of ours to write on."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
