"""The options of every worker and replayer: runner, interceptor of handlers, data converter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self, TypeVar

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverter,
    PayloadCodec,
    PayloadConverter,
    SerializationContext,
)
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowInterceptorClassInput,
)

from workflows.engine.case_time import TaskTimes
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.sender import sent_by

DEADLOCK = "TMPRL1101"
"""Temporal's word for a workflow task that took longer than two seconds; a busy machine may be the reason."""
ALONE = "legacy_query"
"""The id of a query that comes without a workflow task, and must be answered."""


def _ask_again(stale: WorkflowActivation) -> WorkflowActivationCompletion:
    refusal = WorkflowActivationCompletion(run_id=stale.run_id)
    refusal.failed.failure.message = (
        "案件还未处理最新事件,请重试 / its newest events are still to be handled: ask again"
    )
    return refusal


class _LocalCalls:
    """Counts the local calls of a case that the SDK's core makes, or has made without having told the case."""

    def __init__(self) -> None:
        self._running = 0

    def __bool__(self) -> bool:
        return self._running > 0

    def note(self, act: WorkflowActivation, completion: WorkflowActivationCompletion) -> None:
        begun = sum(command.HasField("schedule_local_activity") for command in completion.successful.commands)
        self._running += begun - sum(job.resolve_activity.is_local for job in act.jobs)


def _asks_within_task(act: WorkflowActivation) -> bool:
    """Return whether an activation is that of the queries that came with a workflow task."""
    queries = [job.query_workflow.query_id for job in act.jobs if job.HasField("query_workflow")]
    return len(queries) == len(act.jobs) and ALONE not in queries


def _answer_later(asked: WorkflowActivation) -> WorkflowActivationCompletion:
    """Leave queries to the server, which asks again once the task has ended.

    With an answer the core would end the task when the local call ends, and give what follows from it to another one.
    A replay does not; and if the other task is lost, the core cannot make up for it.  Either would wedge the case.
    """
    nothing = WorkflowActivationCompletion(run_id=asked.run_id)
    nothing.successful.SetInParent()
    return nothing


def _no_context(command: Any) -> None:
    """Return none: no payload of a case is converted differently for the command that it belongs to."""
    del command


class CaseRunner(UnsandboxedWorkflowRunner):
    """The runner of every worker and replayer: its cases know when their task began, and none is asked too early.

    Cases are not run in the SDK's sandbox.  Nothing but a few lines of each process would be in it, as everything else
    would have to be passed through, and it costs a sixth of the CPU.  That no code of a case asks for the time, chance
    or the world is tested instead.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create an instance that notes when its tasks began, answers no query too early, and leaves no garbage."""
        instance = super().create_instance(det)
        activate, times, calls = instance.activate, TaskTimes(), _LocalCalls()

        def noting(act: WorkflowActivation) -> WorkflowActivationCompletion:
            if _evicts(act):
                return _let_go(instance, activate, act)
            if calls and _asks_within_task(act):
                return _answer_later(act)
            if times.note(act):
                return _ask_again(act)
            completion = activate(act)
            times.forget_if_refused(act, completion)
            calls.note(act, completion)
            return completion

        vars(instance).update(activate=noting, get_serialization_context=_no_context)
        return instance


def _evicts(act: WorkflowActivation) -> bool:
    return any(job.HasField("remove_from_cache") for job in act.jobs)


def _let_go(
    instance: WorkflowInstance,
    activate: Callable[[WorkflowActivation], WorkflowActivationCompletion],
    act: WorkflowActivation,
) -> WorkflowActivationCompletion:
    """Evict a case so that its memory is free at once.

    Otherwise only a search through all that the worker holds would find it, during which nothing else runs: the SDK's
    instance and the case refer to themselves, and so does each error that ends a task of theirs.
    """
    vars(instance)["call_exception_handler"] = _forget_where
    completion = activate(act)
    if completion.HasField("successful"):
        case = vars(instance).pop("_object", None)
        vars(instance).clear()
        if case is not None:
            vars(case).clear()
    return completion


def _forget_where(context: Mapping[str, Any]) -> None:
    """Cut an error of an evicted case off from the frames in which it was raised, which refer to it."""
    if error := context.get("exception"):
        error.__traceback__ = None


Handled = TypeVar("Handled", HandleSignalInput, HandleUpdateInput)


class OneArgument(Interceptor):
    """Fold several arguments of a handler into one list, which it can refuse instead of failing the workflow task."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        """Intercept every workflow."""
        del input
        return _OneArgument


class _OneArgument(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        known = workflow.get_signal_handler(input.signal) is not None  # else the dynamic handler, which takes two
        with sent_by(input.headers):
            await super().handle_signal(_folded(input) if known else input)

    async def handle_query(self, input: HandleQueryInput) -> Any:  # noqa: A002
        input.args = input.args if input.query.startswith("__") else []
        answer = await super().handle_query(input)
        if isinstance(answer, WorkflowMetadata) and isinstance(case := workflow.instance(), CaseWorkflow):
            # Written only for whoever asks: nobody does in most of a case's life.
            answer.current_details = case.details()
        return answer

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002
        with sent_by(input.headers):
            super().handle_update_validator(_folded(input))

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        with sent_by(input.headers):
            return await super().handle_update_handler(_folded(input))


def _folded(call: Handled) -> Handled:
    if len(call.args) > 1:
        call.args = [list(call.args)]
    return call


_REFUSALS = ("Refused", "BadForm", "PolicyUnknown", "PlatformRefused")
UNTYPED: tuple[Any, ...] = (None, Any)


class CasePayloadConverter(PydanticPayloadConverter):
    """Pydantic's JSON; unreadable arguments from outside fail the opening or the update, not the workflow task.

    Anybody can send any encoding through the API.  An activity's result is typed and comes from our own code: if it
    cannot be read, the worker is at fault, and the case waits for one that can.
    """

    _shared: ClassVar[Self | None] = None

    def __new__(cls) -> Self:
        """Return the one that all share: the SDK asks for several in each activation, with caches of their own."""
        if cls._shared is None:
            cls._shared = super().__new__(cls)
            PydanticPayloadConverter.__init__(cls._shared)
        return cls._shared

    def __init__(self) -> None:
        """Leave the shared one as it is."""

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Decode; raises ApplicationError of type BadForm for untyped arguments that cannot be read."""
        try:
            return super().from_payloads(payloads, type_hints)
        except Exception as bad:
            if any(hint not in UNTYPED for hint in type_hints or ()):
                raise
            raise ApplicationError(
                f"参数无法读取,须为一个 JSON 对象 / arguments cannot be read, expected one JSON object: {bad}",
                type="BadForm",
                non_retryable=True,
            ) from bad


class CaseDataConverter(DataConverter):
    """A data converter that is the same for all payloads; the SDK would look through its parts for each of them."""

    def with_context(self, context: SerializationContext) -> Self:
        """Return the converter itself."""
        del context
        return self


class RefusalConverter(DefaultFailureConverter):
    """A failure converter that shows operators the text of a refusal without our stack trace."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Encode the exception, without stack trace and cause if it is a refusal."""
        super().to_failure(exception, payload_converter, failure)
        if isinstance(exception, ApplicationError) and exception.type in _REFUSALS:
            failure.stack_trace = ""
            failure.ClearField("cause")


class HiddenRefusalConverter(RefusalConverter):
    """A failure converter that moves messages and stack traces to where a codec encrypts them."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Encode the exception, with nothing of its words left in the clear."""
        super().to_failure(exception, payload_converter, failure)
        _hide(failure, payload_converter)


HIDDEN_FAILURE = "Encoded failure"
"""The message that the SDK, too, gives a failure whose own is encoded."""


def _hide(failure: Failure, payload_converter: PayloadConverter) -> None:
    # A failure of an activity that is passed on has its words in both places.
    if not failure.HasField("encoded_attributes"):
        words = {"message": failure.message, "stack_trace": failure.stack_trace}
        failure.encoded_attributes.CopyFrom(payload_converter.to_payloads([words])[0])
    failure.message, failure.stack_trace = HIDDEN_FAILURE, ""
    if failure.HasField("cause"):
        _hide(failure.cause, payload_converter)


def hiding_failures(converter: DataConverter, codec: PayloadCodec) -> DataConverter:
    """Return the converter of a client whose codec encrypts, so that its failures tell nothing either."""
    return replace(converter, payload_codec=codec, failure_converter_class=HiddenRefusalConverter)


def for_cases(converter: DataConverter = pydantic_data_converter) -> DataConverter:
    """Return the data converter of a worker or replayer, made from that of its client, whose codec is kept.

    With a codec failures are hidden by it as well.
    """
    failures = RefusalConverter if converter.payload_codec is None else HiddenRefusalConverter
    return CaseDataConverter(
        payload_converter_class=CasePayloadConverter,
        payload_codec=converter.payload_codec,
        failure_converter_class=failures,
        external_storage=converter.external_storage,
    )
