"""Counting what becomes of decisions and notices, by an interceptor of the workflows that adds nothing to a history."""

import asyncio
from typing import Any, Final, Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception
from temporalio.worker import (
    HandleUpdateInput,
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

from aftersales.monitoring.figures import DECISIONS_ANSWERED, NOTICES_UNDELIVERED
from cases.messages import ActionRequired, NoticeDelivery, Reminder
from workflows.engine.activity_calls import NOTIFY_ACTION_REQUIRED, SEND_REMINDER
from workflows.engine.notice_sending import SEND_NOTICE
from workflows.engine.view import CaseSummary, DecisionStatus
from workflows.registry import REGISTERED, process_of

DecisionOutcome = Literal["taken", "refused", "unanswered"]
DECISION_OUTCOMES: Final[dict[DecisionStatus, DecisionOutcome]] = {
    "taken": "taken",
    "refused": "refused",
    "dropped": "refused",
    "being_submitted": "unanswered",
}


class CaseMeasuring(Interceptor):
    """The interceptor of a worker whose cases are measured."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        """Measure every workflow."""
        del input
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002
        try:
            super().handle_update_validator(input)
        except ApplicationError:
            _count(input.update, "refused")
            raise

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        try:
            answer = await super().handle_update_handler(input)
        except ApplicationError:
            _count(input.update, "refused")
            raise
        if isinstance(answer, CaseSummary) and answer.decision is not None:
            _count(input.update, DECISION_OUTCOMES[answer.decision])
        return answer


def _count(rule: str, outcome: DecisionOutcome) -> None:
    """Count a decision as it is made, not when its case is replayed; what is no rule of the process is none."""
    process = workflow.info().workflow_type
    if (
        workflow.unsafe.is_replaying_history_events()
        or process not in REGISTERED
        or rule not in process_of(process).rules
    ):
        return
    DECISIONS_ANSWERED.labels(process, rule, outcome).inc()


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:  # noqa: A002
        started = super().start_activity(input)
        if kind := _kind_of_notice(input):
            # What is called back only counts; in which order the case's own tasks go on does not depend on it.
            started.add_done_callback(lambda done: _count_undelivered(kind, done))
        return started


def _kind_of_notice(started: StartActivityInput) -> str | None:
    """Return the kind of the notice that an activity sends, None for another activity."""
    match started.args[0] if started.args else None:
        case NoticeDelivery() as delivery if started.activity == SEND_NOTICE:
            return str(delivery.notice.get("kind", "other"))
        case Reminder() if started.activity == SEND_REMINDER:
            return "reminder"
        case ActionRequired() as required if started.activity == NOTIFY_ACTION_REQUIRED:
            return "escalation" if required.escalates else "needs_operator"
    return None


def _count_undelivered(kind: str, done: "asyncio.Task[Any]") -> None:
    if done.cancelled() or workflow.unsafe.is_replaying_history_events():
        return
    failed = done.exception()
    if isinstance(failed, FailureError) and not is_cancelled_exception(failed):
        NOTICES_UNDELIVERED.labels(kind).inc()
