"""``aftersales report``: send a case a message from its platform."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson, FormFields, OrderId, read_form, read_instant
from aftersales.cli.output import print_json, say
from aftersales.runtime.connection import connect
from aftersales.runtime.sender_header import operator
from aftersales.runtime.settings import load_settings
from cases.errors import BadForm
from workflows.engine.limits import refuse_oversized
from workflows.registry import process_of


def report_command(  # noqa: PLR0913, PLR0917 - every option of the command line is a parameter
    case: Annotated[
        str | None, typer.Argument(metavar="CASE", help="The case id, PROCESS/ID, as `list` shows it; required.")
    ] = None,
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

    async def work() -> None:
        if case is None:
            raise BadForm("report: CASE is missing; for a month's figures run `aftersales month`")
        process, now = process_of(case.partition("/")[0]), datetime.now(UTC)
        if rule is None and deadline is None:
            raise BadForm("expected RULE, or --deadline alone")
        if rule is not None and rule not in process.rules:
            raise BadForm(f"{rule!r} is not a rule of {process.name}; expected one of: {', '.join(process.rules)}")
        message = {
            "rule": rule,
            "form": read_form(process, rule, form, now) if form and rule else None,
            "order": order,
            "message_id": message_id,
            "occurred_at": read_instant("--occurred-at", occurred_at, now),
            "deadline": read_instant("--deadline", deadline, now),
        }
        told = {name: value for name, value in message.items() if value is not None}
        refuse_oversized(told, "report")
        handle = (await connect(sender=operator(load_settings().operator))).get_workflow_handle(case)
        await handle.signal("report", told)
        if as_json:
            print_json({"case_id": case, "handed_over": True})
        else:
            say(f"{case}: 已发送 / sent")

    run(work())
