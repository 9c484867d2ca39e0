"""``aftersales month``: a month's figures from the ledger, as tables, JSON, CSV or an HTML page."""

from pathlib import Path
from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson


def month_command(
    month: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="The month by Shanghai's calendar (default: the current one)."),
    ] = None,
    shop: Annotated[str | None, typer.Option(help="Only this shop.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures as CSV for spreadsheets.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML page with charts.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a month's figures per shop from the ledger.

    Cases, deadlines, decisions by operator, money by clause, appeals, weekly scores.
    """
    from aftersales.cli.ledger.printing_month import print_month

    run(print_month(month, shop, csv, html, as_json=as_json))
