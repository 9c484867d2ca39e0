"""The command `report`: with a case, what its platform says; without one, a month's figures."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from aftersales.cli.cases import AsJson, Given, OrderId
from aftersales.cli.errors import run
from aftersales.cli.forms import given_form, given_instant
from aftersales.cli.month import tell_month
from aftersales.cli.output import print_json, say
from aftersales.runtime.connection import connect
from cases.errors import BadForm
from workflows.registry import process_of


def report_command(  # noqa: PLR0913, PLR0917 - every option of the command line is an argument
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="The case that the platform speaks of.")] = None,
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="The rule; none for a deadline alone.")] = None,
    form: Given = None,
    order: OrderId = None,
    message_id: Annotated[str | None, typer.Option(help="The platform's message id: taken once.")] = None,
    occurred_at: Annotated[
        str | None, typer.Option(help="When it happened: an instant, or an offset such as -1h.")
    ] = None,
    deadline: Annotated[str | None, typer.Option(help="The platform's own deadline: an instant or an offset.")] = None,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="Without CASE: the month, of Shanghai's calendar; else this.")
    ] = None,
    shop: Annotated[str | None, typer.Option(help="Without CASE: only this shop.")] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Without CASE: write all figures there, for a spreadsheet.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Without CASE: write a page with plots there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Without CASE tell a month's figures from the ledger, by shop: cases, deadlines, money by rule, appeals, scores.

    With CASE report what its platform says, as its messages do; what does not apply is kept on the case as ignored.
    """
    said = {
        "--form": form,
        "--order": order,
        "--message-id": message_id,
        "--occurred-at": occurred_at,
        "--deadline": deadline,
    }
    asked = {"--month": month, "--shop": shop, "--csv": csv, "--html": html}

    async def work() -> None:
        if case is None:
            _refuse(said, "needs a CASE")
            tell_month(month, shop, csv, html, json_only=as_json)
            return
        _refuse(asked, "is of no use with a CASE")
        message = _message(case, rule, form, said)
        handle = (await connect()).get_workflow_handle(case)
        await handle.signal("report", {name: each for name, each in message.items() if each is not None})
        if as_json:
            print_json({"case_id": case, "handed_over": True})
        else:
            say(f"{case}: 已转达 / handed over")

    run(work())


def _refuse(options: dict[str, Any], why: str) -> None:
    for name, given in options.items():
        if given:
            raise BadForm(f"{name} {why}; see: aftersales report --help")


def _message(case: str, rule: str | None, form: list[str] | None, said: dict[str, Any]) -> dict[str, Any]:
    process, now = process_of(case.partition("/")[0]), datetime.now(UTC)
    if rule is None and said["--deadline"] is None:
        raise BadForm("expected a rule, or --deadline alone")
    if rule is not None and rule not in process.rules:
        raise BadForm(f"{rule!r} is no rule; expected one of: {', '.join(process.rules)}")
    return {
        "rule": rule,
        "form": given_form(process, rule, form, now) if form and rule else None,
        "order": said["--order"],
        "message_id": said["--message-id"],
        "occurred_at": given_instant("--occurred-at", said["--occurred-at"], now),
        "deadline": given_instant("--deadline", said["--deadline"], now),
    }
