"""The one sandboxed runner, shared by worker and replayer, and the guard before every handler."""

from typing import Any, TypeVar

from temporalio.worker import (
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

# The charts, cases and the interpreter hold no state of their own and take time as an argument: re-importing them
# for every workflow would only cost memory and start-up.  The library imports lazily, so it is passed through whole.
PASSED_THROUGH = ("statemachine", "statecharts", "cases", "workflows", "pydantic", "pydantic_core", "zoneinfo")


def sandboxed_runner() -> SandboxedWorkflowRunner:
    """The runner that every worker and replayer uses."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


Handled = TypeVar("Handled", HandleSignalInput, HandleUpdateInput)


class OneArgument(Interceptor):
    """Handlers take one argument: several become one list, which they refuse in words instead of a wedged case."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        """Intercept every workflow."""
        del input
        return _OneArgument


class _OneArgument(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        await super().handle_signal(_folded(input))

    async def handle_query(self, input: HandleQueryInput) -> Any:  # noqa: A002
        input.args = input.args if input.query.startswith("__") else []
        return await super().handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002
        super().handle_update_validator(_folded(input))

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        return await super().handle_update_handler(_folded(input))


def _folded(given: Handled) -> Handled:
    if len(given.args) > 1:
        given.args = [list(given.args)]
    return given
