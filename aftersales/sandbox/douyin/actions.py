"""What buyer, platform and merchant can be made to do to an after-sale: the acts of the control interface."""

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
    """An act that needs nothing."""


class ModificationForm(Strict):
    """A modified application; ``reason`` by our name (never_received) or as the platform words it."""

    reason: Text
    remark: str = ""


class DeadlineForm(Strict):
    """The clock's new end: an instant, or how long from now."""

    deadline: Instant | None = None
    within: Duration | None = None


class RefusalForm(Strict):
    """A refusal in the platform's console."""

    reason: Text
    evidence: tuple[Text, ...] = ()


class ShipmentForm(Strict):
    """A parcel's number entered in the platform's console."""

    company_code: Text
    tracking_no: Text


class EvidenceForm(Strict):
    """Evidence submitted in the platform's console."""

    comment: str = ""
    evidence: Annotated[tuple[Text, ...], Field(min_length=1, max_length=4)]


def reason_text(given: str) -> str:
    """Word a reason as the platform does, whether it is given by our name or so worded already."""
    return REASON_TEXTS.get(given, given)


class Action(NamedTuple):
    """What an act needs, and the step it makes of that."""

    form: type[Strict]
    step: Callable[[Any], Step]

    def read(self, raw: Any, name: str) -> Step:
        """Read what was given; raises BadForm."""
        return self.step(read(self.form, raw, name))


def _modify(given: ModificationForm) -> Step:
    return lambda record, now: transitions.modify(record, now, reason_text(given.reason), given.remark)


def _set_deadline(given: DeadlineForm) -> Step:
    if (given.deadline is None) == (given.within is None):
        raise BadForm("须给 deadline 或 within 之一 / give deadline or within", ("deadline",))

    def step(record: AfterSaleRecord, now: int) -> Change:
        ahead = now + int(given.within.total_seconds()) if given.within is not None else 0
        at = int(given.deadline.timestamp()) if given.deadline else ahead
        return transitions.set_deadline(record, now, at)

    return step


def _refuse(given: RefusalForm) -> Step:
    return lambda record, now: transitions.refuse(record, now, given.reason, given.evidence)


def _ship(given: ShipmentForm) -> Step:
    return lambda record, now: transitions.ship(record, now, given.company_code, given.tracking_no)


def _submit(given: EvidenceForm) -> Step:
    return lambda record, now: transitions.submit_evidence(record, now, given.comment, given.evidence)


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
    "want-evidence": _plain(transitions.want_evidence),
    "set-deadline": Action(DeadlineForm, _set_deadline),
    "agree": _plain(transitions.agree),
    "refuse": Action(RefusalForm, _refuse),
    "ship": Action(ShipmentForm, _ship),
    "submit-evidence": Action(EvidenceForm, _submit),
}
