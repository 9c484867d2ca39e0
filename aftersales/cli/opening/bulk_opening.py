"""The opening of cases from case files and from exports of back offices."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from temporalio.service import RPCError

from aftersales.cli.exit_status import BAD_INPUT, INTERRUPTED
from aftersales.cli.opening.past_deadlines import foresight_as_json, losses_in_words, may_lose, say_foresight
from aftersales.cli.output import complain, print_json, say
from aftersales.importing.batch import case_id, known_case_ids, open_cases
from aftersales.importing.case_files import read_cases, read_shops
from aftersales.importing.exports import Export, Openings, Rejected, read_export
from aftersales.importing.foresight import Foresight, foresee
from aftersales.importing.mapping import read_mapping
from aftersales.importing.rejected import write_rejected
from aftersales.importing.table import DELIMITED, WORKBOOKS
from aftersales.ledger.configured import configured_ledger
from aftersales.runtime.settings import Settings, load_settings
from aftersales.runtime.temporal.connection import connect
from aftersales.runtime.temporal.temporal_errors import case_error
from cases.errors import BadForm, CaseError
from cases.messages import Opening
from cases.models import whole_seconds
from workflows.engine.process import Process

_EXPORT_SUFFIXES = (*DELIMITED, *WORKBOOKS)
_LISTED = 20  # more cases of an export are only counted

Cases = Sequence[tuple[Process, Opening]]
Results = list[dict[str, Any]]


class OpeningStopped(CaseError):
    """Opening ended midway; the cases opened so far stay open, and running the command again continues."""


async def open_files(
    files: Sequence[Path], mapping: Path | None, rejected: Path | None, way: "OpeningWay"
) -> int | None:
    """Open the cases of files, and return the exit status."""
    settings = load_settings()
    _check(files, mapping, rejected)
    if mapping is not None:
        return await _open_exports(settings, _read(settings, files, mapping, way), rejected, way)
    cases = read_cases(files, settings)
    foreseen = await _foresee(settings, cases, way)
    if way.dry_run:
        _say_dry_run(foreseen, [], way)
        return None
    if not may_lose(foreseen.past, yes=way.yes):
        return BAD_INPUT
    results = await _open(settings, cases, quiet=way.as_json)
    if way.as_json:
        print_json(results)
    else:
        _list(results)
    return None


@dataclass(frozen=True)
class OpeningWay:
    """How files are opened: only tried, without asking, with JSON as output."""

    dry_run: bool
    yes: bool
    as_json: bool

    @property
    def shows_progress(self) -> bool:
        """Whether somebody sees a progress bar."""
        return sys.stderr.isatty() and not self.as_json


@dataclass(frozen=True)
class _Foreseen:
    """What would become of cases: how many are new, how many were opened before, and those past a deadline."""

    new: int
    known: int
    past: list[Foresight]


async def _foresee(settings: Settings, cases: Cases, way: OpeningWay) -> _Foreseen:
    if not cases or (way.yes and not way.dry_run):
        return _Foreseen(len(cases), 0, [])
    with configured_ledger(settings) as ledger:
        known = await known_case_ids(ledger, cases)
    now, new, past = whole_seconds(datetime.now(UTC)), 0, list[Foresight]()
    with _progress_bar("核对期限 / deadlines", len(cases), shown=way.shows_progress) as advance:
        for number, (process, opening) in enumerate(cases, 1):
            if case_id(process, opening) not in known:
                new += 1
                foreseen = foresee(process, opening, now)
                past += [foreseen] if foreseen.missed else []
            advance(number)
            await asyncio.sleep(0)  # or nobody could interrupt
    return _Foreseen(new, len(cases) - new, past)


def _say_dry_run(foreseen: _Foreseen, bad: list[tuple[Path, Rejected]], way: OpeningWay) -> None:
    if way.as_json:
        past = [foresight_as_json(case) for case in foreseen.past]
        print_json({"new": foreseen.new, "known": foreseen.known, "past": past, "rejected": _rows(bad)})
        return
    say_foresight(foreseen.past)
    for path, entry in bad[:_LISTED]:
        say(f"{path}:{entry.row.line}: {entry.reason}")
    say(
        f"{foreseen.new} 件将新建 / would be opened, {foreseen.known} 件此前已新建 / were opened before, "
        f"{len(foreseen.past)} 件已过期 / past a deadline; {len(bad)} 行被拒 / rows rejected"
    )
    lost = losses_in_words(foreseen.past)
    say(f"将记损失(以平台记录为准) / would book losses, unless the record differs: {lost}")


def _rows(bad: list[tuple[Path, Rejected]]) -> list[dict[str, Any]]:
    return [{"file": str(path), "line": entry.row.line, "reason": entry.reason} for path, entry in bad]


def _check(files: Sequence[Path], mapping: Path | None, rejected: Path | None) -> None:
    for path in files:
        suffix = path.suffix.lower()
        if suffix in _EXPORT_SUFFIXES and mapping is None:
            raise BadForm(f"{path}: 缺少 --mapping / an export needs --mapping, the file that maps its columns")
        if suffix not in _EXPORT_SUFFIXES and (mapping or rejected):
            raise BadForm(f"{path}: 不是导出表 / not an export: --mapping and --rejected are for .csv, .xlsx and .xls")
    if rejected and len(files) > 1:
        raise BadForm("--rejected: 一次只能有一个导出表 / expected a single export")
    if rejected and rejected.resolve() in [path.resolve() for path in (*files, mapping) if path]:
        raise BadForm(f"--rejected: {rejected} 会覆盖输入 / would overwrite an input file")


def _read(settings: Settings, files: Sequence[Path], mapping: Path, way: OpeningWay) -> list[Export]:
    export_mapping, shops = read_mapping(mapping), read_shops(settings.shops_file)
    exports = []
    for path in files:
        with _progress_bar(f"读取 / reading {path.name}", None, shown=way.shows_progress) as advance:
            exports.append(read_export(path, export_mapping, shops, advance))
    return exports


async def _open_exports(
    settings: Settings, exports: list[Export], rejected: Path | None, way: OpeningWay
) -> int | None:
    cases = _Several([export.cases for export in exports])
    bad = [(export.table.path, rejection) for export in exports for rejection in export.rejected]
    foreseen = await _foresee(settings, cases, way)
    if way.dry_run:
        _say_dry_run(foreseen, bad, way)
        return BAD_INPUT if bad else None
    if not may_lose(foreseen.past, yes=way.yes):
        return BAD_INPUT
    written = [write_rejected(export, rejected) for export in exports if export.rejected]
    results = await _open(settings, cases, quiet=way.as_json)
    if way.as_json:
        print_json({"cases": results, "rejected": _rows(bad), "rejected_files": [str(path) for path in written]})
    else:
        if len(results) <= _LISTED:
            _list(results)
        say(f"{_counts(results)}; {len(bad)} 行被拒 / rows rejected")
    if not bad:
        return None
    complain(f"{len(bad)} 行有误,改好再导入 / rows are wrong, correct and open them: {', '.join(map(str, written))}")
    return BAD_INPUT


class _Several(Sequence[tuple[Process, Opening]]):
    """The cases of several exports, one after the other, without a copy of them."""

    def __init__(self, parts: list[Openings]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[tuple[Process, Opening]]:
        return chain.from_iterable(self._parts)

    def __getitem__(self, number: Any) -> Any:
        return next(islice(self, number, None))


def _list(results: Results) -> None:
    for result in results:
        not_opened = result.get("why", "此前已新建 / was opened before")
        say(f"{result['case_id']}: {'已新建 / opened' if result['opened'] else not_opened}")


def _counts(results: Results) -> str:
    opened = sum(result["opened"] for result in results)
    return f"{opened} 件已新建 / opened, {len(results) - opened} 件此前已新建 / were opened before"


async def _open(settings: Settings, cases: Cases, *, quiet: bool) -> Results:
    done: Results = []
    if not cases:
        return done
    client = await connect()
    try:
        with _progress_bar("新建 / opening", len(cases), shown=sys.stderr.isatty() and not quiet) as advance:

            def on_result(result: dict[str, Any]) -> None:
                done.append(result)
                advance(len(done))

            with configured_ledger(settings) as ledger:
                return await open_cases(client, settings.task_queue, ledger, cases, on_result)
    except (RPCError, CaseError) as failed:
        why = case_error(failed) if isinstance(failed, RPCError) else failed
        raise OpeningStopped(f"{_progress(done, cases)}: {why}") from failed
    except asyncio.CancelledError:
        complain(f"interrupted: {_progress(done, cases)}")
        raise typer.Exit(INTERRUPTED) from None


def _progress(done: Results, cases: Cases) -> str:
    left = len(cases) - len(done)
    return f"{_counts(done)}, {left} 件未新建,再次运行即可继续 / not opened yet, run again to continue"


@contextmanager
def _progress_bar(what: str, total: int | None, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error, and yield the function that sets how much is done."""
    if not shown:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task(escape(what), total=total)
        yield lambda done: progress.update(task, completed=done)
