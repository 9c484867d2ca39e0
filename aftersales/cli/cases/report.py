"""``aftersales report``: send a case a message from its platform."""

from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson, FormFields, OrderId


def report_command(  # noqa: PLR0913, PLR0917 - every option of the command line is a parameter
    case: Annotated[str | None, typer.Argument(metavar="CASE", help="The case, as for `act`; required.")] = None,
    rule: Annotated[
        str | None, typer.Argument(metavar="RULE", help="The rule that fired; omit it to report a deadline alone.")
    ] = None,
    form: FormFields = None,
    order: OrderId = None,
    message_id: Annotated[
        str | None, typer.Option(help="The platform's message id; a repeated one has no effect.")
    ] = None,
    occurred_at: Annotated[
        str | None, typer.Option(help="When it happened: an instant, or an offset such as -1h.")
    ] = None,
    deadline: Annotated[str | None, typer.Option(help="The platform's own deadline: an instant or an offset.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send a case a message from its platform. One that does not apply is kept on the case as ignored."""
    from aftersales.cli.cases.reporting import report

    run(
        report(
            case,
            rule,
            form or [],
            order=order,
            message_id=message_id,
            occurred_at=occurred_at,
            deadline=deadline,
            as_json=as_json,
        )
    )
