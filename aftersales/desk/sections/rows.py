"""The rows of the list: a case in one line, as a clerk looks at it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final, Literal

from temporalio.client import WorkflowExecution

from aftersales.desk.access.users import User
from aftersales.desk.chinese import chinese_of
from aftersales.desk.handling.case_reading import facts_of
from aftersales.desk.handling.consequences import consequence_of
from aftersales.desk.handling.permission import refusal
from aftersales.desk.services import DeskServices
from aftersales.platforms.marketplace import installed_marketplaces
from aftersales.runtime.client.known_cases import EARLY_ENDINGS, ENDED_EARLY, how_to_revive
from aftersales.runtime.client.nearest_cases import deadline_of
from cases.ledger import KnownCase
from statecharts.rules import OPERATORS
from workflows.engine import search_attributes as sa
from workflows.engine.view import ActionView, CaseView, DeadlineView
from workflows.registry import PROCESSES, REGISTERED

Tone = Literal["late", "soon", "today", "calm", "theirs"]
TONES: Final[Sequence[tuple[timedelta, Tone]]] = (
    (timedelta(hours=2), "late"),
    (timedelta(hours=12), "soon"),
    (timedelta(hours=24), "today"),
)
"""The colour of a clock of ours, by the time that is left at most."""
OUR_PARTIES: Final = frozenset(party.label for party in OPERATORS)
ACTIONS_SHOWN: Final = 2


@dataclass(frozen=True)
class Row:
    """A case of the list; what only the case itself knows is None if it could not be read in time.

    ``then`` is what happens at the deadline if nobody acts, ``costs`` what that costs; ``problem`` what waits for a
    person, or where the case's workflow ended.  Of the ``choices`` of the shop the ``actions`` are shown in the row:
    the first that the user may take.
    """

    case_id: str
    process: str
    platform: str
    shop: str
    order: str | None
    state: str
    amount: Decimal | None
    deadline: datetime | None
    waits_for: str
    tone: Tone
    reason: str | None
    then: str | None
    costs: str | None
    problem: str | None
    clerk: str | None
    actions: Sequence[ActionView]
    choices: Sequence[ActionView]


@dataclass(frozen=True)
class EndedRow:
    """A case that has ended, and when; that is None if nobody knows it now."""

    case_id: str
    process: str
    shop: str
    order: str | None
    state: str
    ended_at: datetime | None


def rows_of(
    services: DeskServices,
    user: User,
    executions: Sequence[WorkflowExecution],
    seen: Mapping[str, CaseView],
    clerks: Mapping[str, str],
    now: datetime,
) -> list[Row]:
    """Return the rows of listed cases for a user, in the same order."""
    return [
        _row(services, user, execution, seen.get(execution.id), clerks.get(execution.id), now)
        for execution in executions
    ]


def ended_rows(
    services: DeskServices, executions: Sequence[WorkflowExecution], known: Mapping[str, KnownCase]
) -> list[EndedRow]:
    """Return the rows of cases that have ended, with what the ledger knows of them: a workflow ends days later."""
    return [
        EndedRow(
            case_id=execution.id,
            process=PROCESSES[execution.workflow_type].label,
            shop=services.shop_name(execution.typed_search_attributes.get(sa.SHOP)),
            order=execution.typed_search_attributes.get(sa.ORDER),
            state=execution.typed_search_attributes.get(sa.STATE) or "",
            ended_at=(known[execution.id].ended_at if execution.id in known else None) or execution.close_time,
        )
        for execution in executions
    ]


def tone_of(deadline: datetime | None, waits_for: str, now: datetime) -> Tone:
    """Return the colour of a deadline."""
    if waits_for not in OUR_PARTIES:
        return "theirs"
    if deadline is None:
        return "calm"
    return next((tone for left, tone in TONES if deadline - now < left), "calm")


def _row(
    services: DeskServices,
    user: User,
    execution: WorkflowExecution,
    seen: CaseView | None,
    clerk: str | None,
    now: datetime,
) -> Row:
    attributes = execution.typed_search_attributes
    early = execution.status in EARLY_ENDINGS
    deadline, waits_for = (None, "") if early else (deadline_of(execution), attributes.get(sa.WAITS_FOR) or "")
    at_stake = attributes.get(sa.AT_STAKE)
    clock = None if early or seen is None else next(iter(seen.deadlines), None)
    choices = [] if early or seen is None else own_actions(seen)
    return Row(
        case_id=execution.id,
        process=PROCESSES[execution.workflow_type].label,
        platform=installed_marketplaces()[REGISTERED[execution.workflow_type]].label,
        shop=services.shop_name(attributes.get(sa.SHOP)),
        order=attributes.get(sa.ORDER),
        state=attributes.get(sa.STATE) or "",
        amount=None if at_stake is None else Decimal(str(at_stake)),
        deadline=deadline,
        waits_for=waits_for,
        tone=tone_of(deadline, waits_for, now),
        reason=_reason(seen) if seen else None,
        then=_then(clock) if clock else None,
        costs=_costs(clock) if clock else None,
        problem=_ended(execution) if early else _problem(seen) if seen else None,
        clerk=clerk,
        actions=[] if seen is None else list(islice(_allowed(user, seen, choices), ACTIONS_SHOWN)),
        choices=choices,
    )


def own_actions(case: CaseView) -> list[ActionView]:
    """Return what the shop may decide now, without what it only records; what moves the case on stands first."""
    own = [action for action in case.actions if not action.record]
    return sorted(own, key=lambda action: not consequence_of(case, action.rule, action.order).does_something)


def _allowed(user: User, case: CaseView, choices: Sequence[ActionView]) -> Iterator[ActionView]:
    return (action for action in choices if refusal(user, case, action) is None)


def _ended(execution: WorkflowExecution) -> str:
    return f"{ENDED_EARLY},没有人计时,也不能处理;请管理员运行 {how_to_revive(execution.id)} 恢复"


def _problem(case: CaseView) -> str | None:
    failed = sorted(case.waiting, key=lambda effect: effect.status != "needs_operator")
    for effect in failed:
        return f"{effect.label}:{effect.task.page if effect.task else chinese_of(effect.why or '没有办成')}"
    return None


def _then(clock: DeadlineView) -> str:
    if clock.resolving:
        return "已到期,正在向平台核实"
    return f"{clock.label} → {clock.leads_to}" if clock.leads_to not in (None, clock.label) else clock.label


def _costs(clock: DeadlineView) -> str | None:
    said = (f"{cost.note} {'金额未知' if cost.amount is None else f'{cost.amount} 元'}" for cost in clock.costs)
    return ";".join(said) or None


def _reason(case: CaseView) -> str | None:
    reason = getattr(facts_of(case), "reason", None)
    return None if reason is None else str(getattr(reason, "label", reason))
