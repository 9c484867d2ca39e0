"""``aftersales sandbox``: act as buyer, platform and clock in the sandbox that `up` runs."""

from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson


def sandbox_command(
    own_id: Annotated[str | None, typer.Argument(metavar="ID", help="An after-sale (default: list all).")] = None,
    action: Annotated[
        str | None,
        typer.Argument(metavar="ACTION", help="What happens to it, such as sign, withdraw or rule-refund."),
    ] = None,
    form: Annotated[
        list[str] | None, typer.Option("--form", metavar="KEY=VALUE", help="A field of the action; repeatable.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="A buyer applies: --form shop_id=.. reason=.. amount=..")
    ] = False,
    advance: Annotated[str | None, typer.Option(help="Move the sandbox's clock forward, such as 48h.")] = None,
    as_json: AsJson = False,
) -> None:
    """Act as buyer, platform and clock in the sandbox that `up` runs: list, show, or perform an action."""
    from aftersales.cli.trials import refuse_without_sandbox

    async def work() -> None:
        refuse_without_sandbox()
        from aftersales.cli.running.playing import play

        await play(own_id, action, form or [], apply=apply, advance=advance, as_json=as_json)

    run(work())
