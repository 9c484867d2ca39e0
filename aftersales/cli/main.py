"""The `aftersales` command: the list of its subcommands, and how the process ends."""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from aftersales.cli.exit_status import BAD_INPUT, why_not_written
from aftersales.cli.output import complain, write_what_can_be_written
from aftersales.runtime.telemetry.tracing import stop_tracing
from cases.plain_text import plain_lines

_MADE_BEFORE_COLLECTING = 20_000
"""Objects made until garbage is looked for: imports make a great many that all stay, a tenth of a command's time."""


class CommandSource(NamedTuple):
    """A module of ``aftersales.cli`` and the line that ``aftersales --help`` shows.

    The command ``name`` is the module's function ``name_command``.
    """

    module: str
    summary: str


COMMANDS = {
    "up": CommandSource("running.servers", "Run everything on this machine until Ctrl-C."),
    "worker": CommandSource("running.servers", "Run a worker against the configured Temporal server."),
    "gateway": CommandSource("running.servers", "Receive the platforms' messages until Ctrl-C."),
    "desk": CommandSource("running.desk", "Serve the desk, the page on which clerks work their cases."),
    "codec": CommandSource("running.servers", "Decrypt for the Web UI and the `temporal` command."),
    "sandbox": CommandSource("running.sandbox", "Play buyer, platform and clock in the sandbox that `up` runs."),
    "open": CommandSource("opening.open", "Open cases from files."),
    "list": CommandSource("cases.case_commands", "List cases by deadline, nearest first."),
    "show": CommandSource("cases.case_commands", "Show a case: its state, deadlines, possible actions and history."),
    "act": CommandSource("cases.case_commands", "Make a decision: fire a rule of a case."),
    "revive": CommandSource("cases.revive", "Bring back a case whose workflow was terminated or failed."),
    "report": CommandSource("cases.report", "Send a case a message from its platform."),
    "month": CommandSource("ledger.month", "Print a month's figures per shop from the ledger."),
    "bill": CommandSource("ledger.bill", "Enter the platforms' bills in the ledger."),
    "simulate": CommandSource("rules.checks", "Play a scenario under virtual time."),
    "rulebook": CommandSource("rules.checks", "Print the rules and figures of a process."),
    "new-process": CommandSource("rules.new_process", "Write the skeleton of a new process."),
    "migrate": CommandSource("ledger.migrate", "Create or migrate the ledger's tables."),
    "setup": CommandSource("running.setup", "Register the search attributes and print links to useful views."),
    "rekey": CommandSource("keeping.rekey", "Change the keys that encrypt what Temporal stores."),
    "backup": CommandSource("keeping.backup", "Copy what this machine keeps into a folder."),
    "restore": CommandSource("keeping.backup", "Put a backup into an empty data folder."),
    "missing": CommandSource("keeping.backup", "List the cases that Temporal has lost."),
    "replay": CommandSource("rules.replay", "Replay histories or all open cases with the current code."),
}


def load_command(name: str) -> TyperCommand:
    """Import a command's module and return the command."""
    function = getattr(import_module(f"aftersales.cli.{COMMANDS[name].module}"), f"{name.replace('-', '_')}_command")
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name)(function)
    command = get_command(single)
    assert isinstance(command, TyperCommand)  # noqa: S101 - a Typer with one command is that command
    return command


class LazyCommand(TyperCommand):
    """A command whose module is imported only to run, complete or describe it."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Import the command and make its context."""
        return load_command(str(self.name)).make_context(*arguments, **options)


class LazyGroup(TyperGroup):
    """The group of COMMANDS, which lists them by their summaries."""

    def __init__(self, **attributes: Any) -> None:
        """List COMMANDS, since none is registered with Typer."""
        commands = [LazyCommand(name, short_help=source.summary) for name, source in COMMANDS.items()]
        super().__init__(**{**attributes, "commands": commands})


app = typer.Typer(
    name="aftersales",
    cls=LazyGroup,
    help="After-sales cases of Chinese marketplaces, each a durable workflow that keeps the platform's clocks.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(value: bool) -> None:  # noqa: FBT001 - as typer calls it
    if value:
        from importlib.metadata import version

        typer.echo(f"aftersales {version('aftersales')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command and exit at once: Temporal's client may abort a short-lived process while it shuts down."""
    gc.set_threshold(_MADE_BEFORE_COLLECTING)
    write_what_can_be_written()
    status: object = 0
    try:
        app()
    except SystemExit as done:
        status = done.code
    except OSError as failed:  # of this machine: a full disk, an output that is gone
        status = _not_written(failed)
    except BaseException as bug:  # noqa: BLE001 - print where it happened, and end in the same way
        from aftersales.runtime.telemetry.log_privacy import outline

        print(plain_lines(outline((type(bug), bug, bug.__traceback__))), file=sys.stderr)  # noqa: T201
        status = 1
    stop_tracing()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as failed:
            status = status or _not_written(failed)
    os._exit(status if isinstance(status, int) else int(status is not None))


def _not_written(failed: OSError) -> int:
    """Say which output cannot be written, and return the exit status; nobody reads what a closed pipe would say."""
    if isinstance(failed, BrokenPipeError):
        return 1
    with suppress(OSError):
        complain(why_not_written(failed))
    return BAD_INPUT


if __name__ == "__main__":
    main()
