"""A case that takes every decision and answers what the test says: for clients, which need no rules."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

STATE = {"status": "open", "state": ["awaiting_merchant"], "label": "待商家处理", "deadline": None}


@workflow.defn(name="douyin_reship")
class StandIn:
    """Answers every update with ``answer``, fails it with ``refusal`` (type and text), or is ``silent``."""

    @workflow.init
    def __init__(self, script: dict[str, Any]) -> None:
        self.script, self.taken = script, list[list[Any]]()

    @workflow.run
    async def run(self, script: dict[str, Any]) -> None:
        del script
        await workflow.wait_condition(lambda: False)

    @workflow.update(dynamic=True)
    async def decide(self, rule: str, arguments: Sequence[RawValue]) -> Any:
        self.taken.append([rule, *(workflow.payload_converter().from_payload(each.payload) for each in arguments)])
        if self.script.get("silent"):
            await workflow.wait_condition(lambda: False)
        if "refusal" in self.script:
            kind, text = self.script["refusal"]
            raise ApplicationError(text, type=kind)
        return {**STATE, **self.script.get("answer", {})}

    @workflow.signal(dynamic=True)
    def report(self, name: str, arguments: Sequence[RawValue]) -> None:
        del name, arguments

    @workflow.query
    def view(self) -> Any:
        return self.script.get("view", {"taken": self.taken})


@asynccontextmanager
async def stand_ins(client: Client, task_queue: str) -> AsyncIterator[None]:
    """Run a worker for such cases."""
    async with Worker(client, task_queue=task_queue, workflows=[StandIn], workflow_runner=UnsandboxedWorkflowRunner()):
        yield


async def start_stand_in(client: Client, case_id: str, task_queue: str, **script: Any) -> WorkflowHandle[Any, Any]:
    """Start one."""
    return await client.start_workflow("douyin_reship", script, id=case_id, task_queue=task_queue)
