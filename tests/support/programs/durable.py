"""Cases on a server that keeps its state in a file, run by worker processes that come and go."""

from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle

from cases.messages import Opening
from tests.support.temporal.life import facts
from workflows.opening import start_case
from workflows.registry import PROCESSES

QUEUE = "durability"

Handle = WorkflowHandle[Any, Any]


async def opened(client: Client, own_id: str, policy: dict[str, Any]) -> Handle:
    """Open a reship."""
    opening = Opening(facts=facts(own_id), policy=policy)
    return await start_case(client, QUEUE, PROCESSES["douyin_reship"], opening)


def environment(data: Path, port: int) -> dict[str, str]:
    """Return the variables of a worker."""
    return {
        "AFTERSALES_DATA_DIR": str(data),
        "AFTERSALES_TASK_QUEUE": QUEUE,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
    }
