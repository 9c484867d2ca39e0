"""What a client asks a server for: exact numbers, which no load of the machine changes."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from temporalio.client import (
    Client,
    CountWorkflowsInput,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    QueryWorkflowInput,
    WorkflowExecution,
    WorkflowExecutionCount,
)


class AskedCounter(Interceptor):
    """A client interceptor that counts what is asked."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.asked: Counter[str] = Counter()

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - as temporalio calls it
        """Count what goes to the next interceptor."""
        return _Counting(next, self.asked)

    def on(self, client: Client) -> Client:
        """Return the client with this counter as its last interceptor."""
        config = client.config()
        config["interceptors"] = [*config["interceptors"], self]
        return Client(**config)

    def for_each(self, loads: int) -> str:
        """Return in words what a load asked for: everything that was counted, divided by the number of loads."""
        return ", ".join(f"{number / loads:.1f} {what}" for what, number in sorted(self.asked.items()))


class _Counting(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, asked: Counter[str]) -> None:
        super().__init__(following)
        self._asked = asked

    async def count_workflows(self, input: CountWorkflowsInput) -> WorkflowExecutionCount:  # noqa: A002 - its name
        self._asked["counts"] += 1
        return await super().count_workflows(input)

    def list_workflows(self, input: ListWorkflowsInput) -> Any:  # noqa: A002 - its name
        self._asked["lists"] += 1
        return self._rows(super().list_workflows(input))

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002 - its name
        self._asked["cases read"] += 1
        return await super().query_workflow(input)

    async def _rows(self, listed: AsyncIterator[WorkflowExecution]) -> AsyncIterator[WorkflowExecution]:
        async for row in listed:
            self._asked["rows"] += 1
            yield row
