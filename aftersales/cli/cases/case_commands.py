"""The commands on open cases: list, show, act."""

from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson, CaseId, FormFields, OrderId, RuleName


def list_command(
    process: Annotated[str | None, typer.Option(help="Only cases of this process.")] = None,
    shop: Annotated[str | None, typer.Option(help="Only cases of this shop.")] = None,
    order: Annotated[str | None, typer.Option(help="Only cases about this order.")] = None,
    closed: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many cases.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List cases by deadline, nearest first."""
    from aftersales.cli.cases.case_list import list_cases

    run(list_cases(process, shop, order, limit, closed=closed, as_json=as_json))


def show_command(case: CaseId, as_json: AsJson = False) -> None:
    """Show a case: its state, deadlines, possible actions and history."""
    from aftersales.cli.cases.showing import show_case

    run(show_case(case, as_json=as_json))


def act_command(  # noqa: PLR0913, PLR0917 - every option of the command line is a parameter
    case: CaseId,
    rule: RuleName,
    form: FormFields = None,
    order: OrderId = None,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who decides (AFTERSALES_OPERATOR, else the user of this machine)."),
    ] = None,
    occurred_at: Annotated[
        str | None, typer.Option(help="When it was done in truth, if before now: an instant, or an offset such as -1h.")
    ] = None,
    update_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Ask for the answer to a decision sent before; send it if it never arrived."),
    ] = None,
    patience: Annotated[
        str | None, typer.Option(metavar="LENGTH", help="How long to wait for the answer, such as 1m (default: 16s).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a decision: fire a rule of a case.

    Exit status 1: the rules or the platform refused it. 3: no answer came, it may have been taken.
    """
    from aftersales.cli.cases.acting import act

    run(
        act(
            case,
            rule,
            form or [],
            order=order,
            occurred_at=occurred_at,
            name=name,
            update_id=update_id,
            patience=patience,
            as_json=as_json,
        )
    )
