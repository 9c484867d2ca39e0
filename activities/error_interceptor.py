"""An interceptor that turns our errors into Temporal's and adds the case to every log line of an activity."""

from typing import Any

import structlog
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from cases.errors import BadForm, CaseError, PlatformRefused

NAMED = ("case_id", "process", "shop_id", "rule")
UNEXPECTED = "程序错误,见 worker 日志 / a fault of the program: see the worker's log"


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
            except (OSError, FailureError):
                raise
            except Exception as bug:  # noqa: BLE001 - it is raised again, without a message that may quote a buyer
                unexpected = ApplicationError(UNEXPECTED, type=type(bug).__name__)
                raise unexpected.with_traceback(bug.__traceback__) from None
