"""``aftersales open``: open cases from case files and from exports of back offices."""

from pathlib import Path
from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson


def open_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Case files in YAML or JSON, or exports in CSV, .xlsx or .xls.")
    ],
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The YAML file that maps columns of the exports to fields.")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write rejected rows to this file instead of beside the export.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be opened, what is past its deadline, what that books."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before past deadlines of the opened cases book losses.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open cases from files; cases opened before stay as they are. Rejected rows of an export are written to a file."""
    from aftersales.cli.opening.bulk_opening import OpeningWay, open_files

    run(open_files(files, mapping, rejected, OpeningWay(dry_run=dry_run, yes=yes, as_json=as_json)))
