"""A case without Temporal; the only module that changes its state.

Time is passed in as an argument and effects are returned as data (``state.pending``), so that every rule of every
process can be tested by calling functions.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from cases.case import Case
from cases.errors import BadForm
from cases.forms import Form
from cases.ledger import LedgerEntry
from cases.messages import EffectOutcome, ExpiryOutcome, Report
from statecharts.chart import Deadline
from statecharts.rules import Effect
from workflows.engine import decisions, reports
from workflows.engine.process import Process
from workflows.engine.reports import Apply, Hold, Ignore, Rearm, Verdict
from workflows.engine.situation import CaseSituation, MomentKind
from workflows.engine.state import (
    CaseState,
    EffectState,
    ExpiryCheck,
    IgnoredMessage,
    Notification,
    SentReminder,
    TimelineEntry,
)

REPEATS = 10
"""How often a clock or the default decision may fire at one instant; beyond that it would never stop."""
NOT_CANCELLED = (
    "不能取消:平台的计时不会停 / not cancelled: the platform's clocks go on; terminate what was opened by mistake"
)


class EndlessRuleError(RuntimeError):
    """A rule that fires again and again at one instant: a fault of the chart, which fails the workflow task."""

    def __init__(self, rule: str, states: list[str]) -> None:
        super().__init__(
            f"rule {rule!r} never stops: it fires again and again in state {', '.join(states)} while no time passes"
        )


class CaseMachine(CaseSituation):
    """A case and everything that can happen to it: decisions, reports, clocks, and the results of its effects."""

    def __init__(
        self,
        process: Process,
        case_id: str,
        case: Case,
        state: CaseState | None = None,
        *,
        now: datetime | None = None,
    ) -> None:
        """Resume a case from its state, or open it at the instant from which its first clock runs (else ``now``)."""
        super().__init__(process, case_id, case, state or CaseState())
        if state is None:
            began: datetime | None = case.facts.began_at or now
            if began is None:
                raise ValueError("the instant of the opening is needed")
            for order in (None, *case.orders):
                with process.chart_of(order).borrowed(case.part(order), began) as chart:
                    self.state.remember(order, chart.snapshot())
                    self._enqueue(chart.effects, "", began, None, order)

    def fork(self) -> "CaseMachine":
        """Return an independent copy, to try something out."""
        return CaseMachine(self.process, self.case_id, self.case, self.state.model_copy(deep=True))

    def as_of(self, now: datetime) -> "CaseMachine":
        """Return the case as it is once every clock due by ``now`` has run out; read-only, for validators."""
        nearest = self.next_clock()
        if nearest is None or nearest.due > now:
            return self
        copy = self.fork()
        copy.elapse(now)
        return copy

    # Decisions.

    def check(self, rule: str, raw: Any) -> tuple[str | None, Form]:
        """Return the order and the form of a decision that the rules allow; raises Refused or BadForm."""
        return decisions.check(self, rule, raw)

    def decide(self, rule: str, raw: Any, now: datetime) -> None:
        """Fire a rule for a person; overdue clocks go first.  Raises Refused or BadForm."""
        self.elapse(now)
        order, form = self.check(rule, raw)
        self.fire(rule, now, form, order=order)

    # Clocks.

    def advance(self, now: datetime) -> None:
        """Process everything due by ``now``: clocks first, then default decisions, then reminders."""
        self.elapse(now)
        decided = 0
        while not self.closed and self._decide_by_default(now):
            decided += 1
            if decided > REPEATS:
                raise EndlessRuleError(self.state.timeline[-1].rule, self.states())
            self.elapse(now)
        self._remind(now)

    def elapse(self, now: datetime) -> None:
        """Let every clock due by ``now`` run out at its own instant; one of the platform's must be resolved first."""
        fired: Counter[tuple[datetime, Deadline]] = Counter()
        while (nearest := self.next_clock()) and nearest.due <= now:
            fired[self.state.latest, nearest] += 1
            if fired[self.state.latest, nearest] > REPEATS:
                raise EndlessRuleError(nearest.rule, self.named(nearest.order, [nearest.state]))
            if self.process.clocks[nearest.rule].resolved_by_platform:
                self.state.expire(nearest)
            else:
                self._run_out(nearest)

    def _run_out(self, clock: Deadline | ExpiryCheck) -> None:
        self.fire(clock.rule, max(clock.due, self.since(clock.order)), order=clock.order)

    def _decide_by_default(self, now: datetime) -> bool:
        rule = self.case.policy.default_decision.value
        if rule is None:
            return False
        if not any(moment.kind is MomentKind.DECISION and moment.at <= now for moment in self.moments(now)):
            return False
        self.fire(rule, now, self.read_form(rule, self.case.policy.default_form.value), by="default")
        return True

    def _remind(self, now: datetime) -> None:
        due = [moment for moment in self.moments(now) if moment.kind is MomentKind.REMINDER and moment.at <= now]
        for deadline in dict.fromkeys(moment.deadline for moment in due):
            self.state.remind(deadline, now)

    # Expiries: clocks of the platform that have run out (G-2).

    def resolve_expiry(self, serial: int, answer: ExpiryOutcome, now: datetime) -> None:
        """Apply the platform's answer to an expiry; an impossible answer needs an operator."""
        expiry = self.state.expiry(serial)
        if expiry is None:  # a message came first, and the state has been left
            return
        if answer.rule is not None:
            self._apply_answer(answer.rule, answer, expiry, now)
        elif answer.deadline is None:
            self._run_out(expiry)
        elif answer.deadline > now:
            self.state.set_deadline(expiry.order, expiry.state, answer.deadline)
        else:
            due = answer.deadline.isoformat()
            expiry.fail(f"平台给出的截止时间已过 / the platform's own deadline has passed: {due}")

    def _apply_answer(self, rule: str, answer: ExpiryOutcome, expiry: ExpiryCheck, now: datetime) -> None:
        order = expiry.order
        if rule not in self.process.chart_of(order).rules or not self.chart_view(order).transitions(rule):
            expiry.fail(
                f"平台称发生了 {rule!r},当前状态不可能 / the platform says {rule!r}, which this state does not allow"
            )
            return
        try:
            form = None if answer.form is None else self.read_form(rule, answer.form, order)
        except BadForm as bad:
            expiry.fail(f"平台的答复不可用 / the platform's answer cannot be used: {bad}")
            return
        happened = max(self.since(order), min(answer.occurred_at or expiry.due, now))
        self.fire(rule, happened, form, order=order, reported=True)
        if answer.deadline is not None and not self.closed:
            for state in self.chart_view(order).platform_clocked():
                self.state.set_deadline(order, state, answer.deadline)

    def fail_expiry(self, serial: int, why: str) -> None:
        """Leave an expiry that the platform did not answer to an operator."""
        if expiry := self.state.expiry(serial):
            expiry.fail(why)

    # Reports of the platform (G-3).

    def receive(self, report: Report, now: datetime) -> None:
        """Judge a report and apply it, hold it until an expiry is resolved, or keep it as ignored."""
        if not self.state.first_time(report):
            return
        self.elapse(reports.happened_at(report, now))  # clocks that ran out before the report's own instant go first
        self._take(report, reports.judge(self, report, now), now)
        self.judge_again(now)
        self.advance(now)

    def ignore(self, why: str, now: datetime) -> None:
        """Record that a message could not be read, or that a request was declined."""
        self.state.ignore(now, Report(), why)

    def judge_again(self, now: datetime) -> None:
        """Judge again the reports that were held for an expiry, and those that came too early."""
        for report in self.state.release_held():
            self._take(report, reports.judge(self, report, now), now)
        while not self.closed and any(self._take_early(message, now) for message in self.state.early):
            pass

    def _take_early(self, message: IgnoredMessage, now: datetime) -> bool:
        report = message.early
        verdict = reports.judge_early(self, report, now) if report else None
        if report is None or verdict is None:
            return False
        self.state.unignore(message)
        self._take(report, verdict, now)
        return True

    def _take(self, report: Report, verdict: Verdict, now: datetime) -> None:
        match verdict:
            case Apply(rule, order, form):
                if report.look:
                    self.state.mark_seen(report)
                happened = max(self.since(order), reports.happened_at(report, now))
                self.fire(rule, happened, form, order=order, reported=True)
                if report.deadline is not None and not self.closed:
                    own = report.model_copy(update={"order": order})
                    self._take(own, reports.judge_deadline(self, own), now)
            case Rearm(order, states, deadline):
                for state in states:
                    self.state.set_deadline(order, state, deadline)
            case Hold(held):
                self.state.hold(held)
            case Ignore(why, early):
                self.state.ignore(now, report, why, early=early)

    # Rules and their effects.

    def fire(
        self,
        rule: str,
        at: datetime,
        form: Form | None = None,
        *,
        order: str | None = None,
        by: str | None = None,
        reported: bool = False,
    ) -> None:
        """Fire an open rule; ``reported``: the platform reported it, so it is not asked to do the same again."""
        case, snapshot = self.case.part(order), self.state.snapshot_of(order)
        with self.process.chart_of(order).borrowed(case, at, snapshot) as chart:
            step = chart.step(rule, at)
            self.state.remember(order, chart.snapshot())
        self.case = self.case.apply(rule, form) if order is None else self.case.apply_to_order(order, rule, form)
        self.state.record(
            TimelineEntry(
                at=at,
                rule=rule,
                by=by or self.process.rules[rule].party.value,
                left=self.named(order, step.left),
                reached=self.named(order, step.reached),
                clause=step.clause,
                order=order,
            )
        )
        self._cancel_obsolete(rule, at, order)
        effects = [effect for effect in step.effects if not (reported and effect.calls_platform)]
        self._enqueue(effects, rule, at, form, order)
        deadlines = self.chart_view(order).deadlines
        self.state.keep_expiries(order, {(deadline.state, deadline.rule, deadline.due) for deadline in deadlines})

    def _cancel_obsolete(self, rule: str, at: datetime, order: str | None) -> None:
        """Complete the effects that were needed only until this rule fired."""
        declared = self.process.effects()
        for effect in self.state.effects:
            if effect.status != "done" and effect.order == order and rule in declared[effect.effect].until:
                effect.complete(at)

    def _enqueue(self, effects: list[Effect], rule: str, at: datetime, form: Form | None, order: str | None) -> None:
        written = form.model_dump(mode="json") if form else None
        part = self.case.part(order)
        for effect in effects:
            if effect.unless and getattr(part, effect.unless):
                continue
            entry = self._ledger_entry(effect, at, order) if effect.is_ledger_entry else None
            if entry and not self.state.book(entry):
                continue
            self.state.enqueue(effect.name, rule, at, order, form=written, entry=entry.key if entry else None)

    def _ledger_entry(self, effect: Effect, at: datetime, order: str | None) -> LedgerEntry:
        """Return the entry of an effect; its key allows one entry per case, clause and order."""
        facts = self.case.facts
        return LedgerEntry(
            key=f"{self.case_id}/{effect.clause}/{order or facts.order or self.case_id}",
            case_id=self.case_id,
            shop_id=facts.shop,
            clause=effect.clause or "",
            order=order,
            at=at,
            amount=self.case.part(order).amount(effect.name),
        )

    def complete_effect(self, effect: EffectState, outcome: EffectOutcome, now: datetime) -> None:
        """Mark an effect as performed, unless the case has moved on and no longer needs it."""
        if effect.status == "owed":
            effect.complete(now, task=outcome.console_task)

    def fail_effect(self, effect: EffectState, why: str, now: datetime) -> None:
        """Leave an effect to an operator (G-7), unless the case has moved on and no longer needs it."""
        if effect.status == "owed":
            effect.fail(now, why)

    def retry_effect(self, raw: Any) -> None:
        """Try a stuck step again (G-7), an effect under the same idempotency key; raises Refused or BadForm."""
        step, _ = decisions.stuck_step(self, raw, retry=True)
        step.retry()

    def done_by_hand(self, raw: Any, now: datetime) -> None:
        """Mark a stuck step as done by the operator; an expiry fires its own rule.  Raises Refused or BadForm."""
        step, note = decisions.stuck_step(self, raw, retry=False)
        if isinstance(step, EffectState):
            step.complete(now, note=note)
        else:
            self._run_out(step)

    # Reminders and notifications.

    def end_notifications(self) -> None:
        """Mark the notifications of steps that no longer wait for a person as over."""
        self.state.end_notifications()

    def unnotified(self) -> list[int | None]:
        """Return what operators must still be notified of: serials of waiting steps, None for the outcome."""
        notified = {notification.serial for notification in self.state.notifications if not notification.over}
        subjects: list[int | None] = [*self.state.waiting, *([None] if self.closed else [])]
        return [serial for serial in subjects if serial not in notified]

    def notify(self, serials: list[int | None], now: datetime) -> None:
        """Add notifications to be sent; a step that waits again is notified again."""
        for serial in serials:
            self.state.notify(serial, now)

    def mark_delivered(self, sent: SentReminder | Notification) -> None:
        """Record that a reminder or notification was delivered."""
        self.state.mark_delivered(sent)

    def mark_undelivered(self, sent: SentReminder | Notification, why: str | None) -> None:
        """Record why it could not be delivered; None if it was cancelled because the case had moved on."""
        self.state.mark_undelivered(sent, why)
