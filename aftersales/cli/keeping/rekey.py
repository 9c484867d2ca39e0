"""``aftersales rekey``: change the keys that encrypt what Temporal stores."""

from pathlib import Path
from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson


def rekey_command(
    add: Annotated[str | None, typer.Option(metavar="ID", help="Add a new key, which decrypts only.")] = None,
    use: Annotated[str | None, typer.Option(metavar="ID", help="Let a key of the file encrypt from now on.")] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="NAME", help="Add a token for somebody who may use the codec server.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="The file of keys (AFTERSALES_KEYS_FILE).")] = None,
    as_json: AsJson = False,
) -> None:
    """Change the file of keys; without an option, say which keys are still needed. Exit status 1: one is missing."""
    from aftersales.cli.keeping.key_changes import rekey

    run(rekey(file, add=add, use=use, reader=reader, as_json=as_json))
