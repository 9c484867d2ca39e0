"""控制台任务: the steps for which a platform has no interface, and that somebody does in its back office (G-8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import Field
from temporalio.client import Client

from aftersales.desk.access.users import User
from aftersales.desk.handling.case_reading import CaseReader, facts_of
from aftersales.desk.handling.consequences import consequence_of
from aftersales.desk.handling.happenings import marks_of
from aftersales.desk.handling.permission import CaseTask, refusal
from aftersales.desk.sections.case_parts import ONLY_DONE, PossibleAction, StuckPart, results_of, stuck_parts
from aftersales.runtime.client.case_search import OPEN, of_processes, one_of, quoted
from aftersales.runtime.client.nearest_cases import deadline_of
from cases.models import Strict
from workflows.engine import search_attributes as sa
from workflows.engine.view import CaseView
from workflows.registry import PROCESSES, process_of

TASKS_SHOWN: Final = 100
"""Cases whose tasks are shown at once, the most urgent first."""
MOST_LISTED: Final = 1000
READING_SECONDS: Final = 5.0
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class TaskFilters(Strict):
    """Whose tasks are shown; empty: all."""

    shop: str = Field(default="", max_length=64)
    process: str = Field(default="", max_length=64)


@dataclass(frozen=True)
class WaitingTask:
    """A step that waits for somebody in the back office.

    ``results`` are the actions that register what came of it; ``registers`` is what counts if it is only marked as
    done.  ``barred``: why this user may not mark it.
    """

    case: CaseView
    step: StuckPart
    order: str | None
    shop: str
    deadline: datetime | None
    results: Sequence[PossibleAction]
    registers: str
    seen: str
    barred: str | None


@dataclass(frozen=True)
class TaskList:
    """The tasks that wait; ``unread`` are the cases that could not be read in time, ``more`` those not shown."""

    tasks: Sequence[WaitingTask]
    unread: Sequence[str]
    more: int


async def waiting_tasks(client: Client, reader: CaseReader, user: User, filters: TaskFilters) -> TaskList:
    """Return the tasks that a user sees, by the deadlines of their cases."""
    query = f"{of_processes([filters.process] if filters.process in PROCESSES else PROCESSES)} AND {OPEN}"
    query += f" AND {sa.NEEDS_OPERATOR.name} = true"
    if filters.shop:
        query += f" AND {sa.SHOP.name} = {quoted(filters.shop)}"
    if user.shops is not None:
        query += f" AND {one_of(sa.SHOP.name, user.shops)}"
    listed = [execution async for execution in client.list_workflows(query, limit=MOST_LISTED)]
    listed.sort(key=lambda execution: (deadline_of(execution) or _NEVER, execution.id))
    shown = [execution.id for execution in listed[:TASKS_SHOWN]]
    read = await reader.read_some(shown, READING_SECONDS)
    tasks = [task for case_id in shown if case_id in read for task in _tasks_of(read[case_id], user)]
    return TaskList(tasks, [case_id for case_id in shown if case_id not in read], len(listed) - len(shown))


def _tasks_of(case: CaseView, user: User) -> list[WaitingTask]:
    facts = facts_of(case)
    return [
        WaitingTask(
            case=case,
            step=step,
            order=step.order or facts.order,
            shop=facts.shop,
            deadline=next((clock.due for clock in case.deadlines), None),
            results=results_of(case, user, step),
            registers=_registers(case, step),
            seen=marks_of(case),
            barred=refusal(user, case, CaseTask.DONE_BY_HAND),
        )
        for step in stuck_parts(case)
        if step.task is not None
    ]


def _registers(case: CaseView, step: StuckPart) -> str:
    """Return what marking a step as done registers: a decision, with the state that it leads to, or the step alone."""
    decision = next((one for one in case.decisions if one.serial == step.serial), None)
    if decision is None:
        return f"「{step.label}」已办妥" + (f"。{ONLY_DONE}" if step.results else "")
    leads_to = " 或 ".join(consequence_of(case, decision.rule, decision.order).leads_to)
    label = process_of(case.process).rule_label(decision.rule)
    return f"决定「{label}」生效" + (f",案件到「{leads_to}」" if leads_to else "")
