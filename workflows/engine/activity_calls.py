"""The calls of a case's activities: names, arguments, summaries, and how the case takes in the results.

A call that is answered at once is made locally, which costs one event.  One that is not answered in a few seconds, or
whose worker is not the one that may make it, becomes a regular activity with its long budget.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType

from cases.ledger import OpenedCase, ToldFact
from cases.messages import (
    ActionRequired,
    EffectCall,
    EffectOutcome,
    ExpiryOutcome,
    ExpiryQuery,
    NoticeDeliveries,
    Reminder,
    ToldFacts,
)
from cases.shanghai import shanghai
from statecharts.rules import Effect, Telling
from workflows.engine import notifications
from workflows.engine.activity_options import (
    CLOSE,
    EFFECT,
    LOCAL_SECONDS,
    NOTIFY,
    RECORD,
    REFUSALS,
    REMIND,
    RESOLVE_EXPIRY,
    SEND,
    SEND_OUTCOME,
    TELL,
    ActivityOptions,
    case_share,
    shop_share,
)
from workflows.engine.case_record import case_record, fingerprint
from workflows.engine.case_time import CaseTime
from workflows.engine.machine import CaseMachine
from workflows.engine.notice_sending import send_notices
from workflows.engine.situation import TELLING_AMENDED, CaseSituation, order_suffix
from workflows.engine.state import Decision, EffectState, ExpiryCheck, Notification, SentReminder

# Recorded histories contain these names: they cannot change.
RECORD_CASE: Final = "record_case"
CLOSE_CASE: Final = "close_case"
SEND_REMINDER: Final = "remind"
NOTIFY_ACTION_REQUIRED: Final = "notify_action_required"
TELL_CASES: Final = "tell_cases"
TOLD_BEFORE: Final = "told_before"
WITHDRAW_FACT: Final = "withdraw_fact"
ONCE: Final = RetryPolicy(maximum_attempts=1)


def effect_activity(process: str, effect: str) -> str:
    """Return the name of the activity that performs an effect of a process."""
    return f"{process}.{effect}"


def expiry_activity(process: str) -> str:
    """Return the name of the activity that asks the platform what happened when a clock ran out."""
    return f"{process}.resolve_expiry"


class CallsInFlight:
    """Counts the local calls in flight: while there are any, the case is about to move on."""

    def __init__(self) -> None:
        self._running = 0

    def __bool__(self) -> bool:
        """Return whether any call is in flight."""
        return self._running > 0

    async def make(self, name: str, argument: Any, result_type: type | None, summary: str) -> Any:
        """Make one call; raises FailureError: what the activity raised itself, or a timeout."""
        self._running += 1
        try:
            return await workflow.execute_local_activity(
                name,
                argument,
                result_type=result_type,
                start_to_close_timeout=timedelta(seconds=LOCAL_SECONDS),
                retry_policy=ONCE,
                summary=summary,
            )
        finally:
            self._running -= 1


class ActivityCalls:
    """The calls that one case makes."""

    def __init__(self, machine: CaseMachine, time: CaseTime) -> None:
        self._machine, self._time = machine, time
        self._outcome_left: NoticeDeliveries | None = None
        self.local = CallsInFlight()

    # Decisions (G-10).

    async def submit_at_once(self, serial: int) -> None:
        """Submit a decision by a local call; without an answer it stays pending, for ``submit``."""
        decision = self._machine.state.decision_numbered(serial)
        if decision is None or decision.status != "pending":
            return
        name, call, summary = self._effect(decision)
        try:
            outcome = await self.local.make(name, call, EffectOutcome, summary)
        except FailureError as failed:
            if is_refusal(failed):
                self._machine.refuse(serial, words(failed), self._time.now(), tell=False)
        else:
            self._machine.take(serial, outcome, self._time.now())

    async def submit(self, serial: int, *, locally: bool) -> None:
        """Submit a decision that nobody waits for; a refusal drops it, a final failure needs an operator (G-7).

        Cancelled once the case has left the state: what is not on its way then is not sent any more.
        """
        decision = self._machine.state.decision_numbered(serial)
        if decision is None:
            return
        name, call, summary = self._effect(decision)
        share = shop_share(self._machine.case.facts.shop)
        try:
            outcome = await self._call(name, call, EffectOutcome, summary, share, EFFECT, locally=locally)
        except FailureError as failed:
            if is_refusal(failed):
                self._machine.refuse(serial, words(failed), self._time.now(), tell=True)
            else:
                self._machine.fail(serial, reason(failed), self._time.now())
        else:
            self._machine.take(serial, outcome, self._time.now())

    # Effects (G-7, G-8) and expiries (G-2).

    async def perform(self, serial: int) -> None:
        """Perform an effect; a final failure needs an operator, a missing interface makes a console task."""
        effect = self._machine.state.effect(serial)
        if effect is None:
            return
        declared = self._machine.process.effects()[effect.effect]
        if declared.telling is not None:
            await self._tell(effect, declared.telling)
            return
        name, call, summary = self._effect(effect)
        on_platform = declared.calls_platform
        share = shop_share(self._machine.case.facts.shop) if on_platform else case_share(self._machine.case_id)
        try:
            outcome = await self._call(name, call, EffectOutcome, summary, share, EFFECT)
        except FailureError as failed:
            self._machine.fail_effect(serial, reason(failed), self._time.now())
        else:
            self._machine.complete_effect(serial, outcome, self._time.now())

    # Other cases of the order or the shop (G-15).

    async def _tell(self, effect: EffectState, telling: Telling) -> None:
        """Tell other cases a fact; they take it once, whichever of them was opened first."""
        facts = self._machine.case.facts
        fact = ToldFact(
            key=f"{self._machine.case_id}/{effect.key}",
            process=telling.process,
            shop_id=facts.shop,
            order=None if telling.to_shop else effect.order or facts.order,
            rule=telling.rule,
            form=effect.form,
            occurred_at=effect.at,
            told_by=self._machine.case_id,
        )
        summary = self._machine.step_label(effect) + order_suffix(effect.order)
        # An order has few cases; those of a whole shop are too many to be told at once.
        at_once = fact.order is not None and self._machine.case.opened_since(TELLING_AMENDED)
        try:
            await self._call(TELL_CASES, fact, None, summary, case_share(fact.told_by), TELL, locally=at_once)
        except FailureError as failed:
            self._machine.fail_effect(effect.serial, reason(failed), self._time.now())
        else:
            self._machine.complete_effect(effect.serial, EffectOutcome(), self._time.now())

    async def withdraw(self, effect: EffectState) -> None:
        """Withdraw a fact whose rule was taken back; the ledger is waited for without a limit."""
        case_id, why = self._machine.case_id, None
        summary = f"撤回:{self._machine.step_label(effect)}{order_suffix(effect.order)}"
        try:
            await self._call(WITHDRAW_FACT, f"{case_id}/{effect.key}", None, summary, case_share(case_id), RECORD)
        except FailureError as failed:
            if is_cancelled_exception(failed):
                raise
            why = reason(failed)
            workflow.logger.error("a fact was not withdrawn", extra={"why": why})
        self._machine.mark_withdrawn(effect.serial, why)

    async def hear(self, unanswered: Callable[[], None]) -> None:
        """Ask what other cases told this one before it was opened; the ledger is waited for without a limit.

        ``unanswered`` is called if it does not answer at once.
        """
        facts, case_id = self._machine.case.facts, self._machine.case_id
        case = OpenedCase(
            case_id=case_id,
            process=self._machine.process.name,
            shop_id=facts.shop,
            order=facts.order,
            opened_at=self._machine.state.began or self._time.now(),
        )
        summary = "其他案件的相关事实"
        try:
            told = await self.local.make(TOLD_BEFORE, case, ToldFacts, summary)
        except FailureError as failed:
            if is_refusal(failed) or is_cancelled_exception(failed):
                raise
            unanswered()
            told = await self._call(TOLD_BEFORE, case, ToldFacts, summary, case_share(case_id), RECORD, locally=False)
        self._machine.hear(told.facts, self._time.now())

    def _effect(self, effect: EffectState) -> tuple[str, EffectCall, str]:
        name, call = effect_input(self._machine, effect)
        return name, call, self._machine.step_label(effect) + order_suffix(effect.order)

    async def resolve_expiry(self, serial: int) -> None:
        """Ask the platform what happened when its clock ran out; while it has not decided, ask again."""
        expiry = self._machine.state.expiry(serial)
        if expiry is None:
            return
        if expiry.asked:
            await workflow.sleep(_back_off(expiry.asked), summary=f"再次核实{order_suffix(expiry.order)}")
        name, question = expiry_activity(self._machine.process.name), expiry_input(self._machine, expiry)
        summary = self._machine.step_label(expiry) + order_suffix(expiry.order)
        share = shop_share(self._machine.case.facts.shop)
        try:
            answer = await self._call(name, question, ExpiryOutcome, summary, share, RESOLVE_EXPIRY)
        except FailureError as failed:
            self._machine.fail_expiry(serial, reason(failed))
        else:
            self._machine.resolve_expiry(serial, answer, self._time.now())

    # The ledger, and the end of the case.

    async def record(self, *, closing: bool) -> None:
        """Let the ledger know the case as it is now; ``closing`` also notifies operators of the outcome.

        The ledger is waited for without a limit.  What is left to be sent of the outcome is a notification like others.
        """
        record, recorded = case_record(self._machine, self._time.now()), fingerprint(self._machine)
        share = case_share(self._machine.case_id)
        try:
            if closing:
                left = await self._call(CLOSE_CASE, record, NoticeDeliveries, "记录并通知结果", share, CLOSE)
                if left is not None:
                    self._outcome_left = left
                    self._machine.notify_of_outcome(self._time.now())
            else:
                await self._call(RECORD_CASE, record, None, "记账", share, RECORD)
        except FailureError as failed:
            if is_cancelled_exception(failed):  # the case has moved on, and is recorded as it is now
                return
            workflow.logger.error("the outcome was not told", extra={"why": reason(failed)})
            if closing:
                await self._call(RECORD_CASE, record, None, "记账", share, RECORD)
        self._machine.mark_recorded(recorded, self._time.now())

    # Reminders (G-5) and notifications.

    async def remind(self, sent: SentReminder) -> None:
        """Remind operators of a deadline."""
        summary = f"提醒:{shanghai(sent.deadline)} 截止{order_suffix(sent.order)}"
        await self._deliver(sent, SEND_REMINDER, notifications.reminder(self._machine, sent), summary, REMIND)

    async def notify(self, sent: Notification) -> None:
        """Notify operators that a step waits for a person, that a decision was not taken, or of the outcome."""
        if sent.serial is None:
            await self._send(sent, self._outcome_left, SEND_OUTCOME)
            return
        required = notifications.action_required(self._machine, sent)
        if required is None:
            self._mark_undelivered(sent, None)
            return
        summary = f"通知:{required.step}{order_suffix(required.order)}"
        await self._deliver(sent, NOTIFY_ACTION_REQUIRED, required, summary, NOTIFY)

    async def _deliver(
        self,
        sent: SentReminder | Notification,
        activity: str,
        message: Reminder | ActionRequired,
        summary: str,
        options: ActivityOptions,
    ) -> None:
        share = case_share(message.case_id)
        try:
            left = await self._call(activity, message, NoticeDeliveries, summary, share, options, locally=False)
        except FailureError as failed:
            self._mark_undelivered(sent, None if is_cancelled_exception(failed) else reason(failed))
        else:
            if left is not None and _was_cancelled():  # as the state was left while the activity gave its answer
                self._mark_undelivered(sent, None)
                return
            await self._send(sent, left, SEND)

    async def _send(
        self, sent: SentReminder | Notification, left: NoticeDeliveries | None, options: ActivityOptions
    ) -> None:
        """Send what is left of a notification, after quiet hours where a channel has them."""
        share, why = case_share(self._machine.case_id), None
        try:
            if left is not None:
                why = await send_notices(left, options, share, self._time.sleep_until)
        except FailureError:  # cancelled, as the case has moved on
            self._mark_undelivered(sent, None)
        except asyncio.CancelledError:
            self._mark_undelivered(sent, None)
            raise
        else:
            if why is None:
                self._machine.mark_delivered(sent)
            else:
                self._mark_undelivered(sent, why)

    def _mark_undelivered(self, sent: SentReminder | Notification, why: str | None) -> None:
        self._machine.mark_undelivered(sent, why)
        if why is not None:
            kind = "reminder" if isinstance(sent, SentReminder) else "notification"
            workflow.logger.warning("notification not delivered", extra={"kind": kind, "why": why})

    async def _call(
        self,
        name: str,
        argument: Any,
        result_type: type | None,
        summary: str,
        share: Priority,
        options: ActivityOptions,
        *,
        locally: bool = True,
    ) -> Any:
        """Make a call, locally if that is answered at once; raises FailureError for a refusal or a spent budget."""
        if locally:
            try:
                return await self.local.make(name, argument, result_type, summary)
            except FailureError as failed:
                if is_refusal(failed) or is_cancelled_exception(failed):
                    raise
        return await workflow.execute_activity(
            name,
            argument,
            result_type=result_type,
            # An attempt that is on its way may still be taken: what became of it counts.
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=summary,
            priority=share,
            **options,
        )


def effect_input(situation: CaseSituation, effect: EffectState) -> tuple[str, EffectCall]:
    """Return the name and the argument of the activity that performs an effect or submits a decision."""
    declared: Effect = situation.process.effects()[effect.effect]
    key = f"{effect.effect}/{effect.key}" if isinstance(effect, Decision) else effect.key
    call = EffectCall(
        key=f"{situation.case_id}/{key}",
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=situation.case.facts.shop,
        effect=effect.effect,
        label=declared.label,
        rule=effect.rule,
        at=effect.at,
        order=effect.order,
        facts=situation.case.facts.model_dump(mode="json"),
        form=situation.case.call_form(effect.effect, effect.form),
    )
    return effect_activity(situation.process.name, effect.effect), call


def expiry_input(situation: CaseSituation, expiry: ExpiryCheck) -> ExpiryQuery:
    """Return the question to the platform about a clock that has run out."""
    return ExpiryQuery(
        key=f"{situation.case_id}/{expiry.order or ''}/{expiry.rule}/{expiry.due.isoformat()}",
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=situation.case.facts.shop,
        state=expiry.state,
        rule=expiry.rule,
        due=expiry.due,
        order=expiry.order,
        facts=situation.case.facts.model_dump(mode="json"),
    )


def _back_off(asked: int) -> timedelta:
    return timedelta(minutes=min(2 ** min(asked - 1, 4), 15))


def is_refusal(failed: FailureError) -> bool:
    """Return whether a platform refused for a business reason: asking again would not help."""
    raised = _raised(failed)
    return isinstance(raised, ApplicationError) and raised.type in REFUSALS


def reason(failed: FailureError) -> str:
    """Return the text of the last error of an activity that failed for good."""
    raised = _raised(failed)
    if isinstance(raised, ApplicationError):
        return f"{raised.type}: {raised.message}" if raised.type else raised.message
    return str(raised)


def words(failed: FailureError) -> str:
    """Return the platform's own words for a refusal."""
    raised = _raised(failed)
    return raised.message if isinstance(raised, FailureError) else str(raised)


def _raised(failed: BaseException) -> BaseException:
    """Return what the activity itself raised, which Temporal wraps unless the activity was local; else the cause."""
    while not isinstance(failed, ApplicationError) and failed.__cause__ is not None:
        failed = failed.__cause__
    return failed


def _was_cancelled() -> bool:
    """Return whether the running task was cancelled, though what it waited for was done all the same."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
