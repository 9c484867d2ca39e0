"""The options of every worker and replayer: sandboxed runner, interceptor of handlers, data converter."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverter,
    PayloadConverter,
    StorageDriverStoreContext,
    WorkflowSerializationContext,
)
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowInterceptorClassInput,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.engine.case_time import STALE, TaskTimes
from workflows.engine.sender import sent_by

# Charts, cases and engine hold no global state and take time as an argument: re-importing them for every workflow
# would only cost memory and time.  The statechart library imports lazily, so it is passed through whole.
PASSED_THROUGH = ("statemachine", "statecharts", "cases", "workflows", "pydantic", "pydantic_core", "zoneinfo")


class _TimedRunner(SandboxedWorkflowRunner):
    """A sandbox whose cases know when their task began; see ``workflows.engine.case_time``."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create an instance that notes when its tasks began, and declines a stale activation."""
        instance = super().create_instance(det)
        activate, times = instance.activate, TaskTimes()

        def noting(act: WorkflowActivation) -> WorkflowActivationCompletion:
            if times.note(act):
                declined = WorkflowActivationCompletion()
                declined.failed.failure.message = STALE
                return declined
            return activate(act)

        vars(instance)["activate"] = noting
        return instance


CONTEXTS: Mapping[str, Any] = {
    "get_serialization_context": None,
    "get_external_store_context": StorageDriverStoreContext(),
}
"""The methods by which the SDK asks a workflow for the context of every payload, with the answer "there is none"."""


def uses_contexts(converter: DataConverter) -> bool:
    """Return whether a data converter treats payloads by what they belong to."""
    context = WorkflowSerializationContext(namespace="any", workflow_id="any")
    return converter.external_storage is not None or converter.with_context(context) is not converter


class _ContextFreeRunner(_TimedRunner):
    """A sandbox that is not entered to ask for the context of a payload: that costs a sixth of a replay."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create an instance that answers at once."""
        instance = super().create_instance(det)
        for name, answer in CONTEXTS.items():
            # Goes before the method of that name; a release of the SDK that asks otherwise gets its own answer.
            vars(instance)[name] = lambda *_, answer=answer, **__: answer
        return instance


def sandboxed_runner(converter: DataConverter) -> SandboxedWorkflowRunner:
    """Return the runner of every worker and replayer, for the data converter that it works with."""
    runner = _TimedRunner if uses_contexts(converter) else _ContextFreeRunner
    return runner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


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
        return await super().handle_query(input)

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


_REFUSALS = ("Refused", "BadForm", "PolicyUnknown")
UNTYPED: tuple[Any, ...] = (None, Any)


class CasePayloadConverter(PydanticPayloadConverter):
    """Pydantic's JSON; unreadable arguments from outside fail the opening or the update, not the workflow task.

    Anybody can send any encoding through the API.  An activity's result is typed and comes from our own code: if it
    cannot be read, the worker is at fault, and the case waits for one that can.
    """

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


class RefusalConverter(DefaultFailureConverter):
    """A failure converter that shows operators the text of a refusal without our stack trace."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Encode the exception, without stack trace and cause if it is a refusal."""
        super().to_failure(exception, payload_converter, failure)
        if isinstance(exception, ApplicationError) and exception.type in _REFUSALS:
            failure.stack_trace = ""
            failure.ClearField("cause")


def for_cases(converter: DataConverter = pydantic_data_converter) -> DataConverter:
    """Return the data converter of a worker or replayer, made from that of its client, whose codec is kept."""
    return replace(converter, payload_converter_class=CasePayloadConverter, failure_converter_class=RefusalConverter)
