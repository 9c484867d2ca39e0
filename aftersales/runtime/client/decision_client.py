"""Sending a decision to a case in such a way that its answer can be found again, whatever happens on the way.

A decision goes out under an id of its own.  Whoever loses the answer asks for it by that id, or sends the decision
again under it: the case takes it once.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, NamedTuple

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.runtime.client.sender_header import about_step
from cases.durations import format_duration
from cases.errors import CaseError

DECISION_PATIENCE: Final = timedelta(seconds=16)
"""How long to wait for the answer to a decision: a platform is given five seconds, a worker the rest."""
CASE_ENDED: Final = "AcceptedUpdateCompletedWorkflow"
"""The server's word for a case that took up a decision and ended before answering it."""
NOT_SENT: Final = (
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
)
"""The server's errors that mean that a decision has not reached the case."""


class DecisionUnknown(CaseError):
    """The answer to a decision is missing: it may have been taken, or may be taken later."""

    def __init__(self, update_id: str, why: str) -> None:
        """Say why, and how to find out."""
        super().__init__(
            f"不知道决定是否已被采纳 / it is not known whether the decision was taken: {why}; "
            f"请用同一命令加 / repeat the command with --update-id {update_id} : "
            "已送达则只查结果,不会重复执行 / if it arrived you get its answer, and it is not done twice"
        )
        self.update_id = update_id


class SentDecision(NamedTuple):
    """A rule to fire in a case, and the id that makes sending it twice have the effect of once.

    ``step`` is the key of the step that it confirms, if it confirms one.
    """

    case_id: str
    rule: str
    argument: dict[str, Any] | None
    update_id: str
    step: str | None = None


async def decide(client: Client, decision: SentDecision, patience: timedelta = DECISION_PATIENCE) -> Any:
    """Send a decision and return the case's answer.

    Raises WorkflowUpdateFailedError if it is refused, RPCError if it cannot have reached the case, and otherwise
    DecisionUnknown.
    """
    handle = client.get_workflow_handle(decision.case_id)
    with _answer_missing(decision.update_id, patience), about_step(decision.step):
        async with asyncio.timeout(patience.total_seconds()):
            return await handle.execute_update(
                decision.rule, decision.argument, id=decision.update_id, rpc_timeout=patience
            )


async def earlier_answer(client: Client, decision: SentDecision, patience: timedelta = DECISION_PATIENCE) -> Any | None:
    """Return the answer to a decision that was sent before, None if it has not arrived; raises as ``decide``."""
    handle = client.get_workflow_handle(decision.case_id).get_update_handle(decision.update_id)
    try:
        with _answer_missing(decision.update_id, patience):
            async with asyncio.timeout(patience.total_seconds()):
                return await handle.result(rpc_timeout=patience)
    except RPCError as unknown:
        if unknown.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def earlier_argument(
    client: Client, case_id: str, update_id: str, patience: timedelta = DECISION_PATIENCE
) -> dict[str, Any] | None:
    """Return what was sent with an earlier decision; None if the case has not taken it up.  Raises RPCError."""
    async for event in client.get_workflow_handle(case_id).fetch_history_events(rpc_timeout=patience):
        taken_up = event.workflow_execution_update_accepted_event_attributes.accepted_request
        taken_over = event.workflow_execution_update_admitted_event_attributes.request  # from before a reset
        for request in (taken_up, taken_over):
            if request.meta.update_id == update_id:
                sent: list[dict[str, Any] | None] = await client.data_converter.decode(request.input.args.payloads)
                return (sent[0] if sent else None) or {}
    return None


@contextmanager
def _answer_missing(update_id: str, patience: timedelta) -> Iterator[None]:
    """Raise DecisionUnknown for whatever leaves open whether a decision was taken."""
    try:
        yield
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as late:
        length = format_duration(patience)
        why = f"{length} 内没有 worker 应答 / no worker answered within {length}"
        raise DecisionUnknown(update_id, why) from late
    except WorkflowUpdateFailedError as failed:
        if isinstance(failed.cause, ApplicationError) and failed.cause.type == CASE_ENDED:
            raise DecisionUnknown(update_id, "案件在答复前终止 / the case ended before it answered") from failed
        raise
    except RPCError as failed:
        if failed.status in NOT_SENT:
            raise
        why = f"与 Temporal 的连接中断 / the connection to Temporal failed: {failed.message}"
        raise DecisionUnknown(update_id, why) from failed
