"""``aftersales backup``, ``restore`` and ``missing``: what a machine keeps outlives it, and what is lost is told."""

from pathlib import Path
from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.")]


def backup_command(folder: Folder) -> None:
    """Copy ledger, inbox, notices, tokens and the embedded server's cases into an empty folder, while all runs."""
    from aftersales.cli.keeping.keeping import make_backup

    run(make_backup(folder))


def restore_command(folder: Folder) -> None:
    """Put a backup into AFTERSALES_DATA_DIR, which must be empty. Nothing may run on it."""
    from aftersales.cli.keeping.keeping import put_back

    run(put_back(folder))


def missing_command(
    forget: Annotated[
        bool, typer.Option("--forget", help="Let these cases be opened again, by a message, a look or a file.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the cases that the ledger takes for open and Temporal does not have. Exit status 1: there are some."""
    from aftersales.cli.keeping.keeping import list_missing

    run(list_missing(forget=forget, as_json=as_json))
