"""Arguments and options that several commands share."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")]
CaseId = Annotated[
    str,
    typer.Argument(
        metavar="CASE",
        help="The case: PROCESS/ID as `list` shows it, or a number alone: of the order, the after-sale, the case.",
    ),
]
RuleName = Annotated[str, typer.Argument(metavar="RULE", help="The rule, such as agree.")]
FormFields = Annotated[
    list[str] | None, typer.Option("--form", metavar="KEY=VALUE", help="A field of the form; repeatable.")
]
OrderId = Annotated[str | None, typer.Option(help="The order, in a case about several orders.")]
