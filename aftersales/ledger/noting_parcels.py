"""The tracking numbers that cases know, kept beside them, so that a search finds a case by any of its parcels.

The worker notes them in what reaches its cases: facts, decisions, messages, and what activities answer.  Nothing is
added to a history.  What a case takes in again, as it is replayed, is noted again: so a number that was lost with a
worker comes back, and those of cases that are older than the list come to it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import structlog
from temporalio import activity, workflow
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from aftersales.ledger.parcels import CaseParcel
from cases.errors import LedgerUnreachable
from cases.messages import ExpiryOutcome, ToldFacts
from workflows.engine.view import CaseSummary, DecisionStatus
from workflows.registry import REGISTERED

NUMBER_FIELD: Final = "tracking_no"
"""The field that bears a tracking number, in the facts and forms of every process."""
_LONGEST_NUMBER: Final = 200
MOST_VALUES: Final = 100_000
"""Values that are looked at for numbers in what reaches a case; the largest that a case takes in has fewer."""
MOST_WAITING: Final = 50_000
"""Numbers that wait to be stored; of more, the newest are left to the next replay of their cases."""
_MOST_REMEMBERED: Final = 50_000
"""Stored numbers that are remembered, lest they be stored again at every replay."""
NO_DECISIONS: Final[tuple[DecisionStatus, ...]] = ("refused", "dropped")
"""What became of a decision that the case did not take, so that it does not know the number either."""
STORED_AT_ONCE: Final = 500
PAUSE_SECONDS: Final = 0.5
PAUSE_AFTER_FAILURE_SECONDS: Final = 30.0
_LAST_SECONDS: Final = 5.0
"""How long a worker that stops waits until what it noted last is stored."""


_log = structlog.get_logger("worker")
Store = Callable[[Sequence[CaseParcel]], None]
Note = Callable[[str, Any], None]
"""Told what reached a case, with the case's id; it never fails, and takes no longer than looking through it."""


def numbers_in(told: Any) -> Iterator[str]:
    """Yield the tracking numbers in facts, a form or a message as JSON, however deep they lie."""
    left, looked_at = [told], 0
    while left and looked_at < MOST_VALUES:
        value = left.pop()
        looked_at += 1
        if isinstance(value, dict):
            number = value.get(NUMBER_FIELD)
            if isinstance(number, str) and _may_be_searched(number := number.strip()):
                yield number
            left.extend(value.values())
        elif isinstance(value, list | tuple):
            left.extend(value)


def _may_be_searched(number: str) -> bool:
    return 0 < len(number) <= _LONGEST_NUMBER and number.isprintable()


class ParcelNotes:
    """The numbers that were noted and are still to be stored; noted by many threads, stored by one of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[CaseParcel, None] = {}
        self._remembered: dict[CaseParcel, None] = {}
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._is_away = False

    def note(self, case_id: str, told: Any) -> None:
        """Note the numbers in what reached a case."""
        for number in numbers_in(told):
            parcel = CaseParcel(number, case_id)
            with self._lock:
                if parcel not in self._remembered and len(self._waiting) < MOST_WAITING:
                    self._waiting[parcel] = None

    def keep_storing(self) -> None:
        """Store what is noted, again and again, until ``stop``; then once more."""
        while not self._stopping.wait(PAUSE_AFTER_FAILURE_SECONDS if self._is_away else PAUSE_SECONDS):
            self._store_waiting()
        self._store_waiting()

    def stop(self) -> None:
        """Store the rest, and end."""
        self._stopping.set()

    def _store_waiting(self) -> None:
        while some := self._next():
            try:
                self._store(some)
            except LedgerUnreachable as away:
                if not self._is_away:
                    _log.warning("tracking numbers cannot be stored yet", why=str(away))
                self._is_away = True
                return
            except Exception as bad:  # noqa: BLE001 - they serve searches alone, and must not keep others from being stored
                _log.warning("tracking numbers cannot be stored", fault=type(bad).__name__)
            self._is_away = False
            self._remember(some)

    def _next(self) -> list[CaseParcel]:
        with self._lock:
            return [parcel for parcel, _ in zip(self._waiting, range(STORED_AT_ONCE), strict=False)]

    def _remember(self, stored: Iterable[CaseParcel]) -> None:
        with self._lock:
            for parcel in stored:
                del self._waiting[parcel]
                self._remembered[parcel] = None
            while len(self._remembered) > _MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]


@contextmanager
def parcels_stored(store: Store) -> Iterator[Note]:
    """Store the numbers in what is noted until the block ends; whoever notes never waits for it."""
    notes = ParcelNotes(store)
    storing = threading.Thread(target=notes.keep_storing, name="parcels", daemon=True)
    storing.start()
    try:
        yield notes.note
    finally:
        notes.stop()
        storing.join(_LAST_SECONDS)


class ParcelNoting(Interceptor):
    """The interceptor of a worker that notes the numbers in what reaches its cases."""

    def __init__(self, note: Note) -> None:
        """Tell ``note`` of it."""
        self.note = note
        self._of_workflows = type("_NotingWorkflow", (_Workflow,), {"noting": self})

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        """Look at what every case is opened with and told."""
        del input
        return self._of_workflows

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Look at what activities answer to a case."""
        return _Activity(next, self.note)


class _Workflow(WorkflowInboundInterceptor):
    noting: ClassVar[ParcelNoting]

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
        self._noted(input.args)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        await super().handle_signal(input)
        self._noted(input.args)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        answer = await super().handle_update_handler(input)
        if not (isinstance(answer, CaseSummary) and answer.decision in NO_DECISIONS):
            self._noted(input.args)
        return answer

    def _noted(self, told: Any) -> None:
        info = workflow.info()
        if info.workflow_type in REGISTERED:
            self.noting.note(info.workflow_id, told)


class _Activity(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, note: Note) -> None:
        super().__init__(following)
        self._note = note

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        answer = await super().execute_activity(input)
        case_id = activity.info().workflow_id
        if case_id is not None and isinstance(answer, ExpiryOutcome | ToldFacts):
            self._note(case_id, answer.model_dump(mode="json"))
        return answer
