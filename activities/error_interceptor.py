"""An interceptor that turns our errors into Temporal's and adds the case to every log line of an activity."""

from typing import Any

import structlog
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from cases.errors import BadForm, CaseError, PlatformRefused

NAMED = ("case_id", "process", "shop_id", "rule")


class ErrorInterceptor(Interceptor):
    """The interceptor of all activities of a worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap an activity."""
        return _ErrorBoundary(next)


class _ErrorBoundary(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        argument = input.args[0] if input.args else None
        names = {"shop" if name == "shop_id" else name: getattr(argument, name, None) for name in NAMED}
        with structlog.contextvars.bound_contextvars(**{name: value for name, value in names.items() if value}):
            try:
                return await super().execute_activity(input)
            except CaseError as error:
                final = isinstance(error, PlatformRefused | BadForm)
                raise ApplicationError(str(error), type=type(error).__name__, non_retryable=final) from error
