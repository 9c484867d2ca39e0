"""One update for every rule that is not a clock, made from the chart: what the Web UI offers an operator (G-4)."""

from collections.abc import Callable
from typing import Any

from temporalio import workflow

from statecharts.rules import Rule
from workflows.engine.addressing import ORDER
from workflows.engine.process import Process


def description(process: Process, rule: Rule) -> str:
    """What an operator reads beside an update's name: label, clauses and fields; others' rules are records."""
    label = process.action_label(rule.id)
    fields = process.case.form_type(rule.form).model_fields
    asked = [name + ("" if field.is_required() else "?") for name, field in fields.items()]
    if process.names_order(rule.id):
        asked.insert(0, ORDER)
    return f"{label} ({', '.join(rule.clauses)})" + (f" · {{{', '.join(asked)}}}" if asked else "")


def add_updates(owner: type, process: Process) -> None:
    """Give a workflow class the updates of its chart."""
    for name, rule in process.rules.items():
        if rule.clock is None:
            setattr(owner, f"update_{name}", _update(name, description(process, rule)))


def _update(rule: str, described: str) -> Callable[..., Any]:
    async def handle(self: Any, form: Any = None) -> Any:
        return self.fire(rule, form)

    def validate(self: Any, form: Any = None) -> None:
        self.may_fire(rule, form)

    handle.__name__, validate.__name__ = rule, f"may_{rule}"
    handler = workflow.update(name=rule, description=described)(handle)
    handler.validator(validate)
    return handler
