"""A case without Temporal.

Time is passed in as an argument and effects are returned as data (``state.pending``), so that every rule of every
process can be tested by calling functions.  This module and ``course`` are the only ones that change a case's state.
"""

import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cases.errors import BadForm, Refused
from cases.forms import Form
from cases.ledger import ToldFact
from cases.messages import EffectOutcome, ExpiryOutcome, Report, told_report
from cases.models import GIVEN_NOW, clipped, read
from workflows.engine import decisions, inputs, reports
from workflows.engine.arrivals import AS_GIVEN
from workflows.engine.course import OBSOLETE, CaseCourse, given_at
from workflows.engine.inputs import Input
from workflows.engine.reports import SKEW
from workflows.engine.sender import FROM_A_CASE, UNKNOWN_SENDER, InputSender
from workflows.engine.situation import TELLING_AMENDED, MomentKind
from workflows.engine.state import (
    Decision,
    EffectState,
    ExpiryCheck,
    IgnoredMessage,
    Notification,
    SentReminder,
)

NOT_CANCELLED = (
    "不能取消:平台的计时不会停 / not cancelled: the platform's clocks go on; terminate what was opened by mistake"
)
DEFAULT = "default"
CONFIRMED_ONCE = "2026-12-01"
"""Since this edition a message that confirms a decision being submitted is not counted beside it as another event.

It was if the rule can fire again at once, as the correction of a tracking number.
"""
STEPS_BY_KEY = "2026-12-01"
"""Since this edition a step that is confirmed is found by its key, which a reset leaves as it was."""


class CaseMachine(CaseCourse):
    """A case and everything that can happen to it: decisions, reports, clocks, and the results of its effects."""

    # Decisions (G-10).

    def check(self, rule: str, raw: Any, now: datetime, *, key: str = "", sender: InputSender = UNKNOWN_SENDER) -> None:
        """Raise Refused or BadForm for a decision that the rules do not allow; one given before is not judged again.

        Nor is one yet that must wait for others that were given before it.  Never called in a replay.
        """
        if self.state.decision(key) or self.must_wait(now, sender):
            return
        _, form, *_ = self._admit(rule, raw, now, sender)
        read(type(form), form.model_dump(mode="json"), rule, GIVEN_NOW)

    def admits(self, rule: str, raw: Any, now: datetime, key: str, sender: InputSender) -> bool:
        """Return whether a decision can be judged now: the rules allow it, or nothing that comes can change that."""
        if self.state.decision(key):
            return True
        try:
            self._admit(rule, raw, now, sender)
        except Refused:
            return False
        except BadForm:
            return True
        return True

    def must_wait(self, now: datetime, sender: InputSender) -> bool:
        """Return whether a decision given earlier can be judged only once it is known what came before it.

        These are the decisions before it, and what the platform says of its clocks that had run out by then.
        """
        told = given_at(sender, now)
        if told is None:
            return False
        if any(one.status == "pending" and one.at <= told for one in self.state.submissions):
            return True
        return self.case.opened_since(AS_GIVEN) and any(
            expiry.due <= told and not expiry.asked for expiry in self.as_of(now).state.unresolved
        )

    def submit(
        self,
        rule: str,
        raw: Any,
        now: datetime,
        *,
        key: str,
        sender: InputSender = UNKNOWN_SENDER,
        by: str | None = None,
    ) -> Decision:
        """Take in a decision; raises Refused or BadForm.

        It counts at once if the platform need not take it, or if it says when it was carried out.  Otherwise it is
        being submitted until ``take``, ``refuse`` or ``fail`` says what became of it.
        """
        if known := self.state.decision(key):
            return known
        self.elapse(now)
        order, form, happened, then = self._admit(rule, raw, now, sender)
        stay = {} if then else self._stay(rule, order)
        # One that was given before this stay began, and was not possible then, counts from its beginning.
        told = max((given_at(sender, now) or now, *stay.values()))
        effect = None if happened else decisions.submitting_effect(self, rule, order, now, form, then)
        decision = Decision(
            serial=self.state.next_serial(),
            key=key,
            effect=effect.name if effect else "",
            rule=rule,
            at=happened or told,
            order=order,
            form=form.model_dump(mode="json"),
            by=by or self.process.rules[rule].party.value,
            actor=sender.name,
            way=DEFAULT if by == DEFAULT else sender.way,
            stay=stay,
        )
        self.state.decisions.append(decision)
        if effect is None:
            self._count(decision, happened or told, now)
        return self.state.decision(key) or decision

    def _stay(self, rule: str, order: str | None) -> dict[str, datetime]:
        """Return the states from which a rule can fire now, with the instants of their entry."""
        view = self.chart_view(order)
        sources = dict.fromkeys(transition.source.value for _, transition in view.transitions(rule))
        return {state: view.entered[state] for state in sources}

    def take(self, serial: int, outcome: EffectOutcome, now: datetime) -> None:
        """Fire the rule of a decision that the platform has taken, or leave it to an operator as a console task (G-8).

        What the platform had taken before counts from when the decision was given, as does a decision that was
        possible only then.
        """
        decision = self.state.decision_numbered(serial)
        if decision is None or decision.status in ("done", "refused"):
            return
        if outcome.console_task is None:
            decision.said = outcome.said
            self._count(decision, decision.at if outcome.already or not decision.stay else now, now)
        elif decision.being_submitted:
            decision.complete(now, task=outcome.console_task)
            self.drop_left_decisions(now)

    def refuse(self, serial: int, why: str, now: datetime, *, tell: bool) -> None:
        """Drop a decision that the platform refused, in its own words; ``tell``: nobody waits for the answer."""
        decision = self.state.decision_numbered(serial)
        if decision is not None and decision.being_submitted:
            decision.end("refused", now, why, tell=tell)

    def fail(self, serial: int, why: str, now: datetime) -> None:
        """Leave to an operator a decision that the platform has not answered (G-7)."""
        decision = self.state.decision_numbered(serial)
        if decision is not None and decision.being_submitted:
            decision.fail(now, clipped(why))

    def _admit(
        self, rule: str, raw: Any, now: datetime, sender: InputSender
    ) -> tuple[str | None, Form, datetime | None, list[str]]:
        """Return order and form of a decision, and when it was carried out in truth if it was before it was given.

        Also return the states from which it was possible when it was given, if the case has left them since.
        """
        happened, raw = decisions.split_instant(rule, raw, now)
        if happened is not None:
            order, form, _ = self._admit_then(rule, raw, happened, now)
            return order, form, happened, []
        told = given_at(sender, now)
        if told is not None and self.state.began is not None:
            told = max(told, self.state.began)
        try:
            order, form = decisions.check(self.as_of(now), rule, raw, now)
        except Refused:
            if told is None:
                raise
            order, form, then = self._admit_then(rule, raw, told, now)
            return order, form, None, then
        if told is not None and told < max(self._stay(rule, order).values(), default=told):
            with contextlib.suppress(Refused, BadForm):
                order, form, then = self._admit_then(rule, raw, told, now)
                return order, form, None, then
        return order, form, None, []

    def _admit_then(self, rule: str, raw: Any, happened: datetime, now: datetime) -> tuple[str | None, Form, list[str]]:
        """Return order and form of a decision that was possible at an earlier instant, and the states it left then.

        Raises Refused or BadForm.
        """
        order, fields = self.split_order(rule, raw)
        form = self._read_as_declared(rule, fields)
        if self.process.rules[rule].forbidden:
            raise decisions.impossible_then(self, rule, order, None, now)
        decisions.refuse_while_submitting(self, rule, order, now)
        trial = self.fork()
        given = self._input(rule, order, form, happened, now)
        trial.tell(given, now)
        if given.status != "applied":
            raise decisions.impossible_then(trial, rule, order, given.why, now)
        fired = next((entry for entry in trial.state.timeline if entry.input == given.serial), None)
        return order, form, [state.rpartition(".")[2] for state in fired.left] if fired else []

    def _read_as_declared(self, rule: str, raw: Any) -> Form:
        form_type = self.process.case.form_type(self.process.rules[rule].form)
        return read(form_type, {} if raw is None else raw, rule)

    def _input(self, rule: str, order: str | None, form: Form, happened: datetime, now: datetime) -> Input:
        began = self.state.began or happened
        return Input(
            serial=self.state.last_serial + 1,
            key=f"{rule}@{happened.isoformat()}",
            kind="decision",
            rule=rule,
            order=order,
            form=form.model_dump(mode="json"),
            happened=max(began, happened),
            told=now,
        )

    def _count(self, decision: Decision, happened: datetime, now: datetime) -> None:
        """Let a decision count from an instant on; what it no longer fits is kept as its reason."""
        dropped = decision.status == "dropped"
        began = self.state.began or happened
        given = Input(
            serial=self.state.next_serial(),
            key=decision.key,
            kind="decision",
            rule=decision.rule,
            order=decision.order,
            form=decision.form,
            size=inputs.size_of(decision.form),
            happened=max(began, min(happened, now)),
            told=now,
            by=decision.by,
            actor=decision.actor,
            way=decision.way,
            asked=self._asked(decision, happened),
        )
        before = (decision.status, decision.ended, decision.telling)
        decision.complete(given.happened)
        decision.telling = False
        self.tell(given, now)
        decision = self.state.decision_numbered(decision.serial) or decision
        if given.status != "applied":
            if dropped:
                decision.status, decision.ended, decision.telling = before
            decision.why = given.why

    def _asked(self, decision: Decision, happened: datetime) -> datetime | None:
        """Return when a decision was given whose time was over by the instant at which the platform took it (G-10)."""
        if happened <= decision.at:
            return None
        view, form = self.chart_view(decision.order), self._read_as_declared(decision.rule, decision.form)

        def possible(at: datetime) -> bool:
            open_then = view.transitions(decision.rule, at, form)
            return bool(open_then) and self.case.unfit(decision.rule, form, at) is None

        return decision.at if possible(decision.at) and not possible(happened) else None

    def retry_effect(self, raw: Any, *, sender: InputSender = UNKNOWN_SENDER) -> None:
        """Try a stuck step again (G-7), an effect under the same idempotency key; raises Refused or BadForm."""
        named = read(decisions.StuckStep, {} if raw is None else raw, "retry_effect")
        step = decisions.stuck_step(self, named, retry=True, key=self._key_of_step(sender))
        step.retry()
        if isinstance(step, EffectState):
            step.handled(sender.name, sender.way)
        else:
            self.state.ask_again(step)

    def check_step(self, raw: Any, now: datetime, *, retry: bool, sender: InputSender = UNKNOWN_SENDER) -> None:
        """Raise Refused or BadForm unless an operator names one stuck step."""
        if retry:
            named = read(decisions.StuckStep, raw or {}, "retry_effect")
            decisions.stuck_step(self, named, retry=True, key=self._key_of_step(sender))
        elif not self.prepares_step(raw, now, sender):
            self._step_done(raw, now, sender)

    def prepares_step(self, raw: Any, now: datetime, sender: InputSender) -> bool:
        """Return whether a step is still to come that was confirmed some time ago, as after a reset.

        Raises BadForm.
        """
        if given_at(sender, now) is None:
            return False
        try:
            self._step_done(raw, now, sender)
        except Refused:
            return self.busy
        return False

    def _key_of_step(self, sender: InputSender) -> str | None:
        return sender.step if self.case.opened_since(STEPS_BY_KEY) else None

    def _step_done(
        self, raw: Any, now: datetime, sender: InputSender
    ) -> tuple[EffectState | ExpiryCheck, str | None, datetime]:
        named = read(decisions.StepDone, {} if raw is None else raw, "done_by_hand")
        if named.occurred_at is not None:
            decisions.not_to_come(named.occurred_at, now, "done_by_hand")
        happened = named.occurred_at or given_at(sender, now) or now
        step = decisions.stuck_step(self, named, retry=False, happened=happened, key=self._key_of_step(sender))
        if isinstance(step, Decision):
            trial = self.fork()
            given = self._input(step.rule, step.order, self._read_as_declared(step.rule, step.form), happened, now)
            given.asked = self._asked(step, happened)
            trial.tell(given, now)
            if given.status == "ignored":
                raise decisions.impossible_then(trial, step.rule, step.order, given.why, now)
        return step, named.note, happened

    def done_by_hand(self, raw: Any, now: datetime, *, sender: InputSender = UNKNOWN_SENDER) -> None:
        """Mark a stuck step as done by the operator, when it was done.

        A decision then counts (G-10), and an expiry fires its own rule.  Raises Refused or BadForm.
        """
        step, note, happened = self._step_done(raw, now, sender)
        if isinstance(step, EffectState):
            step.handled(sender.name, sender.way)
        if isinstance(step, Decision):
            step.note = note
            self._count(step, happened, now)
        elif isinstance(step, EffectState):
            step.complete(happened, note=note)
        else:
            self.answer(step, ExpiryOutcome(), now)

    # Reports of the platform (G-3).

    def receive(self, report: Report, now: datetime, *, sender: InputSender = UNKNOWN_SENDER) -> None:
        """Take in a report where it belongs, hold it until an expiry is resolved, or keep it as ignored."""
        if not self.state.first_time(report):
            return
        if not report.look:
            self.state.mark_seen(report.message_id)
        if report.occurred_at is None:
            report = report.model_copy(update={"occurred_at": given_at(sender, now)})
        began = self.state.began or now
        given = inputs.of_report(report, self.state.next_serial(), now, began, sender)
        given.early = self._is_early(report, sender)
        confirmed = self._confirm_submission(given, now)
        given.happened = reports.in_our_time(self, given)
        if confirmed is not None and self.case.opened_since(CONFIRMED_ONCE):
            confirmed.echoed = True
            if given.deadline is None:
                self.advance(now)
                return
            given.rule, given.otherwise = None, ()  # what is left of it is the deadline that came with it
        self.tell(given, now)
        self.advance(now)

    def hear(self, facts: Iterable[ToldFact], now: datetime) -> None:
        """Take in what other cases told before this one was opened (G-15)."""
        for fact in facts:
            self.receive(told_report(fact), now, sender=FROM_A_CASE)
        self.state.heard = True

    def _is_early(self, report: Report, sender: InputSender) -> bool:
        """Return whether another case tells what happened before this one began."""
        told = sender.way == FROM_A_CASE.way and self.case.opened_since(TELLING_AMENDED)
        return told and bool(report.occurred_at and self.state.began and report.occurred_at < self.state.began)

    def _confirm_submission(self, given: Input, now: datetime) -> Decision | None:
        """Let a decision count that the platform confirms before it has answered the call.

        Return it unless the report has another form, and so tells of another event.
        """
        decision = next((one for one in self.state.submissions if one.rule == given.rule), None)
        if decision is None or decision.order not in (None, given.order) or given.happened < decision.at - SKEW:
            return None
        trial = self.fork()
        trial.tell(given.model_copy(), now)
        confirmed = trial.state.decision_numbered(decision.serial)
        if confirmed is None or confirmed.being_submitted:
            return None
        same = self._says_the_same(given, decision)
        self._count(decision, max(given.happened, decision.at), now)  # as a fact it would drop the decision
        given.serial = self.state.next_serial()  # it only confirms what comes before it
        return self.state.decision_numbered(decision.serial) if same else None

    def _says_the_same(self, given: Input, decision: Decision) -> bool:
        """Return whether a report of the rule of a decision has the same form, or none."""
        if given.form is None:
            return True
        try:
            form = self.read_form(decision.rule, given.form, decision.order)
        except BadForm:
            return False
        return form.model_dump(mode="json") == decision.form

    def ignore(self, why: str, now: datetime, report: Report | None = None) -> None:
        """Record that a message could not be read, or that a request was declined."""
        rule = report.rule if report else None
        self.state.ignore(
            IgnoredMessage(at=now, rule=rule, message_id=report.message_id if report else None, why=clipped(why))
        )

    # Clocks and defaults (G-6).

    def advance(self, now: datetime) -> None:
        """Process everything due by ``now``: clocks first, then default decisions, then reminders."""
        self.elapse(now)
        while not self.closed and self._decide_by_default(now):
            self.elapse(now)
        self._remind(now)
        self.compact(now)

    def _decide_by_default(self, now: datetime) -> bool:
        rule = self.case.policy.default_decision.value
        if rule is None:
            return False
        for moment in self.moments(now):
            if moment.kind is MomentKind.DECISION and moment.at <= now:
                key = self.default_key(self.chart_view(moment.deadline.order), moment.deadline)
                try:
                    self.submit(rule, self.case.policy.default_form.value, now, key=key, by=DEFAULT)
                except (Refused, BadForm) as refused:
                    self._refuse_default(rule, key, moment.deadline.order, str(refused), now)
                return True
        return False

    def _refuse_default(self, rule: str, key: str, order: str | None, why: str, now: datetime) -> None:
        """Keep that the shop's default decision does not fit the case now, and tell the operators, who can decide."""
        decision = Decision(
            serial=self.state.next_serial(), key=key, effect="", rule=rule, at=now, order=order, by=DEFAULT, way=DEFAULT
        )
        decision.end("refused", now, why, tell=True)
        self.state.decisions.append(decision)

    def _remind(self, now: datetime) -> None:
        due = [moment for moment in self.moments(now) if moment.kind is MomentKind.REMINDER and moment.at <= now]
        for deadline in dict.fromkeys(moment.deadline for moment in due):
            self.state.remind(deadline, now)

    # Effects and the ledger.

    def complete_effect(self, serial: int, outcome: EffectOutcome, now: datetime) -> None:
        """Mark an effect as performed, unless the case has moved on and no longer needs it."""
        effect = self.state.effect(serial)
        if effect is not None and effect.status == "pending":
            effect.complete(now, task=outcome.console_task)
        elif effect is None and outcome.console_task is None:
            self._note_performed_in_vain(serial, now)

    def _note_performed_in_vain(self, serial: int, now: datetime) -> None:
        """Note that a call succeeded that was on its way when what it followed from was taken back."""
        for effect in self.state.obsolete:
            if effect.serial == serial and not effect.obsolete:
                effect.complete(now)
                effect.why, effect.obsolete = OBSOLETE, True

    def fail_effect(self, serial: int, why: str, now: datetime) -> None:
        """Leave an effect to an operator (G-7), unless the case has moved on and no longer needs it."""
        effect = self.state.effect(serial)
        if effect is not None and effect.status == "pending":
            effect.fail(now, clipped(why))

    def mark_withdrawn(self, serial: int, why: str | None = None) -> None:
        """Note that a fact that was taken back is no longer told, or why that cannot be said."""
        for effect in self.state.obsolete:
            if effect.serial == serial:
                effect.withdrawn, effect.why = True, (why and clipped(why)) or effect.why

    def mark_recorded(self, recorded: str, now: datetime) -> None:
        """Note that the ledger knows the case as ``recorded`` says."""
        self.state.recorded = recorded
        for effect in self.state.effects:
            if effect.entry is not None and effect.status == "pending":
                effect.complete(now)

    # Reminders and notifications.

    def end_notifications(self) -> None:
        """Mark the notifications of what no longer is as over: a step that waits for a person, an outcome."""
        self.state.end_notifications()
        if not self.closed:
            self.state.end_notifications_of_outcome()

    def unnotified(self) -> list[int]:
        """Return the serials of the steps and decisions that operators must still be notified of."""
        notified = {notification.serial for notification in self.state.notifications if not notification.over}
        subjects = [*self.state.waiting, *(decision.serial for decision in self.state.telling)]
        return [serial for serial in subjects if serial not in notified]

    def notify(self, serials: list[int], now: datetime) -> None:
        """Add notifications to be sent; a step that waits again is notified again."""
        for serial in serials:
            self.state.notify(serial, now)

    def notify_of_outcome(self, now: datetime) -> None:
        """Add a notification of the outcome to be sent."""
        self.state.notify_of_outcome(now)

    def mark_delivered(self, sent: SentReminder | Notification) -> None:
        """Record that a reminder or notification was delivered."""
        self._mark(sent, delivered=True)

    def mark_undelivered(self, sent: SentReminder | Notification, why: str | None) -> None:
        """Record why it could not be delivered; None if it was cancelled because the case had moved on."""
        self._mark(sent, delivered=False, why=why and clipped(why))

    def _mark(self, sent: SentReminder | Notification, *, delivered: bool, why: str | None = None) -> None:
        # The course may have been worked out again since it was sent, on a copy of the state.
        kept: Iterable[SentReminder | Notification] = (*self.state.reminders, *self.state.notifications)
        for own in kept:
            if own is sent or (own.delivered is None and own == sent.model_copy(update={"delivered": None})):
                own.delivered, own.why = delivered, why
        if isinstance(sent, Notification) and sent.ending and sent.serial is not None:
            decision = self.state.decision_numbered(sent.serial)
            if decision is not None:
                decision.telling = False
