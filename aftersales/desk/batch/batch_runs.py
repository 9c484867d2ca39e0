"""Carrying out a batch: a few cases at a time, each decision once, with what became of it."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import structlog
from temporalio.client import Client

from aftersales.desk.access.users import User
from aftersales.desk.batch.batch_plan import ASSIGN, STEP_DONE, BatchOrder, BatchStep, assigning, clerk_named
from aftersales.desk.chinese import words_of
from aftersales.desk.handling.case_reading import CaseReader
from aftersales.desk.handling.deciding import DecisionSender, SendingOutcome, earlier_outcome, overtaken
from aftersales.desk.handling.permission import CaseTask, refusal
from aftersales.desk.sections.case_parts import action_of, in_words
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.teamwork import Claim
from aftersales.runtime.client.decision_client import SentDecision
from cases.errors import CaseError
from workflows.engine.situation import ORDER_FIELD
from workflows.engine.view import CaseView

_log = structlog.get_logger("desk")

DECIDED_AT_ONCE: Final = 8
"""Decisions of a batch that are on their way at the same time."""
RUNS_KEPT: Final = 100
"""Batches whose results are kept; the oldest that are over are forgotten first."""


@dataclass
class RunStep:
    """A step of a batch, and what became of it; ``outcome`` is None until then."""

    step: BatchStep
    outcome: SendingOutcome | None = None

    @property
    def done(self) -> bool:
        """Whether it has been carried out, as far as the desk can tell."""
        return self.outcome is not None and self.outcome.kind not in ("refused", "dropped", "forbidden", "moved")


@dataclass
class BatchRun:
    """A batch that is or was carried out for a user."""

    order: BatchOrder
    user: str
    steps: Sequence[RunStep]
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def finished(self) -> bool:
        """Whether every step has its outcome."""
        return all(step.outcome is not None for step in self.steps)

    @property
    def over(self) -> int:
        """How many steps have their outcome."""
        return sum(step.outcome is not None for step in self.steps)

    @property
    def succeeded(self) -> int:
        """How many steps have been carried out."""
        return sum(step.done for step in self.steps)


class BatchRuns:
    """The batches of one desk.  They are kept in its memory: a desk that was started again knows none.

    Whoever sends the same plan again gets the same batch, or after a restart the answers to the same decisions: the
    page of a batch carries its plan.
    """

    def __init__(self, cases: CaseReader, decisions: DecisionSender, ledger: SqlLedger) -> None:
        """Read, decide and claim with these."""
        self._cases, self._decisions, self._ledger = cases, decisions, ledger
        self._runs: OrderedDict[str, BatchRun] = OrderedDict()

    def start(self, order: BatchOrder, user: User, client: Client) -> BatchRun | None:
        """Carry out an order, unless it is being or was; None if it is that of another user."""
        if (known := self._runs.get(order.token)) is not None:
            return known if known.user == user.name else None
        run = BatchRun(order, user.name, [RunStep(step) for step in order.steps])
        self._runs[order.token] = run
        over = [token for token, kept in self._runs.items() if kept.finished and token != order.token]
        for token in over[: max(0, len(self._runs) - RUNS_KEPT)]:
            del self._runs[token]
        run.task = asyncio.create_task(self._carry_out(run, user, client))
        return run

    def of(self, token: str, user: User) -> BatchRun | None:
        """Return a user's batch; None if the desk knows no such one."""
        run = self._runs.get(token)
        return run if run and run.user == user.name else None

    async def _carry_out(self, run: BatchRun, user: User, client: Client) -> None:
        places = asyncio.Semaphore(DECIDED_AT_ONCE)

        async def one(step: RunStep) -> None:
            async with places:
                try:
                    step.outcome = await self._step(step.step, user, client)
                except CaseError as failed:
                    step.outcome = SendingOutcome("forbidden", words_of(failed))
                except Exception:  # noqa: BLE001 - a fault of ours, or Temporal's, is not to spoil the other cases
                    _log.exception("a step of a batch failed", case_id=step.step.case_id)
                    step.outcome = SendingOutcome("unknown")

        try:
            await asyncio.gather(*(one(step) for step in run.steps))
        finally:  # the desk stops, or a fault of ours: what was on its way may have been taken
            for step in run.steps:
                step.outcome = step.outcome or SendingOutcome("unknown")

    async def _step(self, step: BatchStep, user: User, client: Client) -> SendingOutcome:
        case = await self._cases.read(user, step.case_id)
        if case is None:
            return SendingOutcome("forbidden", "没有此案件")
        if step.rule == ASSIGN:
            return await self._assign(step, user, case)
        action = CaseTask.DONE_BY_HAND if step.rule == STEP_DONE else action_of(case, step.rule, step.order)
        if action is None:  # it has been sent before, or somebody else was faster
            earlier = await earlier_outcome(client, step.case_id, step.update_id)
            return earlier or overtaken(case, step.seen, step.order)
        if barred := refusal(user, case, action):
            return SendingOutcome("forbidden", barred)
        # Whoever posts a plan may decide about the order that was looked at above, and about no other.
        argument = {name: value for name, value in (step.argument or {}).items() if name != ORDER_FIELD}
        if step.order is not None and not isinstance(action, CaseTask):
            argument[ORDER_FIELD] = step.order
        confirmed = case.key_of_step(argument.get("serial")) if isinstance(action, CaseTask) else None
        decision = SentDecision(step.case_id, step.rule, argument or None, step.update_id, confirmed)
        outcome = await self._decisions.send(client, user, decision, step.seen, step.order)
        return replace(outcome, task=in_words(case, outcome.task)) if outcome.task else outcome

    async def _assign(self, step: BatchStep, user: User, case: CaseView) -> SendingOutcome:
        argument = step.argument or {}
        clerk = clerk_named(str(argument.get("clerk", "")))
        instead_of = str(argument.get("instead_of") or "") or None
        if barred := refusal(user, case, assigning(user, clerk, instead_of)):
            return SendingOutcome("forbidden", barred)
        claim = Claim(case_id=step.case_id, clerk=clerk, at=datetime.now(UTC))
        now = await asyncio.to_thread(self._ledger.claim, claim, instead_of=instead_of)
        return SendingOutcome("handled") if now.clerk == clerk else SendingOutcome("forbidden", f"{now.clerk} 已认领")
