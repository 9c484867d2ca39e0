"""The command that opens cases, from case files and from a marketplace's exports."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from temporalio.service import RPCError

from aftersales.cli.cases import AsJson
from aftersales.cli.errors import BAD_INPUT, INTERRUPTED, run, unanswered
from aftersales.cli.output import complain, print_json, say
from aftersales.importing.batch import open_cases
from aftersales.importing.case_files import read_cases, read_shops
from aftersales.importing.exports import Export, read_export, write_rejected
from aftersales.importing.mapping import read_mapping
from aftersales.runtime.connection import connect
from aftersales.runtime.settings import Settings, load_settings
from cases.errors import BadForm, CaseError
from cases.messages import Opening
from workflows.engine.process import Process

EXPORTS, TOO_OLD = (".csv", ".xlsx"), ".xls"
NAMED = 20
"""Of so many cases of an export each is named."""

Cases = list[tuple[Process, Opening]]
Results = list[dict[str, Any]]


class Stopped(CaseError):
    """Opening ended midway: what was opened stays, and running again goes on."""


def open_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Case files, YAML or JSON; or exports, CSV or .xlsx.")
    ],
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Which column of the exports each field is, in YAML.")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write rejected rows there, not beside the export.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open the cases of files; a case that is open already stays as it is. Wrong rows of an export go to a file."""

    async def work() -> int | None:
        settings = load_settings()
        _check(files, mapping, rejected)
        if mapping is not None:
            return await _open_exports(settings, _read(settings, files, mapping), rejected, as_json)
        results = await _open(settings, read_cases(files, settings), quiet=as_json)
        if as_json:
            print_json(results)
        else:
            _name(results)
        return None

    run(work())


def _check(files: Sequence[Path], mapping: Path | None, rejected: Path | None) -> None:
    for each in files:
        suffix = each.suffix.lower()
        if suffix == TOO_OLD:
            raise BadForm(f"{each}: 旧版 .xls 不能读取,请另存为 .xlsx / .xls cannot be read: save it as .xlsx")
        if suffix in EXPORTS and mapping is None:
            raise BadForm(f"{each}: 缺少 --mapping / an export needs --mapping, which says what its columns are")
        if suffix not in EXPORTS and (mapping or rejected):
            raise BadForm(f"{each}: 不是导出表 / is a case file: --mapping and --rejected go with .csv and .xlsx")
    if rejected and len(files) > 1:
        raise BadForm("--rejected: 一次只能有一个导出表 / expected one export alone")
    if rejected and rejected.resolve() in [each.resolve() for each in (*files, mapping) if each]:
        raise BadForm(f"--rejected: {rejected} 会覆盖输入 / would overwrite what is read")


def _read(settings: Settings, files: Sequence[Path], mapping: Path) -> list[Export]:
    known, shops = read_mapping(mapping), read_shops(settings.shops_file)
    return [read_export(each, known, shops) for each in files]


async def _open_exports(settings: Settings, exports: list[Export], rejected: Path | None, as_json: bool) -> int | None:  # noqa: FBT001
    written = [write_rejected(each, rejected) for each in exports if each.rejected]
    results = await _open(settings, [each for export in exports for each in export.cases], quiet=as_json)
    bad = [(export.table.path, each) for export in exports for each in export.rejected]
    if as_json:
        rows = [{"file": str(path), "line": each.row.line, "reason": each.reason} for path, each in bad]
        print_json({"cases": results, "rejected": rows, "rejected_files": [str(each) for each in written]})
    else:
        if len(results) <= NAMED:
            _name(results)
        say(f"{_counted(results)}; {len(bad)} 行被拒 / rows rejected")
    if not bad:
        return None
    complain(f"{len(bad)} 行有误,改后再打开 / rows are wrong, mend and open them: {', '.join(map(str, written))}")
    return BAD_INPUT


def _name(results: Results) -> None:
    for each in results:
        say(f"{each['case_id']}: {'已打开 / opened' if each['opened'] else '早已打开 / was opened before'}")


def _counted(results: Results) -> str:
    opened = sum(each["opened"] for each in results)
    return f"{opened} 件已打开 / opened, {len(results) - opened} 件早已打开 / were opened before"


async def _open(settings: Settings, cases: Cases, *, quiet: bool) -> Results:
    done: Results = []
    if not cases:
        return done
    client = await connect()
    try:
        with _bar(len(cases), shown=sys.stderr.isatty() and not quiet) as advance:

            def opened(result: dict[str, Any]) -> None:
                done.append(result)
                advance()

            return await open_cases(client, settings, cases, opened)
    except (RPCError, CaseError) as failed:
        why = unanswered(failed) if isinstance(failed, RPCError) else failed
        raise Stopped(f"{_stopped(done, cases)}: {why}") from failed
    except asyncio.CancelledError:
        complain(f"interrupted: {_stopped(done, cases)}")
        raise typer.Exit(INTERRUPTED) from None


def _stopped(done: Results, cases: Cases) -> str:
    left = len(cases) - len(done)
    return f"{_counted(done)}, {left} 件未打开,再次运行即继续 / not yet, run again to go on"


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error; calling what it yields moves it on by one."""
    if not shown:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)
