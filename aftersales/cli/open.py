"""``aftersales open``: open cases from case files and from exports of back offices."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from temporalio.service import RPCError

from aftersales.cli.exit_status import BAD_INPUT, INTERRUPTED, case_error, run
from aftersales.cli.options import AsJson
from aftersales.cli.output import complain, print_json, say
from aftersales.importing.batch import open_cases
from aftersales.importing.case_files import read_cases, read_shops
from aftersales.importing.exports import Export, read_export, write_rejected
from aftersales.importing.mapping import read_mapping
from aftersales.ledger.configured import configured_ledger
from aftersales.runtime.connection import connect
from aftersales.runtime.settings import Settings, load_settings
from cases.errors import BadForm, CaseError
from cases.messages import Opening
from workflows.engine.process import Process

_EXPORT_SUFFIXES, _OLD_SUFFIX = (".csv", ".xlsx"), ".xls"
_LISTED = 20  # more cases of an export are only counted

Cases = list[tuple[Process, Opening]]
Results = list[dict[str, Any]]


class OpeningStopped(CaseError):
    """Opening ended midway; the cases opened so far stay open, and running the command again continues."""


def open_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Case files in YAML or JSON, or exports in CSV or .xlsx.")
    ],
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The YAML file that maps columns of the exports to fields.")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write rejected rows to this file instead of beside the export.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open cases from files; cases opened before stay as they are. Rejected rows of an export are written to a file."""

    async def work() -> int | None:
        settings = load_settings()
        _check(files, mapping, rejected)
        if mapping is not None:
            return await _open_exports(settings, _read(settings, files, mapping), rejected, as_json=as_json)
        results = await _open(settings, read_cases(files, settings), quiet=as_json)
        if as_json:
            print_json(results)
        else:
            _list(results)
        return None

    run(work())


def _check(files: Sequence[Path], mapping: Path | None, rejected: Path | None) -> None:
    for path in files:
        suffix = path.suffix.lower()
        if suffix == _OLD_SUFFIX:
            raise BadForm(f"{path}: 旧版 .xls 不能读取,请另存为 .xlsx / .xls cannot be read: save it as .xlsx")
        if suffix in _EXPORT_SUFFIXES and mapping is None:
            raise BadForm(f"{path}: 缺少 --mapping / an export needs --mapping, the file that maps its columns")
        if suffix not in _EXPORT_SUFFIXES and (mapping or rejected):
            raise BadForm(f"{path}: 不是导出表 / not an export: --mapping and --rejected are for .csv and .xlsx")
    if rejected and len(files) > 1:
        raise BadForm("--rejected: 一次只能有一个导出表 / expected a single export")
    if rejected and rejected.resolve() in [path.resolve() for path in (*files, mapping) if path]:
        raise BadForm(f"--rejected: {rejected} 会覆盖输入 / would overwrite an input file")


def _read(settings: Settings, files: Sequence[Path], mapping: Path) -> list[Export]:
    export_mapping, shops = read_mapping(mapping), read_shops(settings.shops_file)
    return [read_export(path, export_mapping, shops) for path in files]


async def _open_exports(
    settings: Settings, exports: list[Export], rejected: Path | None, *, as_json: bool
) -> int | None:
    written = [write_rejected(export, rejected) for export in exports if export.rejected]
    results = await _open(settings, [case for export in exports for case in export.cases], quiet=as_json)
    bad = [(export.table.path, rejection) for export in exports for rejection in export.rejected]
    if as_json:
        rows = [{"file": str(path), "line": entry.row.line, "reason": entry.reason} for path, entry in bad]
        print_json({"cases": results, "rejected": rows, "rejected_files": [str(path) for path in written]})
    else:
        if len(results) <= _LISTED:
            _list(results)
        say(f"{_counts(results)}; {len(bad)} 行被拒 / rows rejected")
    if not bad:
        return None
    complain(f"{len(bad)} 行有误,改好再导入 / rows are wrong, correct and open them: {', '.join(map(str, written))}")
    return BAD_INPUT


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
        with _progress_bar(len(cases), shown=sys.stderr.isatty() and not quiet) as advance:

            def on_result(result: dict[str, Any]) -> None:
                done.append(result)
                advance()

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
def _progress_bar(total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error, and yield the function that advances it by one."""
    if not shown:
        yield lambda: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)
