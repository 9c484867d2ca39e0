"""``aftersales replay``: whether cases that older code has begun go on with the present code."""

from pathlib import Path
from typing import Annotated

import typer

from aftersales.cli.exit_status import REFUSED, run
from cases.errors import BadForm


def replay_command(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="Recorded histories, JSON.")] = None,
    case: Annotated[str | None, typer.Option(metavar="CASE", help="A case of the connected server.")] = None,
    all_open: Annotated[bool, typer.Option("--open", help="The open cases of the connected server.")] = False,
    at_most: Annotated[
        int | None,
        typer.Option("--sample", metavar="N", min=1, help="With --open: at most N cases of every process and state."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --open: also keep the histories in a folder.")
    ] = None,
    folder: Annotated[Path | None, typer.Option("--from", metavar="DIR", help="Histories kept with --save.")] = None,
) -> None:
    """Replay histories with the current code and compare their content. Exit status 1: something changed."""
    from aftersales.cli.rules.replaying import replay_each, replay_folder, replay_open

    async def work() -> int:
        if not files and case is None and not all_open and folder is None:
            raise BadForm("expected history files, --case CASE, --open, or --from DIR")
        if not all_open and (at_most is not None or save is not None):
            raise BadForm("--sample and --save: only with --open")
        changed = await replay_each(files or [], case)
        if folder is not None:
            changed += await replay_folder(folder)
        if all_open:
            changed += await replay_open(at_most, save)
        return REFUSED if changed else 0

    run(work())
