"""The commands that need no open case: simulate and rulebook."""

from pathlib import Path
from typing import Annotated

import typer

from aftersales.cli.exit_status import REFUSED, run
from aftersales.cli.options import AsJson
from aftersales.cli.output import complain, print_json


def simulate_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scenario, YAML or JSON.")], as_json: AsJson = False
) -> None:
    """Play a case under virtual time, with the real workflow and server. Exit status 1: an expectation failed."""
    from aftersales.cli.rules.render_simulation import print_simulation
    from aftersales.cli.rules.rulebooks import warn_of_faults
    from aftersales.runtime.telemetry.logs import configure_logs
    from aftersales.simulation.scenario import Scenario
    from aftersales.simulation.simulation import simulate

    async def work() -> int:
        configure_logs("CRITICAL", "console")
        warn_of_faults()
        result, failed = await simulate(Scenario(file))
        if as_json:
            print_json(result)
        else:
            print_simulation(result)
        for line in failed:
            complain(line)
        return REFUSED if failed else 0

    run(work())


def rulebook_command(
    process: Annotated[str | None, typer.Argument(metavar="PROCESS", help="A process (default: all).")] = None,
    write: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write the documents to a folder.")] = None,
    by_state: Annotated[
        bool,
        typer.Option("--by-state", help="Print by state what may be done, until when, and what happens otherwise."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check the invariants instead. Exit status 1: something is wrong.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a process's rules and every figure of its policy, with its source and provenance."""
    from aftersales.cli.rules.rulebooks import check_processes, print_rulebooks, write_rulebooks

    async def work() -> int:
        if check:
            return check_processes(process)
        if write:
            write_rulebooks(process, write)
        else:
            print_rulebooks(process, by_state=by_state, as_json=as_json)
        return 0

    run(work())
