"""Actions that the control interface offers on an after-sale: what buyer, platform and merchant may do."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple

from pydantic import Field

from aftersales.sandbox.douyin import transitions
from aftersales.sandbox.douyin.codes import REASON_TEXTS
from aftersales.sandbox.douyin.model import AfterSaleRecord, Change
from cases.errors import BadForm
from cases.models import Duration, Instant, Strict, Text, read

Step = Callable[[AfterSaleRecord, int], Change]


class EmptyForm(Strict):
    """The form of an action without fields."""


class ModificationForm(Strict):
    """A modified application; ``reason``: our name (never_received) or the platform's text."""

    reason: Text
    remark: str = ""


class DeadlineForm(Strict):
    """The new deadline: an instant, or a duration from now."""

    deadline: Instant | None = None
    within: Duration | None = None


class EvidenceWantedForm(Strict):
    """The instant until which evidence is wanted, or a duration from now; by default a day."""

    until: Instant | None = None
    within: Duration | None = None


class RefusalForm(Strict):
    """A refusal in the platform's console."""

    reason: Text
    evidence: tuple[Text, ...] = ()


class ShipmentForm(Strict):
    """A tracking number entered in the platform's console."""

    company_code: Text
    tracking_no: Text


class EvidenceForm(Strict):
    """Evidence submitted in the platform's console."""

    comment: str = ""
    evidence: Annotated[tuple[Text, ...], Field(min_length=1, max_length=4)]


def reason_text(reason: str) -> str:
    """Return the platform's text for a reason, which may be our name or that text already."""
    return REASON_TEXTS.get(reason, reason)


class Action(NamedTuple):
    """An action's form, and the step that a filled form makes."""

    form: type[Strict]
    step: Callable[[Any], Step]

    def read(self, raw: Any, name: str) -> Step:
        """Read a form into a step; raises BadForm."""
        return self.step(read(self.form, raw, name))


def _modify(form: ModificationForm) -> Step:
    return lambda record, now: transitions.modify(record, now, reason_text(form.reason), form.remark)


def _set_deadline(form: DeadlineForm) -> Step:
    if (form.deadline is None) == (form.within is None):
        raise BadForm("须给 deadline 或 within 之一 / give either deadline or within", ("deadline",))

    def step(record: AfterSaleRecord, now: int) -> Change:
        ahead = now + int(form.within.total_seconds()) if form.within is not None else 0
        at = int(form.deadline.timestamp()) if form.deadline else ahead
        return transitions.set_deadline(record, now, at)

    return step


def _want_evidence(form: EvidenceWantedForm) -> Step:
    if form.until is not None and form.within is not None:
        raise BadForm("until 与 within 只能给一个 / give until or within, not both", ("until",))

    def step(record: AfterSaleRecord, now: int) -> Change:
        ahead = now + int(form.within.total_seconds()) if form.within is not None else None
        return transitions.want_evidence(record, now, int(form.until.timestamp()) if form.until else ahead)

    return step


def _refuse(form: RefusalForm) -> Step:
    return lambda record, now: transitions.refuse(record, now, form.reason, form.evidence)


def _ship(form: ShipmentForm) -> Step:
    return lambda record, now: transitions.ship(record, now, form.company_code, form.tracking_no)


def _submit(form: EvidenceForm) -> Step:
    return lambda record, now: transitions.submit_evidence(record, now, form.comment, form.evidence)


def _plain(step: Step) -> Action:
    return Action(EmptyForm, lambda _: step)


ACTIONS: Final[Mapping[str, Action]] = {
    "modify": Action(ModificationForm, _modify),
    "withdraw": _plain(transitions.withdraw),
    "ask-platform": _plain(transitions.ask_platform),
    "sign": _plain(transitions.sign),
    "rule-reship": _plain(transitions.rule_reship),
    "rule-refund": _plain(transitions.rule_refund),
    "rule-dismiss": _plain(transitions.rule_dismiss),
    "want-evidence": Action(EvidenceWantedForm, _want_evidence),
    "set-deadline": Action(DeadlineForm, _set_deadline),
    "agree": _plain(transitions.agree),
    "refuse": Action(RefusalForm, _refuse),
    "ship": Action(ShipmentForm, _ship),
    "submit-evidence": Action(EvidenceForm, _submit),
}
