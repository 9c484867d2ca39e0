"""The panel in which something is decided: what follows from it, what it costs, and its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from aftersales.desk.access.users import User
from aftersales.desk.chinese import WHEN_IT_HAPPENED
from aftersales.desk.handling.deciding import new_update_id, rule_sent
from aftersales.desk.handling.form_errors import UnfitForm
from aftersales.desk.handling.form_fields import FormField, Posted, doubts_of, fields_of, read_form
from aftersales.desk.handling.happenings import marks_of
from aftersales.desk.handling.permission import CaseTask
from aftersales.desk.sections.case_parts import PossibleAction, form_of, possible_action, stuck_parts
from aftersales.platforms.marketplace import carriers_of
from aftersales.runtime.client.decision_client import SentDecision
from cases.errors import BadForm
from cases.forms import Form, Note
from cases.models import Instant
from workflows.engine.situation import ORDER_FIELD
from workflows.engine.view import ActionView, CaseView

ORDER_NAMED, SEEN, UPDATE_ID, RULE, SERIAL, SURE, TASK = (
    f"desk-{name}" for name in ("order", "seen", "id", "rule", "serial", "sure", "do")
)
"""The names of a form's hidden fields; no field of a case's form has a hyphen."""


LONGEST_SERIAL: Final = 9
"""The digits of the number of a step."""
STEP_UPDATES: Final = {"retry_effect": CaseTask.RETRY, "done_by_hand": CaseTask.DONE_BY_HAND}
"""What people tell a case of a step that waits for them, by the name of the update."""
_UPDATES: Final = {task: update for update, task in STEP_UPDATES.items()}


class DoneAt(Form):
    """When something was done in truth, if it was before now (G-11)."""

    occurred_at: Instant | None = Field(default=None, description=f"{WHEN_IT_HAPPENED}\n\n刚才发生的不用填")


class StepNote(DoneAt):
    """What a clerk tells of a step that was done by hand."""

    note: Note | None = Field(default=None, description="备注")


@dataclass(frozen=True)
class DecisionPanel:
    """A decision that is about to be taken.

    ``seen`` are the marks of what its clerk has been shown, ``update_id`` makes that it is sent once.  ``warned``: the
    clerk has been told what is doubtful.  ``again``: the platform has refused it as it stands here.
    """

    possible: PossibleAction
    fields: Sequence[FormField]
    beside: Sequence[FormField]
    warned: bool
    seen: str
    update_id: str
    again: bool = False


def open_panel(
    case: CaseView,
    user: User,
    action: ActionView,
    posted: Posted | None = None,
    errors: Mapping[str, str] | None = None,
) -> DecisionPanel:
    """Return the panel of an action, with what was posted by it before, and why that does not fit."""
    form, given = form_of(case, action), posted or {}
    fields = fields_of(form, given, errors, carriers_of(case.process))
    kept_id = str(given.get(UPDATE_ID, ""))
    return DecisionPanel(
        possible=possible_action(case, user, action),
        fields=fields,
        beside=fields_of(DoneAt, given, errors),
        warned=bool(given) and bool(doubts_of(form, given)),
        seen=marks_of(case),
        update_id=kept_id if rule_sent(kept_id) == action.rule else new_update_id(action.rule),
    )


def read_decision(case: CaseView, deed: ActionView | CaseTask, posted: Posted) -> SentDecision:
    """Read what was posted about an action, or about a step that waits for a person.

    Raises UnfitForm with all that does not fit, BadForm for what its clerk must be asked about once more.
    """
    step = None
    if isinstance(deed, CaseTask):
        rule, argument = _UPDATES[deed], _told_of_step(deed, posted)
        step = case.key_of_step(argument["serial"])
    else:
        rule, argument = deed.rule, _argument(case, deed, posted)
    kept_id = str(posted.get(UPDATE_ID, ""))
    update_id = kept_id if rule_sent(kept_id) == rule else new_update_id(rule)
    return SentDecision(case.case_id, rule, argument or None, update_id, step)


def _argument(case: CaseView, action: ActionView, posted: Posted) -> dict[str, Any]:
    argument: dict[str, Any] = {}
    errors: dict[str, str] = {}
    form = form_of(case, action)
    for part in (form, DoneAt):
        try:
            argument |= read_form(part, posted)
        except UnfitForm as unfit:
            errors |= unfit.errors
    if errors:
        raise UnfitForm(errors)
    if not posted.get(SURE) and doubts_of(form, posted):
        raise BadForm("请核对标出的内容,无误再提交一次 / check what is marked, and send it again if it is right")
    if action.order is not None:
        argument[ORDER_FIELD] = action.order
    return argument


def _told_of_step(task: CaseTask, posted: Posted) -> dict[str, Any]:
    serial = str(posted.get(SERIAL, ""))
    if not serial.isdecimal() or len(serial) > LONGEST_SERIAL:
        raise BadForm("没有指明是哪一步 / the step is not named")
    return {"serial": int(serial)} | (read_form(StepNote, posted) if task is CaseTask.DONE_BY_HAND else {})


def is_over(case: CaseView, posted: Posted) -> bool:
    """Return whether the step that was posted does not wait for a person any more."""
    return str(posted.get(SERIAL, "")) not in {str(step.serial) for step in stuck_parts(case)}
