"""The output of commands: tables and lines for people, JSON for programs, one line for an error."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cases.durations import format_duration
from cases.plain_text import NOT_PLAIN, plain, squeezed
from cases.shanghai import shanghai

if TYPE_CHECKING:
    from rich.console import Console

_MINUTE = timedelta(minutes=1)
_WIDTH_WITHOUT_TERMINAL: Final = 200
_NARROW: Final = 100
"""Columns up to which a table that does not fit is printed as a block for each row: its cells would be cut to bits."""

_HANGING: Final = 2
"""Columns by which the second line of a text is indented further."""


def write_what_can_be_written() -> None:
    """Let standard output and error take every text, whatever their encoding, and whether they are open or not."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - open until the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def print_json(data: Any) -> None:
    """Print JSON on standard output, and nothing else; what would steer a terminal is escaped."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    text = json.dumps(data, ensure_ascii=not encoding.startswith("utf"), indent=2)
    lines = (NOT_PLAIN.sub(lambda found: json.dumps(found.group())[1:-1], line) for line in text.split("\n"))
    print("\n".join(lines))  # noqa: T201


def say(text: str = "", indent: int = 0) -> None:
    """Print one line for people, without interpreting markup in it, whatever others said in it.

    A terminal breaks what is longer; with an ``indent`` it is broken between words, under its own beginning.
    """
    from rich.text import Text

    console, said = _console(), Text(plain(text), overflow="fold")
    if not indent:
        console.print(said, soft_wrap=True)
        return
    first, *others = said.wrap(console, max(console.width - indent - _HANGING, _HANGING)) or [said]
    console.print(Text(" " * indent) + first, soft_wrap=True)
    for line in others:
        console.print(Text(" " * (indent + _HANGING)) + line, soft_wrap=True)


def say_parts(first: str, *others: str) -> None:
    """Print a line of parts; where they do not fit on it, each of the others is below the first."""
    from rich.cells import cell_len

    line = "  ".join((first, *others))
    if cell_len(line) <= _console().width:
        say(line)
        return
    say(first)
    for part in others:
        say(part, indent=2)


def complain(text: str) -> None:
    """Print one line on standard error."""
    print(f"aftersales: {squeezed(text)}", file=sys.stderr)  # noqa: T201


def _console() -> "Console":
    """Return a console of the terminal's width; without a terminal, wide enough for every column."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, emoji=False, width=None if known else _WIDTH_WITHOUT_TERMINAL)


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table, or a line saying that it is empty; a block for each row where the table would not fit."""
    from rich.markup import escape
    from rich.table import Table

    names = list(columns)
    cells = [["" if cell is None else plain(str(cell)) for cell in row] for row in rows]
    if not cells:
        say(f"{title}: 无 (none)")
        return
    table = Table(title=escape(plain(title)), title_justify="left")
    for number, column in enumerate(names):
        table.add_column(escape(column), overflow="fold", no_wrap=number == 0)
    for row in cells:
        table.add_row(*map(escape, row))
    console = _console()
    if console.width <= _NARROW and console.measure(table, options=console.options.update(width=10_000)).maximum > (
        console.width
    ):
        _print_blocks(title, names, cells)
    else:
        console.print(table)


def _print_blocks(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print the first cell of each row on a line, and the others that have a text below it, with their names."""
    say(title)
    for row in rows:
        say(row[0], indent=2)
        for line in _packed([f"{name} {cell}" for name, cell in zip(columns[1:], row[1:], strict=True) if cell]):
            say(line, indent=4)


def _packed(parts: Iterable[str]) -> list[str]:
    """Return lines of as many parts as fit, none of them broken unless it is longer than a line."""
    from rich.cells import cell_len

    width, lines = _console().width - 4 - _HANGING, list[str]()
    for part in parts:
        longer = f"{lines[-1]} · {part}" if lines else part
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def when(instant: str | datetime | None) -> str:
    """Return an instant in Shanghai's time, followed by the time left or passed."""
    if instant is None:
        return ""
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    left = (instant - datetime.now(UTC)) // _MINUTE * _MINUTE
    distance = f"还剩 {format_duration(left)}" if left >= timedelta(0) else f"已过 {format_duration(-left)}"
    return f"{shanghai(instant)} ({distance})"
