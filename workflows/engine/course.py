"""The course of a case: what follows from its inputs, in the order in which they happened (G-11).

An input that is told late is put in its place, and the course is worked out again from there.  What that undoes is
kept: rules as taken back, ledger entries as reversed, effects that were performed as obsolete.
"""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from cases.case import Case
from cases.errors import BadForm
from cases.forms import Form
from cases.messages import ExpiryOutcome
from cases.models import clipped, read
from statecharts import firing
from statecharts.chart import Deadline
from statecharts.rules import Party
from workflows.engine import inputs, reports
from workflows.engine.fired_rules import CaseRules
from workflows.engine.inputs import ExpiryAnswer, Input
from workflows.engine.limits import newest_within, with_newest_forms
from workflows.engine.process import Process
from workflows.engine.reports import Apply, Echo, Hold, Ignore, Rearm, Verdict
from workflows.engine.sender import InputSender
from workflows.engine.state import (
    CaseState,
    Checkpoint,
    Course,
    Decision,
    EffectState,
    ExpiryCheck,
    IgnoredMessage,
)

PINNED = {"facts", "policy", "edition"}
"""What never changes of a case."""
BYTES_CARRIED = 64 * 1024
"""Bytes that a list of what is over may take up in the input of the next run."""
CLIPPED = ("taken_back", "ignored", "seen", "reminders", "reversed", "obsolete", "answers")
"""The lists of what is over, of which only the newest are carried."""
HELD_UP = timedelta(seconds=5)
"""An input that is handled so long after it was given was held up; less may be a difference between two clocks."""
REPEATS = 10
"""How often a clock may fire at one instant; beyond that it would never stop."""
TOO_OLD = "早于本案件保留的记录,无法追溯 / happened before all that this case keeps: it cannot go back so far"
WAITING_KEPT = 50
"""Inputs kept at a checkpoint that have not applied yet."""
TOO_MANY = "等待核实期间消息过多,已放弃 / given up: too many messages while the platform was being asked"
ECHOES_KEPT = "2026-12-01"
"""Since this edition a message that comes long after the decision that it seems to repeat is kept, and judged again.

Before, it was dropped, and was missing once an earlier fact showed that it was another event.
"""
OBSOLETE = "已执行,但其依据已撤回 / performed, but what it followed from was taken back"
DECIDED = "平台记录已裁定,不再更改 / the platform's record has decided this already"


class EndlessRuleError(RuntimeError):
    """A rule that fires again and again at one instant: a fault of the chart, which fails the workflow task."""

    def __init__(self, rule: str, states: list[str]) -> None:
        super().__init__(
            f"rule {rule!r} never stops: it fires again and again in state {', '.join(states)} while no time passes"
        )


class CaseCourse(CaseRules):
    """A case and what follows from its inputs: the rules that fire, its clocks, its ledger, the effects it needs."""

    def __init__(
        self,
        process: Process,
        case_id: str,
        case: Case,
        state: CaseState | None = None,
        *,
        now: datetime | None = None,
    ) -> None:
        """Open a case at the instant from which its first clock runs (else ``now``), or take over its ``state``."""
        super().__init__(process, case_id, case, state or CaseState())
        self._origin = case
        self._coming: deque[Input] = deque()
        if state is None:
            began: datetime | None = case.facts.began_at or now
            if began is None:
                raise ValueError("the instant of the opening is needed")
            self.state.began = began
            self._begin()

    @classmethod
    def resume(cls, process: Process, case_id: str, case: Case, carried: dict[str, Any]) -> Self:
        """Resume a case of facts and policy alone from what it carried over; raises BadForm."""
        content = dict(carried)
        context = content.pop("context", {})
        machine = cls(process, case_id, case, read(CaseState, content, "carried"))
        machine.case = machine._in_context(context)
        return machine

    def carried(self) -> dict[str, Any]:
        """Return all that must be carried over to resume the case, besides its facts and policy."""
        kept = {name: newest_within(getattr(self.state, name), BYTES_CARRIED) for name in CLIPPED}
        kept["timeline"] = with_newest_forms(self.state.timeline, BYTES_CARRIED)
        state = self.state.model_copy(update=kept)
        return {**state.model_dump(mode="json"), "context": self.context()}

    def context(self) -> dict[str, Any]:
        """Return what rules and forms have added to the case, as JSON."""
        return self.case.model_dump(mode="json", exclude=PINNED)

    def _in_context(self, context: dict[str, Any]) -> Case:
        pinned = self._origin.model_dump(mode="json", include=PINNED)
        return read(type(self._origin), {**pinned, **context}, "case")

    def fork(self) -> Self:
        """Return an independent copy, to try something out."""
        copy = type(self)(self.process, self.case_id, self._origin, self.state.model_copy(deep=True))
        copy.case = self.case
        return copy

    def as_of(self, now: datetime) -> Self:
        """Return the case as it is once every clock due by ``now`` has run out; read-only, for validators."""
        nearest = self.next_clock()
        if nearest is None or nearest.due > now:
            return self
        copy = self.fork()
        copy.elapse(now)
        return copy

    # Clocks.

    def elapse(self, now: datetime) -> None:
        """Let every clock due by ``now`` run out at its own instant; one of the platform's must be resolved first."""
        fired: Counter[tuple[datetime, Deadline]] | None = None
        while (nearest := self.next_clock()) and nearest.due <= now:
            fired = fired or Counter()
            fired[self.state.latest, nearest] += 1
            if fired[self.state.latest, nearest] > REPEATS:
                raise EndlessRuleError(nearest.rule, self.named(nearest.order, [nearest.state]))
            self._elapse_one(nearest)

    def _elapse_one(self, clock: Deadline) -> None:
        if not self.process.clocks[clock.rule].resolved_by_platform:
            self.run_out(clock)
            return
        about = (clock.order, clock.state, clock.rule, clock.due)
        expiry = next((expiry for expiry in self._expiries_before() if expiry.clock == about), None)
        expiry = expiry or ExpiryCheck(
            serial=self.state.next_serial(), state=clock.state, rule=clock.rule, due=clock.due, order=clock.order
        )
        self.state.expire(expiry)
        if answer := self.state.answer_to(about):
            self._resolve(expiry, answer)

    def _expiries_before(self) -> Iterable[ExpiryCheck]:
        return (*self._before.expiries, *self.state.given_up) if self._before else ()

    def fire(self, rule: str, at: datetime, form: Form | None = None, **about: Any) -> None:
        """Fire an open rule, and judge again the inputs that have waited for it."""
        super().fire(rule, at, form, **about)
        self._retry_waiting()

    def run_out(self, clock: Deadline | ExpiryCheck, *, assumed: bool = False) -> None:
        """Fire a clock's own rule; ``assumed``: the platform has no record of what it led to."""
        self.fire(clock.rule, max(clock.due, self.since(clock.order)), order=clock.order, assumed=assumed)

    # Expiries: clocks of the platform that have run out (G-2).

    def resolve_expiry(self, serial: int, outcome: ExpiryOutcome, now: datetime) -> None:
        """Take in the platform's answer about an expiry.

        An impossible answer needs an operator; a deadline that is past is none, and the platform is asked again.
        """
        expiry = self.state.expiry(serial)
        if expiry is None:  # a message came first, and the state has been left
            return
        if outcome.rule is None and outcome.deadline is not None and outcome.deadline <= now:
            expiry.asked += 1
        elif fault := self._fault_of(expiry, outcome):
            self._give_up(expiry, fault)
        else:
            self.answer(expiry, outcome, now)

    def _fault_of(self, expiry: ExpiryCheck, outcome: ExpiryOutcome) -> str | None:
        rule, order = outcome.rule, expiry.order
        if rule is None:
            return None
        impossible = (
            f"平台称发生了 {rule!r},当前状态不可能 / the platform says {rule!r}, which this state does not allow"
        )
        if rule not in self.process.chart_of(order).rules or not self.chart_view(order).transitions(rule):
            return impossible
        try:
            form = None if outcome.form is None else self.read_form(rule, outcome.form, order)
        except BadForm as bad:
            return f"平台的答复不可用 / the platform's answer cannot be used: {bad}"
        happened = max(self.since(order), outcome.occurred_at or expiry.due)
        return None if self.chart_view(order).transitions(rule, happened, form) else impossible

    def answer(self, expiry: ExpiryCheck, outcome: ExpiryOutcome, now: datetime) -> None:
        """Keep the platform's answer about an expiry, and let that have its consequences."""
        occurred = outcome.occurred_at and min(outcome.occurred_at, now)
        answer = ExpiryAnswer(
            order=expiry.order,
            state=expiry.state,
            rule=expiry.rule,
            due=expiry.due,
            told=now,
            outcome=outcome.model_copy(update={"occurred_at": occurred}),
        )
        self.state.answers = [other for other in self.state.answers if other.clock != answer.clock] + [answer]
        if self.state.held or (self.state.frontier and self.state.frontier > expiry.due):
            self.refold(now)
        else:
            self._resolve(expiry, answer)

    def _resolve(self, expiry: ExpiryCheck, answer: ExpiryAnswer) -> None:
        """Let an expiry have its consequences, in the course of the case."""
        outcome, order = answer.outcome, expiry.order
        if fault := self._fault_of(expiry, outcome):  # another fact has led elsewhere since the platform answered
            expiry.fail(fault)
            return
        if answer.recorded:
            self.state.answered.append(answer.clock)
        if outcome.rule is not None:
            form = None if outcome.form is None else self.read_form(outcome.rule, outcome.form, order)
            happened = max(self.since(order), outcome.occurred_at or expiry.due)
            self.fire(outcome.rule, happened, form, order=order, reported=True)
            if outcome.deadline is not None and not self.closed:
                for state in self.chart_view(order).platform_clocked():
                    self.state.set_deadline(order, state, outcome.deadline)
        elif outcome.deadline is not None:
            self.state.set_deadline(order, expiry.state, outcome.deadline)
            self._retry_waiting()
        else:
            self.state.expiries = [other for other in self.state.expiries if other is not expiry]
            given = self._contradicting(expiry)
            if given is None:
                self.run_out(expiry, assumed=True)
            else:
                self.place(given)

    def _contradicting(self, expiry: ExpiryCheck) -> Input | None:
        """Return what the platform did at an assumed end of a clock, if that is told: without the clock's rule it fits.

        What buyer or merchant did then came too late, as the clock was theirs.
        """
        waiting = [given for given in self.state.inputs if given.status in ("held", "ignored")]
        trial: CaseCourse | None = None
        for given in sorted({id(given): given for given in (*waiting, *self._coming)}.values(), key=_place):
            if given.happened < expiry.due or given.rule is None:
                continue
            applying = reports.judge(self, given)
            if not isinstance(applying, Apply) or applying.order != expiry.order:
                continue
            if self.process.rules[applying.rule].party is not Party.PLATFORM:
                continue
            if self._runs_on_after(given, expiry):
                continue  # it says nothing of the clock
            if trial is None:
                trial = self.fork()
                trial.run_out(expiry)
            placed = trial.state.input(given.serial)
            if (placed and placed.status == "applied") or (not trial.closed and reports.applying_rule(trial, given)):
                return None
            self._coming = deque(other for other in self._coming if other is not given)
            return given
        return None

    def _runs_on_after(self, given: Input, expiry: ExpiryCheck) -> bool:
        """Return whether a clock that has run out would still run if an input applied first."""
        trial = self.fork()
        trial.place(given.model_copy())
        return any(
            (clock.order, clock.rule, clock.due) == (expiry.order, expiry.rule, expiry.due)
            for clock in trial.deadlines()
        )

    def fail_expiry(self, serial: int, why: str) -> None:
        """Leave an expiry that the platform did not answer to an operator."""
        if expiry := self.state.expiry(serial):
            self._give_up(expiry, why)

    def _give_up(self, expiry: ExpiryCheck, why: str) -> None:
        expiry.fail(clipped(why))
        self.state.give_up(expiry)
        if self.state.held:
            self.refold(self.state.latest)

    # Reports of the platform (G-3), and what was told late (G-11).

    def tell(self, given: Input, now: datetime) -> None:
        """Take in an input at the instant at which it happened; ``given`` then says what became of it."""
        checkpoint = self.state.checkpoint
        if checkpoint and checkpoint.course.frontier and given.happened < checkpoint.course.frontier:
            given.status, given.why = "ignored", TOO_OLD
            self._keep_ignored(given, final=True)
            return
        if self._comes_last(given):
            self.state.inputs.append(given)
            self._process(given)
            self._settle(now)
        else:
            self._retell(given, now)

    def _comes_last(self, given: Input) -> bool:
        """Return whether nothing that has been processed depends on an input: it need only be added."""
        state, at = self.state, given.happened
        dues = (*(expiry.due for expiry in state.expiries), *(answer.due for answer in state.answers))
        late = given.early or (state.frontier is not None and at < state.frontier) or any(due > at for due in dues)
        # An assumption may be contradicted by whatever happened after it.
        return not late and all(answer.recorded for answer in state.answers)

    def _retell(self, given: Input, now: datetime) -> None:
        """Work the course out again with an input that was told late, unless the platform's record says otherwise."""
        trial = self.fork()
        placed = given.model_copy()
        trial.state.inputs.append(placed)
        trial.refold(now)
        if lost := set(self.state.answered) - set(trial.state.answered):
            given.status, given.why = "ignored", f"{DECIDED}: {', '.join(sorted(clock[2] for clock in lost))}"
            self._keep_ignored(given, final=True)
            return
        self.state, self.case = trial.state, trial.case
        given.status, given.why = placed.status, placed.why

    def refold(self, now: datetime) -> None:
        """Work the course of the case out again from its inputs, and keep what that has undone."""
        before = self.state.course()
        self.derive(now)
        self._compare(before)
        self._settle(now)

    def derive(self, now: datetime | None, most: int | None = None) -> None:
        """Follow the inputs in the order in which they happened, from the checkpoint or the beginning.

        Clocks run on until ``now``; with None they stop at the last input.  ``most``: stop after so many inputs.
        """
        self._before = self.state.course()
        self.state.inputs.sort(key=_place)
        for given in self.state.inputs:
            given.status, given.why = given.at_checkpoint or "waiting", None
            if given.repeats and (decision := self.state.decision_numbered(given.repeats)):
                decision.echoed, given.repeats = False, None
        self._coming = deque(given for given in self.state.inputs if given.at_checkpoint is None)
        checkpoint = self.state.checkpoint
        if checkpoint:
            self._return_to(checkpoint)
        else:
            self.state.follow(Course())
            self.case = self._origin
            self._begin()
        processed = 0
        while self._coming and (most is None or processed < most):
            coming = self._coming[0]  # it may show what a clock led to that runs out before it
            self._process(coming)
            self._coming = deque(given for given in self._coming if given is not coming)
            processed += 1
        if now is not None:
            self.elapse(now)
        self._before = None

    def _return_to(self, checkpoint: Checkpoint) -> None:
        """Begin at a checkpoint, with what is known now of the effects and expiries that there were."""
        assert self._before is not None  # noqa: S101 - the course before is known while one is derived
        self.state.follow(checkpoint.course)
        self.case = self._in_context(checkpoint.context)
        known = {effect.key: effect for effect in self._before.effects}
        then, self.state.effects = self.state.effects, []
        for effect in then:
            kept = known.get(effect.key, effect)
            if not effect.unneeded:
                kept.call_again()
            self.state.effects.append(kept)
        asked = {expiry.serial: expiry for expiry in self._before.expiries}
        self.state.expiries = [asked.get(expiry.serial, expiry) for expiry in self.state.expiries]
        for expiry in list(self.state.expiries):
            if answer := self.state.answer_to(expiry.clock):
                self._resolve(expiry, answer)

    def _begin(self) -> None:
        began = self.state.began
        assert began is not None  # noqa: S101 - set when the case was opened
        self.state.advance_to(began)
        for order in (None, *self.case.orders):
            effects, snapshot = firing.begin(self.process.chart_of(order), self.case.part(order), began)
            self.state.remember(order, snapshot)
            self._enqueue(effects, "", began, None, order, cause="opening")

    def _process(self, given: Input) -> None:
        """Process an input at its place."""
        if not given.early:
            self.elapse(given.happened)  # clocks that ran out before the input's own instant go first
        self.state.advance_to(given.happened)
        if given.status == "waiting":
            self.place(given)

    def place(self, given: Input) -> None:
        """Judge an input as the case is now, and let it have its consequences."""
        self._act_on(given, reports.judge(self, given))

    def _act_on(self, given: Input, verdict: Verdict) -> None:
        given.why = None
        match verdict:
            case Apply(rule, order, form):
                given.status = "applied"
                at = max(self.since(order), given.happened)
                self.fire(rule, at, form, order=order, given=given)
                if given.deadline is not None and not self.closed:
                    own = given.model_copy(update={"order": order, "rule": None})
                    self._rearm(reports.judge_deadline(self, own))
            case Rearm():
                given.status = "applied"
                self._rearm(verdict)
            case Hold():
                given.status = "held"
            case Echo(decision):
                given.status = "echo"
                decision.echoed = True
                given.repeats = decision.serial if self._may_be_another(given, decision) else None
                self._rearm_by_echo(given)
            case Ignore(why, final):
                given.status, given.why = "ignored", why
                if final:
                    given.dated = False
        if given.kind == "decision":
            self._explain_decision(given)

    def _explain_decision(self, given: Input) -> None:
        """Keep of a decision that the platform has taken why it does not count, or that it does after all."""
        decision = self.state.decision(given.key)
        if decision is None:
            return
        if decision.status == "dropped" and given.status == "applied":
            decision.complete(given.happened)
            decision.telling = False
        if decision.status == "done":
            decision.why = given.why

    def _may_be_another(self, given: Input, decision: Decision) -> bool:
        """Return whether what seems to repeat a decision happened too late to be its confirmation."""
        later = decision.ended is not None and decision.ended + reports.SKEW < given.happened
        return later and given.dated and not given.look and self.case.opened_since(ECHOES_KEPT)

    def _rearm_by_echo(self, given: Input) -> None:
        """Keep of an echo the deadline that came with it."""
        own = given.model_copy(update={"rule": None, "otherwise": ()})
        if given.deadline is None or self.closed:
            return
        verdict = reports.judge_deadline(self, own)
        if isinstance(verdict, Rearm):
            given.rule, given.otherwise, given.status = None, (), "applied"
            self._rearm(verdict)

    def _rearm(self, verdict: Rearm | Ignore) -> None:
        if isinstance(verdict, Rearm):
            for state in verdict.states:
                self.state.set_deadline(verdict.order, state, verdict.deadline)
            self._retry_waiting()

    def _retry_waiting(self) -> None:
        """Judge again the inputs that were held for an expiry, and those that came too early."""
        again = True
        while again:
            again = False
            for given in self.state.inputs:
                if given.status not in ("held", "ignored"):
                    continue
                verdict = reports.judge_again(self, given)
                if verdict is None or (isinstance(verdict, Ignore) and given.status == "ignored"):
                    continue
                self._act_on(given, verdict)
                again = True
                break

    def _settle(self, now: datetime) -> None:
        """Keep the ignored inputs as such, and forget those that cannot matter any more."""
        ignored = {message.input for message in self.state.ignored if message.input is not None}
        reports_told = [given for given in self.state.inputs if given.kind == "report"]
        for given in reports_told:
            if given.status == "ignored" and given.serial not in ignored:
                self._keep_ignored(given, final=not given.dated)
            elif given.status != "ignored" and given.serial in ignored:
                self.state.unignore(given.serial)
            if given.look and given.status == "applied":
                self.state.mark_seen(given.message_id)
        self.state.forget(given.serial for given in reports_told if _is_over(given))
        self.drop_left_decisions(now)
        self.state.tidy()

    def _keep_ignored(self, given: Input, *, final: bool) -> None:
        if given.look:
            return
        self.state.ignore(
            IgnoredMessage(
                at=given.told,
                rule=given.rule and clipped(given.rule),
                message_id=given.message_id,
                why=clipped(given.why or ""),
                occurred_at=given.happened if given.happened != given.told else None,
                input=None if final else given.serial,
            )
        )

    def _compare(self, before: Course) -> None:
        """Keep what the new course has undone: rules as taken back, ledger entries as reversed, effects as obsolete."""
        state = self.state
        fired = {repr(entry.identity) for entry in state.timeline}
        state.taken_back = [entry for entry in state.taken_back if repr(entry.identity) not in fired]
        state.taken_back += [entry for entry in before.timeline if repr(entry.identity) not in fired]
        booked = {entry.key for entry in (*state.ledger, *state.undone)}
        state.reversed = [entry for entry in state.reversed if entry.key not in booked]
        state.reversed += [
            entry.model_copy(update={"status": "reversed"})
            for entry in (*before.ledger, *before.undone)
            if entry.key not in booked
        ]
        wanted = {effect.key for effect in state.effects}
        state.obsolete = [effect for effect in state.obsolete if effect.key not in wanted]
        for effect in before.effects:
            if effect.key in wanted or effect.entry is not None or effect.unneeded:
                continue
            if effect.status == "done":
                state.obsolete.append(effect.model_copy(update={"obsolete": True, "why": OBSOLETE}))
            elif effect.status == "pending" or self._may_be_told(effect):  # its call may be on its way, and succeed
                state.obsolete.append(effect.model_copy(update={"status": "dropped"}))

    def _may_be_told(self, effect: EffectState) -> bool:
        """Return whether an effect that failed may still have told a case something."""
        return effect.status == "needs_operator" and self.process.effects()[effect.effect].telling is not None

    def compact(self, now: datetime) -> None:
        """Make a checkpoint of the oldest half of the inputs once a case keeps too many."""
        kept = self.state.inputs
        if len(kept) <= inputs.INPUTS_KEPT and sum(given.size for given in kept) <= inputs.INPUT_BYTES_KEPT:
            return
        self.refold(now)
        kept = self.state.inputs
        trial = self.fork()
        trial.derive(now=None, most=(len(kept) + 1) // 2)
        coming = trial.still_coming
        waiting = {given.serial: given for given in trial.state.inputs if given.serial not in coming}
        waiting = {serial: given for serial, given in waiting.items() if _may_still_apply(given)}
        self._bound_waiting(waiting)
        for given in self.state.inputs:
            if given.serial in waiting:
                given.at_checkpoint = waiting[given.serial].status
        self.state.forget([given.serial for given in kept if given.serial not in coming | waiting.keys()])
        course = trial.state.course()
        course.timeline = with_newest_forms(course.timeline, BYTES_CARRIED)
        self.state.checkpoint = Checkpoint(course=course, context=trial.context())
        unresolved = {expiry.clock for expiry in course.expiries}
        self.state.answers = [
            answer
            for answer in self.state.answers
            if course.frontier is None or answer.due >= course.frontier or answer.clock in unresolved
        ]

    @property
    def still_coming(self) -> set[int]:
        """The serial numbers of the inputs that have not been processed, where a course was followed only so far."""
        return {given.serial for given in self._coming}

    def _bound_waiting(self, waiting: dict[int, Input]) -> None:
        """Give up the oldest inputs that wait at a checkpoint, so that it makes room."""
        size = sum(given.size for given in waiting.values())
        for serial, given in list(waiting.items()):
            if len(waiting) <= WAITING_KEPT and size <= inputs.INPUT_BYTES_KEPT // 4:
                return
            size -= given.size
            del waiting[serial]
            if given.status == "held":
                given.why = TOO_MANY
                self._keep_ignored(given, final=True)


def _is_over(given: Input) -> bool:
    """Return whether a report cannot matter any more, whatever else becomes known."""
    if given.status == "echo":
        return given.repeats is None
    return given.status == "ignored" and (given.look or not given.dated)


def _may_still_apply(given: Input) -> bool:
    """Return whether an input has not applied, but may once an earlier fact becomes known."""
    return given.status == "held" or (given.status == "ignored" and not _is_over(given))


def _place(given: Input) -> tuple[datetime, bool, int]:
    return given.place


def given_at(sender: InputSender, now: datetime) -> datetime | None:
    """Return when an input was given, if it was held up since: no worker was there, or the case was reset."""
    return sender.at if sender.at is not None and sender.at < now - HELD_UP else None
