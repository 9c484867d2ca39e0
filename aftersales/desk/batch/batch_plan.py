"""The plan of a batch: what is done in which case, what it costs, and what cannot be done and why.

A plan is shown before anything is done.  It bears the id of every decision, so that carrying it out twice does nothing
twice.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from aftersales.desk.access.users import User
from aftersales.desk.batch.batch_selection import BatchSelection, numbers_of
from aftersales.desk.batch.batch_table import BatchTable
from aftersales.desk.handling.case_reading import facts_of
from aftersales.desk.handling.deciding import new_update_id
from aftersales.desk.handling.form_errors import UnfitForm
from aftersales.desk.handling.form_fields import Posted, doubts_of, fields_of, read_form
from aftersales.desk.handling.happenings import marks_of
from aftersales.desk.handling.permission import CaseTask, refusal
from aftersales.desk.sections.case_parts import StuckPart, form_of, possible_action, stuck_parts
from aftersales.desk.sections.panels import StepNote
from aftersales.runtime.client.operator_name import LONGEST_OPERATOR, is_operator_name
from cases.case import Cost
from cases.errors import BadForm
from cases.forms import Form
from cases.models import FormData, Strict
from workflows.engine.situation import ORDER_FIELD
from workflows.engine.view import ActionView, CaseView

ASSIGN, STEP_DONE = CaseTask.ASSIGN.value, CaseTask.DONE_BY_HAND.value
"""What stands where others have the name of a rule: a claim, which no case is told of, and a step that was done."""
MOST_BATCH_STEPS: Final = 500
"""The most steps of a batch: a case may have several orders, and what is posted is bounded."""
ASSIGN_ACT, DONE_ACT = f"-{ASSIGN}", f"-{STEP_DONE}"
"""The acts that are no rule of a chart; the name of such a one begins with a letter."""


class BatchStep(Strict):
    """One thing that a batch does: a rule, a step that is marked as done, or a claim.

    ``about`` is the order that it is about, ``order`` the one that is named to the case.  ``seen`` are the marks of
    what had happened in the case when the plan was shown.
    """

    case_id: str = Field(max_length=200)
    rule: str = Field(max_length=100)
    order: str | None = Field(default=None, max_length=200)
    argument: FormData | None = None
    update_id: str = Field(max_length=200)
    about: str | None = Field(default=None, max_length=200)
    seen: str = ""


class BatchOrder(Strict):
    """What is carried out under one number."""

    token: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    act: str = Field(max_length=200)
    label: str = Field(max_length=200)
    steps: tuple[BatchStep, ...] = Field(max_length=MOST_BATCH_STEPS)


_STEPS: Final = TypeAdapter(list[BatchStep])


@dataclass(frozen=True)
class BatchAct:
    """What may be done in several cases: a rule with its form, a step done, or assigning."""

    name: str
    label: str
    many: int
    form: type[Form] | None = None


@dataclass(frozen=True)
class PlanRow:
    """A case of a plan: how it stands, and what would be done, or why not."""

    case: CaseView
    order: str | None
    what: str
    step: BatchStep | None = None
    why_not: str | None = None
    doubt: str | None = None
    costs: Sequence[Cost] = ()
    filled: Mapping[str, str] = field(default_factory=dict)
    clerk: str | None = None

    @property
    def at_stake(self) -> Decimal | None:
        """The amount that the case is about."""
        return facts_of(self.case).at_stake

    @property
    def about(self) -> str | None:
        """The order that is meant."""
        return self.order or facts_of(self.case).order

    @property
    def shop(self) -> str:
        """The case's shop."""
        return facts_of(self.case).shop

    @property
    def deadline(self) -> datetime | None:
        """The nearest deadline."""
        return next((clock.due for clock in self.case.deadlines), None)


@dataclass(frozen=True)
class BatchPlan:
    """The rows of a plan, those that can be done first; ``unused`` are the numbers of lines that are about no case."""

    token: str
    act: BatchAct
    rows: Sequence[PlanRow]
    unused: Sequence[str] = ()

    @property
    def steps(self) -> list[BatchStep]:
        """What would be done."""
        return [row.step for row in self.rows if row.step]

    @property
    def known_cost(self) -> Decimal:
        """The sum (CNY) of the costs that are known."""
        costs = (cost.amount for row in self.rows if row.step for cost in row.costs)
        return sum((amount for amount in costs if amount is not None), Decimal("0.00"))


def acts_of(cases: Iterable[CaseView]) -> list[BatchAct]:
    """Return what can be done now in at least one of the cases, most often possible first.

    Rules of one name that ask for the same form are one, whatever their processes.
    """
    many: Counter[str] = Counter()
    labels: dict[str, dict[str, None]] = {}
    forms: dict[str, type[Form]] = {}
    tasks = 0
    for case in cases:
        tasks += sum(not _needs_more(part) for part in stuck_parts(case))
        for action in case.actions:
            if not action.record:
                form = form_of(case, action)
                name = _name(action, form)
                many[name] += 1
                forms[name] = form
                labels.setdefault(name, {})[action.label] = None
    acts = [BatchAct(name, " / ".join(labels[name]), number, forms[name]) for name, number in many.most_common()]
    done = [BatchAct(DONE_ACT, "办妥(控制台任务)", tasks, StepNote)] if tasks else []
    return [*acts, *done, BatchAct(ASSIGN_ACT, "指派", len(list(cases)))]


def act_named(acts: Iterable[BatchAct], name: str) -> BatchAct | None:
    """Return the act of a name; None if it is not possible in any case."""
    return next((act for act in acts if act.name == name), None)


def plan_rule(selection: BatchSelection, user: User, act: BatchAct, posted: Posted, table: BatchTable) -> BatchPlan:
    """Return the plan of a rule: ``posted`` is what its form has for all cases, ``table`` what it has for each."""
    assert act.form is not None  # noqa: S101 - every rule has a form
    shared = {name: str(value) for name, value in posted.items() if value}
    values = table.values(act.form, shared)
    rows = [row for case in selection.cases for row in _rows_of_rule(case, user, act, _Filling(shared, values, table))]
    named = {name for case in selection.cases for name in numbers_of(case)}
    return replace(
        _plan(act, rows),
        unused=[number for number in table.numbers if number not in named and number not in selection.missing],
    )


def plan_done(selection: BatchSelection, user: User, act: BatchAct, posted: Posted) -> BatchPlan:
    """Return the plan of marking every step that waits for a person as done; raises UnfitForm."""
    told = read_form(StepNote, posted)
    rows: list[PlanRow] = []
    for case in selection.cases:
        barred = refusal(user, case, CaseTask.DONE_BY_HAND)
        stuck = stuck_parts(case)
        if not stuck:
            rows.append(PlanRow(case, None, act.label, why_not="没有待办的步骤"))
        for part in stuck:
            why = _needs_more(part) or barred
            rows.append(PlanRow(case, part.order, part.label, None if why else _done(case, part, told), why))
    return _plan(act, rows)


def plan_assigning(
    selection: BatchSelection, user: User, act: BatchAct, clerk: str, claimed: Mapping[str, str]
) -> BatchPlan:
    """Return the plan of assigning cases to a clerk; ``claimed`` says who has them now.  Raises BadForm."""
    clerk = clerk_named(clerk)
    rows = []
    for case in selection.cases:
        now = claimed.get(case.case_id)
        why = refusal(user, case, assigning(user, clerk, now))
        if now == clerk:
            why = f"已由 {clerk} 处理"
        argument = {"clerk": clerk, "instead_of": now}
        step = BatchStep(case_id=case.case_id, rule=ASSIGN, argument=argument, update_id=new_update_id(ASSIGN))
        rows.append(PlanRow(case, None, f"指派给 {clerk}", None if why else step, why, clerk=now))
    return _plan(act, rows)


def clerk_named(written: str) -> str:
    """Return the name of a clerk as it is kept; raises BadForm if it is none."""
    clerk = written.strip()
    if not is_operator_name(clerk):
        raise BadForm(f"处理人:须为 1 至 {LONGEST_OPERATOR} 个字 / a name is expected")
    return clerk


def assigning(user: User, clerk: str, now: str | None) -> CaseTask:
    """Return what it is called that a case is given to a clerk, which somebody may have ``now``."""
    return CaseTask.CLAIM if clerk == user.name and now is None else CaseTask.ASSIGN


def read_order(posted: Posted) -> BatchOrder:
    """Read what is to be carried out from what a plan's page posts, without the rows that were unticked."""
    try:
        planned = _STEPS.validate_json(str(posted.get("plan", "")))
        ticked = {int(text) for text in _several(posted, "step")}
        return BatchOrder(
            token=str(posted.get("token", "")),
            act=str(posted.get("act", "")),
            label=str(posted.get("label", "")),
            steps=tuple(step for number, step in enumerate(planned) if number in ticked),
        )
    except (ValidationError, ValueError) as bad:
        raise BadForm("批量单不完整,请重新预览 / the plan cannot be read: preview it again") from bad


def steps_as_text(steps: Sequence[BatchStep]) -> str:
    """Return the steps of a plan as its pages carry them."""
    return _STEPS.dump_json(list(steps)).decode()


@dataclass(frozen=True)
class _Filling:
    shared: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    table: BatchTable

    def of(self, names: Iterable[str]) -> tuple[str | None, Mapping[str, str]]:
        """Return the number under which the table has a case or an order, and the form as it is filled."""
        number = next((name for name in names if name in self.values), None)
        return number, {**self.shared, **(self.values[number] if number else {})}


def _rows_of_rule(case: CaseView, user: User, act: BatchAct, filling: _Filling) -> Iterator[PlanRow]:
    actions = [
        action for action in case.actions if not action.record and _name(action, form_of(case, action)) == act.name
    ]
    named = [action for action in actions if action.order in filling.values]
    if not actions:
        yield PlanRow(case, None, act.label, why_not=_why_not(case, act))
    for action in named or actions:
        yield _row_of_rule(case, user, action, filling)


def _row_of_rule(case: CaseView, user: User, action: ActionView, filling: _Filling) -> PlanRow:
    form = form_of(case, action)
    names = [action.order] if action.order else sorted(numbers_of(case))
    number, filled = filling.of(name for name in names if name)
    possible = possible_action(case, user, action)
    row = PlanRow(case, action.order, action.label, costs=possible.costs, filled=_shown(form, filled))
    if possible.barred:
        return replace(row, why_not=possible.barred)
    if number in filling.table.repeated:
        return replace(row, why_not=f"{number} 在表里有几行,请只留一行")
    try:
        argument = read_form(form, filled)
    except UnfitForm as unfit:
        absent = filling.table.lines and number is None
        return replace(row, why_not=f"表里没有此案件的一行;{unfit}" if absent else str(unfit))
    if action.order is not None:
        argument[ORDER_FIELD] = action.order
    step = BatchStep(
        case_id=case.case_id,
        rule=action.rule,
        order=action.order,
        argument=argument or None,
        update_id=new_update_id(action.rule),
        seen=marks_of(case),
    )
    return replace(row, step=step, doubt=";".join(doubts_of(form, filled).values()) or None)


def _why_not(case: CaseView, act: BatchAct) -> str:
    if case.status == "closed":
        return "案件已结束"
    if pending := [decision for decision in case.decisions if decision.status == "being_submitted"]:
        return f"「{pending[-1].label}」提交中,平台尚未受理"
    possible = "、".join(dict.fromkeys(action.label for action in case.actions if not action.record))
    return f"现在不能{act.label}" + (f";可做:{possible}" if possible else "")


def _needs_more(part: StuckPart) -> str | None:
    """Return why a step is not just marked as done; None if it is."""
    if part.asks_platform:
        return "要看平台的记录,请在案件页处理"
    return "可能要登记结果,请在「控制台任务」里逐件办" if part.asks_for_result else None


def _done(case: CaseView, part: StuckPart, told: Mapping[str, Any]) -> BatchStep:
    return BatchStep(
        case_id=case.case_id,
        rule=STEP_DONE,
        order=part.order,
        argument={"serial": part.serial, **told},
        update_id=new_update_id(STEP_DONE),
        seen=marks_of(case),
    )


def _shown(form: type[Form], filled: Mapping[str, str]) -> dict[str, str]:
    return {one.title: one.value for one in fields_of(form, filled) if one.value}


def _plan(act: BatchAct, rows: Sequence[PlanRow]) -> BatchPlan:
    told = [
        row if row.step is None else replace(row, step=row.step.model_copy(update={"about": row.about})) for row in rows
    ]
    ordered = sorted(told, key=lambda row: row.step is None)
    if len(ordered) > MOST_BATCH_STEPS:
        raise BadForm(f"共 {len(ordered)} 项,一次最多 {MOST_BATCH_STEPS} 项 / too many steps")
    return BatchPlan(secrets.token_hex(16), act, ordered)


def _name(action: ActionView, form: type[Form]) -> str:
    return f"{action.rule}-{form.__name__}"


def _several(posted: Posted, name: str) -> list[str]:
    found = posted.getlist(name) if hasattr(posted, "getlist") else [posted[name]] if name in posted else []
    return [str(value) for value in found]
