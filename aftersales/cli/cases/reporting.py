"""A message from its platform as ``aftersales report`` sends it to a case."""

from datetime import UTC, datetime
from typing import Any

from aftersales.cli.cases.case_numbers import case_and_what_is_sent
from aftersales.cli.output import print_json, say
from aftersales.cli.reading import read_form, read_instant
from aftersales.runtime.client.sender_header import operator
from aftersales.runtime.settings import load_settings
from aftersales.runtime.temporal.connection import connect
from cases.errors import BadForm
from workflows.engine.limits import refuse_oversized
from workflows.registry import process_of


async def report(  # noqa: PLR0913 - every option of the command line is a parameter
    number: str | None,
    rule: str | None,
    form: list[str],
    *,
    order: str | None,
    message_id: str | None,
    occurred_at: str | None,
    deadline: str | None,
    as_json: bool,
) -> None:
    """Send a message to the case with a number."""
    if number is None:
        raise BadForm("report: CASE is missing; for a month's figures run `aftersales month`")
    if rule is None and deadline is None:
        raise BadForm("expected RULE, or --deadline alone")

    def message(case: str) -> dict[str, Any]:
        process, now = process_of(case.partition("/")[0]), datetime.now(UTC)
        if rule is not None and rule not in process.rules:
            raise BadForm(f"{rule!r} is not a rule of {process.name}; expected one of: {', '.join(process.rules)}")
        values = {
            "rule": rule,
            "form": read_form(process, rule, form, now) if form and rule else None,
            "order": order,
            "message_id": message_id,
            "occurred_at": read_instant("--occurred-at", occurred_at, now),
            "deadline": read_instant("--deadline", deadline, now),
        }
        told = {name: value for name, value in values.items() if value is not None}
        refuse_oversized(told, "report")
        return told

    sender = operator(load_settings().operator)
    client, case, told = await case_and_what_is_sent(number, lambda: connect(sender=sender), message)
    await client.get_workflow_handle(case).signal("report", told)
    if as_json:
        print_json({"case_id": case, "handed_over": True})
    else:
        say(f"{case}: 已发送 / sent")
