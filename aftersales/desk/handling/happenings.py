"""What has happened in a case, and what of it a clerk has not seen yet: so two clerks at once know of each other."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aftersales.runtime.client.case_words import DECISION_LABELS, who_gave
from workflows.engine.view import CaseView, EffectView, TimelineView

_MARK_LENGTH: Final = 8


@dataclass(frozen=True)
class Happening:
    """Something that happened in a case: when, what, and who did it.  ``mark`` tells it from every other."""

    at: datetime
    what: str
    who: str
    order: str | None
    mark: str


def happenings_of(case: CaseView) -> list[Happening]:
    """Return what has happened in a case that changes what may be decided, oldest first."""
    happened = [_fired(entry, "") for entry in case.timeline] + [_fired(entry, "已撤回:") for entry in case.taken_back]
    for decision in case.decisions:
        if decision.status != "taken":  # what was taken is in the timeline
            what = f"{decision.label}:{DECISION_LABELS[decision.status]}"
            who = who_gave(decision.by, decision.actor, decision.way)
            mark = _mark("decision", decision.serial, decision.status)
            happened.append(Happening(decision.at, what, who, decision.order, mark))
    for effect in case.effects:
        if isinstance(effect, EffectView) and effect.handled_way:
            what = f"{effect.label}:{'已手工办妥' if effect.status == 'done' else '已重试'}"
            who = who_gave("merchant", effect.handled_by, effect.handled_way)
            mark = _mark("step", effect.serial, effect.handled_by, effect.status == "done")
            happened.append(Happening(effect.at, what, who, effect.order, mark))
    return sorted(happened, key=lambda one: one.at)


def marks_of(case: CaseView) -> str:
    """Return the marks of all that has happened, which a form carries to tell what its clerk has seen."""
    return "".join(happening.mark for happening in happenings_of(case))


def unseen(case: CaseView, marks: str, order: str | None = None) -> list[Happening]:
    """Return what has happened in a case, or with one of its orders, beyond what has been seen."""
    seen = {marks[start : start + _MARK_LENGTH] for start in range(0, len(marks), _MARK_LENGTH)}
    about = (one for one in happenings_of(case) if None in (order, one.order) or one.order == order)
    return [one for one in about if one.mark not in seen]


def _fired(entry: TimelineView, before: str) -> Happening:
    who = who_gave(entry.by, entry.actor, entry.way)
    return Happening(entry.at, f"{before}{entry.label}", who, entry.order, _mark(before, *entry.identity))


def _mark(*parts: Any) -> str:
    return hashlib.blake2s(repr(parts).encode(), digest_size=_MARK_LENGTH // 2).hexdigest()
