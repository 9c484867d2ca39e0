"""A case beside what happened in truth, and everything that can happen next.

The case is told of facts in time, late or twice.  Beside it runs the same case as it would be if every fact had been
told at once: ``truth``.  Instants are few: two minutes after the last event, and just before, at and just after the
nearest clock runs out, of either.  Two events never share an instant.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cases.errors import CaseError
from cases.messages import ConsoleTask, EffectOutcome, ExpiryOutcome
from statecharts.rules import OPERATORS
from tests.support.rules.telling import CHAT, FORMS, OPENED, Fact, settle, told_rules
from workflows.engine import decisions
from workflows.engine.case_workflow import take_message
from workflows.engine.machine import CaseMachine
from workflows.engine.reports import SKEW
from workflows.engine.state import Decision, ExpiryCheck

SECOND = timedelta(seconds=1)
PAUSE = timedelta(minutes=2)
"""Between two events: more than the difference that is tolerated between a platform's clock and ours."""
HOUR = timedelta(hours=1)
TASK = EffectOutcome(console_task=ConsoleTask(page="-", instruction="-"))
MOST_UNTOLD = 2
"""Facts that have happened and are still to be told, at one time."""


class BrokenPromise(AssertionError):
    """A promise that the core has broken; its text names the promise."""


@dataclass(frozen=True)
class World:
    """A case as it was told of its facts, the same case in truth, and the facts that are still to be told.

    Machines are never changed once they are part of a world.  ``quiet``: nothing has happened yet at this instant.
    ``heard`` are the facts that the case was told of by messages.  ``path`` says how it came to this; ``rules``: only
    these happen or are decided, and no time passes.
    """

    told: CaseMachine
    truth: CaseMachine
    now: datetime
    untold: tuple[Fact, ...] = ()
    heard: tuple[Fact, ...] = ()
    depth: int = 0
    quiet: bool = False
    rules: frozenset[str] | None = None
    path: tuple[str, ...] = ()

    @property
    def next(self) -> datetime:
        """The instant of the next event, unless time passes first."""
        return self.now if self.quiet else self.now + PAUSE

    def moves(self, deepest: int) -> Iterator["World"]:
        """Yield every world that may follow; what only tells or answers is free, the rest counts as depth."""
        yield from self._tellings()
        yield from self._answers()
        yield from self._settlings()
        if self.depth < deepest:
            yield from self._happenings()
            yield from self._decisions()
            if self.rules is None:
                yield from self._waits()
                yield from self._performed()

    # What costs no depth.

    def _tellings(self) -> Iterator["World"]:
        for fact in self.untold:
            yield self._tell(fact, self.now, f"told late of {_named(fact)}", quiet=self.quiet)

    def _tell(self, fact: Fact, at: datetime, what: str, **changes: Any) -> "World":
        told = self.told.fork()
        take_message(told, fact.message, at)
        untold = tuple(other for other in self.untold if other is not fact)
        return self._next(what, at, told=told, untold=untold, heard=(*self.heard, fact), **changes)

    def _answers(self) -> Iterator["World"]:
        """Yield what may become of the decisions that are being submitted (G-10)."""
        at = self.next
        for decision in self.told.state.submissions:
            about = f"{decision.rule}{_of(decision.order)}"
            if decision.status == "pending":
                if self._possible_in_truth(decision, at):
                    told = self._told_until(at)
                    told.take(decision.serial, EffectOutcome(), at)
                    told.advance(at)
                    yield self._counted(told, decision, at, f"the platform takes {about}")
                told = self.told.fork()
                told.refuse(decision.serial, "no", self.now, tell=False)
                yield self._next(f"the platform refuses {about}", self.now, told=told, quiet=self.quiet)
                told = self.told.fork()
                told.take(decision.serial, TASK, self.now)
                yield self._next(f"{about} becomes a console task", self.now, told=told, quiet=self.quiet)
            elif self._possible_in_truth(decision, at):
                told = self._told_until(at)
                try:
                    told.done_by_hand({"serial": decision.serial}, at)
                except CaseError:
                    continue
                told.advance(at)
                yield self._counted(told, decision, at, f"{about} is done by hand")

    def _possible_in_truth(self, decision: Decision, at: datetime) -> bool:
        """Return whether the platform can take a decision: it knows what has happened, whoever was told."""
        truth = _run(self.truth, at)
        if truth.closed or self._told_apart_by_nothing(decision.rule, decision.order, at):
            return False
        try:
            form = truth.read_form(decision.rule, decision.form, decision.order)
        except CaseError:
            return False  # the form was for another state
        return bool(truth.chart_view(decision.order).transitions(decision.rule, at, form))

    def _told_apart_by_nothing(self, rule: str, order: str | None, at: datetime) -> bool:
        """Return whether a decision would be taken for what has just happened, within the tolerance of the clocks."""
        return any(
            (fact.message.get("rule"), fact.message.get("order")) == (rule, order) and at - fact.happened <= SKEW
            for fact in self.untold
        )

    def _of_interest(self, rule: str | None) -> bool:
        return self.rules is None or rule in self.rules

    def _contradicts_submission(self, message: dict[str, Any]) -> bool:
        """Return whether a message says of a decision that is being submitted that it was another one."""
        for decision in self.told.state.submissions:
            if (decision.rule, decision.order) == (message.get("rule"), message["order"]):
                try:
                    form = self.told.read_form(decision.rule, message.get("form"), decision.order)
                except CaseError:
                    return True
                if form.model_dump(mode="json") != decision.form:
                    return True
        return False

    def _counted(self, told: CaseMachine, decision: Decision, at: datetime, what: str) -> "World":
        """Return the world in which a decision has been taken: what the platform took is a fact, also in truth."""
        return self._next(what, at, told=told, truth=_with_decision(self.truth, told, decision.key))

    def _settlings(self) -> Iterator["World"]:
        """Yield what may become of the clocks of the platform that have run out (G-2)."""
        at = self.now
        for expiry in self.told.state.expiries:
            about = f"{expiry.rule}{_of(expiry.order)}"
            told = self._told_until(at)
            if expiry.why is not None:
                told.done_by_hand({"serial": expiry.serial}, at)
                told.advance(at)
                yield self._next(f"an operator confirms {about}", at, told=told, quiet=self.quiet)
                continue
            told.resolve_expiry(expiry.serial, ExpiryOutcome(), at)
            told.advance(at)
            yield self._next(f"the platform has no record of {about}", at, told=told, quiet=self.quiet)
            yield from self._recorded(expiry, at)
            silent = self._told_until(at)
            silent.fail_expiry(expiry.serial, "no answer")
            yield self._next(f"the platform does not answer about {about}", at, told=silent, quiet=self.quiet)

    def _recorded(self, expiry: ExpiryCheck, at: datetime) -> Iterator["World"]:
        """Yield the platform's answer with what has happened in truth since the clock ran out."""
        of_order = [fact for fact in self.untold if fact.message.get("order") == expiry.order]
        fact = min((fact for fact in of_order if fact.message.get("rule")), key=lambda one: one.happened, default=None)
        if fact is None or fact.happened < expiry.due:
            return
        told = self._told_until(at)
        rule, form = fact.message["rule"], fact.message.get("form")
        told.resolve_expiry(expiry.serial, ExpiryOutcome(rule=rule, form=form, occurred_at=fact.happened), at)
        told.advance(at)
        yield self._next(f"the platform's record says {_named(fact)} of {expiry.rule}", at, told=told, quiet=self.quiet)

    # What costs depth.

    def _waits(self) -> Iterator["World"]:
        dues = {clock.due for clock in (self.told.next_clock(), self.truth.next_clock()) if clock is not None}
        instants = {due + shift for due in dues if due > self.now for shift in (-SECOND, timedelta(0), SECOND)}
        for at in sorted(at for at in instants if at > self.now):
            told = self._told_until(at)
            yield self._next("time passes", at, told=told, depth=self.depth + 1, quiet=True)

    def _happenings(self) -> Iterator["World"]:
        at = self.next
        truth = _run(self.truth, at)
        for message in possible_messages(truth, at):
            if self._contradicts_submission(message) or not self._of_interest(message.get("rule")):
                continue
            fact = Fact(message, at, at)
            known = truth.fork()
            take_message(known, message, at)
            yield self._tell(fact, at, f"{_named(fact)} happens and is told", truth=known, depth=self.depth + 1)
            if len(self.untold) < MOST_UNTOLD:
                yield self._next(
                    f"{_named(fact)} happens, untold",
                    at,
                    told=self._told_until(at),
                    truth=known,
                    untold=(*self.untold, fact),
                    depth=self.depth + 1,
                )

    def _decisions(self) -> Iterator["World"]:
        at = self.next
        current = self._told_until(at)
        for choice in decisions.allowed(current, at):
            if current.process.rules[choice.rule].party not in OPERATORS:
                continue
            if not self._of_interest(choice.rule) or self._told_apart_by_nothing(choice.rule, choice.order, at):
                continue
            for form in forms_of(choice.rule, at):
                told = current.fork()
                named = {} if choice.order is None else {"order": choice.order}
                key = f"{choice}@{at.isoformat()}"
                try:
                    decision = told.submit(choice.rule, {**form, **named}, at, key=key)
                except CaseError:
                    continue  # the form does not fit this state
                told.advance(at)
                what, changes = f"{choice} is decided", {"depth": self.depth + 1}
                truth = self.truth if decision.being_submitted else _with_decision(self.truth, told, key)
                yield self._next(what, at, told=told, truth=truth, **changes)

    def _performed(self) -> Iterator["World"]:
        at = self.next
        told = self._told_until(at)
        if told.state.pending:
            for effect in list(told.state.pending):
                told.complete_effect(effect.serial, EffectOutcome(), at)
            yield self._next("what is owed is performed", at, told=told, depth=self.depth + 1)

    def _told_until(self, at: datetime) -> CaseMachine:
        told = self.told.fork()
        told.advance(at)
        return told

    def _next(self, what: str, at: datetime, *, truth: CaseMachine | None = None, **changes: Any) -> "World":
        truth = _run(truth or self.truth, at)
        path = (*self.path, f"{_offset(at)} {what}")
        return replace(self, **{"now": at, "truth": truth, "path": path, "quiet": False, **changes})


def forms_of(rule: str, at: datetime) -> list[dict[str, Any]]:
    """Return sample forms of a rule; the instants in them depend on when it fires."""
    match rule:
        case "card_sent":
            return [{"sent_at": (at - HOUR).isoformat()}]
        case "file_emergency_report":
            return [{"agreed_ship_at": (at + 30 * HOUR).isoformat(), "evidence": [CHAT]}]
        case "warn":
            return [{"until": (at + 2 * HOUR).isoformat()}]
        case "exempt":
            return [{"by": "card", "until": (at + 30 * HOUR).isoformat()}, {"by": "phone_cancel"}]
    return FORMS.get(rule, [{}])


def possible_messages(machine: CaseMachine, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield the messages that a platform may send of what happens at an instant, each with an id of its own."""
    if machine.closed:
        return
    told = told_rules(machine.process)
    for view in machine.chart_views():
        for name in told:
            if name in view.chart.rules and view.transitions(name, at):
                for number, form in enumerate(forms_of(name, at)):
                    yield _message(at, f"{name}/{number}", view.order, rule=name, form=form or None)
        if view.platform_clocked():
            yield _message(at, "deadline", view.order, deadline=(at + 30 * HOUR).isoformat())


def _message(at: datetime, name: str, order: str | None, **content: Any) -> dict[str, Any]:
    return {"message_id": f"{name}{_of(order)}@{_offset(at)}", "occurred_at": at.isoformat(), "order": order, **content}


def _run(truth: CaseMachine, at: datetime) -> CaseMachine:
    """Return what is true at an instant."""
    nearest = truth.next_clock()
    if nearest is None or nearest.due > at:
        return truth
    later = truth.fork()
    settle(later, at)
    return later


def _with_decision(truth: CaseMachine, told: CaseMachine, key: str) -> CaseMachine:
    """Return the truth with a decision that was taken, as a fact of its own instant."""
    given = next((one for one in told.state.inputs if one.key == key and one.kind == "decision"), None)
    if given is None:
        return truth
    known = truth.fork()
    settle(known, given.happened)
    copied = given.model_copy(
        update={"serial": known.state.next_serial(), "told": given.happened, "status": "waiting", "why": None}
    )
    if decision := told.state.decision(given.key):
        known.state.decisions.append(decision.model_copy())
    known.tell(copied, given.happened)
    settle(known, given.happened)
    return known


def _offset(at: datetime) -> str:
    return f"+{int((at - OPENED).total_seconds())}s"


def _of(order: str | None) -> str:
    return f"({order})" if order else ""


def _named(fact: Fact) -> str:
    return str(fact.message["message_id"])
