"""``aftersales new-process``: write the skeleton of a process into a checkout."""

from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.output import say


def new_process_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, MARKETPLACE_TOPIC in lower case.")],
    platform: Annotated[
        str | None,
        typer.Option(metavar="MARKETPLACE", help="Its marketplace (default: the one that the name begins with)."),
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="中文", help="Its Chinese name (default: NAME).")] = None,
) -> None:
    """Write the skeleton of a process: chart, case, workflow, activities, scenario, test, rule book, registration."""
    from aftersales.authoring.skeleton import checked_label, checkout, marketplace, write_skeleton

    async def work() -> None:
        root = checkout()
        for path in write_skeleton(root, name, marketplace(name, platform), checked_label(label or name)):
            say(path)
        say(f"next: aftersales rulebook --check {name}; aftersales rulebook {name} --write docs/rulebook")

    run(work())
