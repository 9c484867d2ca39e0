"""The `aftersales` command: every subcommand, and how the process ends."""

import os
import sys
import traceback
from collections.abc import Callable

import typer

from aftersales.cli.bill import bill_command
from aftersales.cli.cases import act_command, list_command, show_command
from aftersales.cli.checks import replay_command, rulebook_command, simulate_command
from aftersales.cli.gateway import gateway_command
from aftersales.cli.new_process import new_process_command
from aftersales.cli.open import open_command
from aftersales.cli.report import report_command
from aftersales.cli.sandbox import sandbox_command
from aftersales.cli.service import setup_command, worker_command
from aftersales.cli.up import up_command

app = typer.Typer(
    name="aftersales",
    help="After-sales cases of Chinese marketplaces, each a durable workflow that keeps the platform's clocks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS: dict[str, Callable[..., None]] = {
    "up": up_command,
    "worker": worker_command,
    "gateway": gateway_command,
    "sandbox": sandbox_command,
    "open": open_command,
    "list": list_command,
    "show": show_command,
    "act": act_command,
    "report": report_command,
    "bill": bill_command,
    "simulate": simulate_command,
    "rulebook": rulebook_command,
    "new-process": new_process_command,
    "setup": setup_command,
    "replay": replay_command,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def main() -> None:
    """Run the command and end at once: Temporal's client may abort a short-lived process on its way out."""
    status: object = 0
    try:
        app()
    except SystemExit as done:
        status = done.code
    except BaseException:  # noqa: BLE001 - a fault of ours: told in full, and ended in the same way
        traceback.print_exc()
        status = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        status = status or 1
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    main()
