"""``aftersales bill``: enter what platforms have billed, from CSV files."""

from pathlib import Path
from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson
from aftersales.cli.output import print_json, say


def bill_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="CSV files in UTF-8 with a header line.")],
    as_json: AsJson = False,
) -> None:
    """Enter bills of platforms in the ledger, once per shop and number, and match them with the expected entries."""
    from aftersales.cli.ledger.bills import bills_in_words, read_bills
    from aftersales.ledger.store import SqlLedger
    from aftersales.runtime.settings import load_settings

    async def work() -> None:
        bills = [bill for path in files for bill in read_bills(path)]
        with SqlLedger(load_settings().ledger_address) as ledger:
            booked = [ledger.bill(bill) for bill in bills]
        if as_json:
            print_json([entry.model_dump(mode="json") for entry in booked])
        else:
            say(bills_in_words(booked))

    run(work())
