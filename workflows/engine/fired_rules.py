"""What a rule does when it fires: the chart moves on, effects are needed, and the ledger is written or undone."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cases.case import Case
from cases.forms import Form
from cases.ledger import BegunIn, LedgerEntry, Undone
from statecharts import firing
from statecharts.chart import Deadline
from statecharts.rules import OPERATORS, BegunBetween, Effect
from workflows.engine.inputs import Input
from workflows.engine.missed_deadlines import MISSED_TOLD, OURS
from workflows.engine.process import Process
from workflows.engine.sender import FROM_A_CASE
from workflows.engine.situation import CaseSituation
from workflows.engine.state import CaseState, Course, Decision, EffectState, TimelineEntry


class CaseRules(CaseSituation):
    """A case whose rules can fire."""

    def __init__(self, process: Process, case_id: str, case: Case, state: CaseState) -> None:
        """Take over a case; its course is not being worked out again."""
        super().__init__(process, case_id, case, state)
        self._before: Course | None = None
        """While the course is worked out again: what it was, with the effects that were performed in it."""

    def fire(
        self,
        rule: str,
        at: datetime,
        form: Form | None = None,
        *,
        order: str | None = None,
        given: Input | None = None,
        reported: bool = False,
        assumed: bool = False,
    ) -> None:
        """Fire an open rule; what was ``reported`` by the platform it is not asked to do again."""
        chart, part = self.process.chart_of(order), self.case.part(order)
        by = (given.by if given else None) or self.process.rules[rule].party.value
        overdue = self._overdue(order, at) if self.case.opened_since(MISSED_TOLD) else []
        asked = given.asked if given else None
        step, snapshot = firing.fire(chart, part, self.state.snapshot_of(order), rule, at, form, asked=asked)
        self.state.remember(order, snapshot)
        case = self.case
        self.case = case.apply(rule, form, at) if order is None else case.apply_to_order(order, rule, form, at)
        self.state.advance_to(at)
        deadlines = self.chart_view(order).deadlines
        missed = [deadline for deadline in overdue if deadline not in deadlines]
        self.state.record(
            TimelineEntry(
                at=at,
                rule=rule,
                by=by,
                left=self.named(order, step.left),
                reached=self.named(order, step.reached),
                clause=step.clause,
                order=order,
                input=given.serial if given else None,
                actor=given.actor if given else None,
                way=given.way if given else None,
                told=given.told if given and given.told != at else None,
                form=form.model_dump(mode="json", exclude_defaults=True) or None if form else None,
                assumed=assumed,
                missed={ended.rule: ended.due for ended in missed if ended.rule == rule or by not in OURS},
            )
        )
        self._cancel_obsolete(rule, at, order)
        if self.closed:  # what the last rule itself asks for is still to be done
            self._withdraw_steps()
        reported = reported or (given is not None and given.kind == "report")
        effects = [effect for effect in step.effects if not effect.submits and not (reported and effect.calls_platform)]
        effects = [effect for effect in effects if not (given and _came_from(given, effect))]
        self._enqueue(effects, rule, at, form, order, cause=given.key if given else f"{rule}@{at.isoformat()}")
        self.state.keep_expiries(order, {(deadline.state, deadline.rule, deadline.due) for deadline in deadlines})
        if self._before is None:  # while the course is worked out again, the state is that of an earlier instant
            self.drop_left_decisions(at)

    def _overdue(self, order: str | None, at: datetime) -> list[Deadline]:
        """Return the deadlines of ours that have passed at an instant."""
        view = self.chart_view(order)
        passed = [deadline for deadline in view.deadlines if not deadline.immediate and deadline.due <= at]
        return [deadline for deadline in passed if view.owner(deadline) in OPERATORS]

    def _cancel_obsolete(self, rule: str, at: datetime, order: str | None) -> None:
        """Complete the effects that were needed only until this rule fired."""
        declared = self.process.effects()
        for effect in self.state.effects:
            if effect.order == order and rule in declared[effect.effect].until:
                effect.call_off(at)

    def _withdraw_steps(self) -> None:
        """Withdraw what an ended case no longer needs: all its steps and expiries, but no entry of the ledger."""
        self.state.effects = [effect for effect in self.state.effects if effect.entry or effect.status == "done"]
        self.state.expiries = []

    def _enqueue(
        self, effects: Iterable[Effect], rule: str, at: datetime, form: Form | None, order: str | None, *, cause: str
    ) -> None:
        written = form.model_dump(mode="json") if form else None
        part = self.case.part(order)
        known = {effect.key: effect for effect in self._before.effects} if self._before else {}
        for effect in effects:
            if effect.unless and getattr(part, effect.unless):
                continue
            if effect.takes_back:
                self._undo(effect, at, order, cause)
                continue
            entry = self._ledger_entry(effect, at, order) if effect.is_ledger_entry else None
            if entry and not self.state.book(entry):
                continue
            key = f"{effect.name}/{order}/{cause}" if order else f"{effect.name}/{cause}"
            told = None
            if effect.telling:
                told = written if effect.telling.with_form else part.telling(effect.name)
                key = self._key_of_fact(key, told)
            if key in known:
                known[key].call_again()
                self.state.effects.append(known[key])
                continue
            required = EffectState(
                serial=self.state.next_serial(),
                key=key,
                effect=effect.name,
                rule=rule,
                at=at,
                order=order,
                form=told if effect.telling else written,
                entry=entry.key if entry else None,
                told=told,
            )
            self.state.effects.append(required)
            if effect.notice:
                required.complete(at)
                self.state.give_notice(required.serial, at)

    def _key_of_fact(self, key: str, told: dict[str, Any] | None) -> str:
        """Return the key of a fact for other cases: what was told otherwise before is another one, which they take."""
        before = [*(self._before.effects if self._before else ()), *self.state.obsolete]
        same_rule = [effect for effect in before if effect.key == key or effect.key.startswith(f"{key}/told again/")]
        alike = next((effect.key for effect in same_rule if (effect.told or {}) == (told or {})), None)
        return alike or (f"{key}/told again/{len(same_rule)}" if same_rule else key)

    def _undo(self, effect: Effect, at: datetime, order: str | None, cause: str) -> None:
        """Take back ledger entries of this case, and of others about its order if the chart says so (G-15)."""
        declared = self.process.effects()
        entered = [declared[name] for name in effect.undoes]
        self.state.undo({(entry.clause, entry.counted, entry.income) for entry in entered}, order)
        about = None if effect.of else order or self.case.facts.order
        period = self._begun_in(effect.of) if effect.of else None
        if effect.across and (about or period):
            key = f"{effect.name}/{order or ''}/{cause}"
            self.state.undo_across(Undone(clauses=effect.across, order=about, at=at, key=key, begun_in=period))

    def _begun_in(self, between: BegunBetween) -> BegunIn | None:
        begins_at, ends_at = self.case.instant(between.begins), self.case.instant(between.ends)
        if begins_at is None or ends_at is None:
            return None
        return BegunIn(process=between.process, begins_at=begins_at, ends_at=ends_at)

    def _ledger_entry(self, effect: Effect, at: datetime, order: str | None) -> LedgerEntry:
        """Return the entry of an effect.

        Its key allows one entry per case, clause and order, unless it is entered each time, or once more after it was
        taken back.
        """
        facts, part = self.case.facts, self.case.part(order)
        key = f"{self.case_id}/{effect.clause}/{order or facts.order or self.case_id}"
        again = effect.each or any(entry.key == key for entry in self.state.undone)
        return LedgerEntry(
            key=f"{key}/{at.isoformat()}" if again else key,
            case_id=self.case_id,
            shop_id=facts.shop,
            clause=effect.clause or "",
            order=order or (facts.order if again or effect.once_an_order else None),
            at=at,
            amount=None if effect.counted else part.amount(effect.name),
            points=None if effect.counted else part.points(effect.name),
            counted=effect.counted,
            once_an_order=effect.once_an_order,
            income=effect.income,
        )

    def drop_left_decisions(self, now: datetime) -> None:
        """Drop the decisions whose state has been left while they were being submitted (G-10)."""
        for decision in self.state.submissions:
            entered = self.chart_view(decision.order).entered
            if not decision.stay and not (self.closed and decision.status == "console_task"):
                continue
            if not self.closed and any(state in entered and entered[state] <= decision.at for state in decision.stay):
                continue
            if confirmed := self._confirmation(decision):
                decision.complete(confirmed.at)
                decision.echoed = True
                continue
            last = self.process.rule_label(self.state.timeline[-1].rule) if self.state.timeline else "-"
            why = f"提交期间状态已变更 / the case has left the state meanwhile: {last}"
            ended = self.state.timeline[-1].at if self.state.timeline else now
            decision.end("dropped", max(ended, decision.at), why, tell=True)

    def _confirmation(self, decision: Decision) -> TimelineEntry | None:
        """Return the event by which the platform itself says that it has taken a decision."""
        since = min(decision.stay.values(), default=decision.at)
        about = decision.rule, decision.order
        own = (entry for entry in reversed(self.state.timeline) if (entry.rule, entry.order) == about)
        return next((entry for entry in own if entry.at >= since), None)


def _came_from(given: Input, effect: Effect) -> bool:
    """Return whether an effect would tell a fact back to the process that has told it."""
    if effect.telling is None or given.way != FROM_A_CASE.way:
        return False
    return (given.message_id or "").startswith(f"{effect.telling.process}/")
