"""Measure the effect of a limit per shop: ``python -m benchmarks.shop_limits``.

Starts an embedded server, lets two shops make many calls at once under a limit, and prints at what rate each shop's
activities started after the first second's worth, which comes at once.  A third shop makes a few calls meanwhile and
must not wait for the others.  Then the same with eager execution, and with activities that share one key.
"""

import asyncio
import itertools
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from aftersales.runtime.temporal.embedded_server import temporal_binary
from aftersales.runtime.temporal.rate_limits import limit_per_shop

PER_SECOND, MANY, FEW = 5.0, 60, 3
ONE_PARTITION = ("matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1")
FAIRNESS = "matching.enableFairness=true"
QUEUES = itertools.count()

started: defaultdict[str, list[float]] = defaultdict(list)
"""The instants at which each shop's activities started."""


@activity.defn
async def call_platform(shop: str) -> None:
    """Record when the call starts."""
    started[shop].append(time.monotonic())


@workflow.defn
class Calls:
    """Calls of one shop, all at once; the first of them could be taken eagerly."""

    @workflow.run
    async def run(self, shop: str, key: str, number: int) -> None:
        """Make the calls."""
        calls = (
            workflow.execute_activity(
                call_platform,
                shop,
                start_to_close_timeout=timedelta(minutes=1),
                priority=Priority(fairness_key=key) if key else Priority(),
            )
            for _ in range(number)
        )
        await asyncio.gather(*calls)


async def main() -> None:
    """Print a block for each configuration of the server."""
    for flags, title in (
        ((), "as the server comes"),
        (ONE_PARTITION, "one partition"),
        ((*ONE_PARTITION, FAIRNESS), f"one partition, {FAIRNESS}"),
    ):
        async with await server(*flags) as running:
            print(f"{title}: a limit of {PER_SECOND:g}/s for each key")
            await play(running.client, "keys", {"S1": MANY, "S2": MANY, "S3": FEW})
    async with await server(*ONE_PARTITION) as running:
        print("one partition, otherwise")
        await play(running.client, "eager", {"S1": MANY, "S2": MANY}, eager=True)
        await play(running.client, "no keys", {"S1": MANY // 2, "S2": MANY // 2}, keyed=False)


async def server(*flags: str) -> WorkflowEnvironment:
    """Start a server in memory."""
    return await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=[part for flag in flags for part in ("--dynamic-config-value", flag)],
    )


async def play(
    client: Client, title: str, shops: Mapping[str, int], *, eager: bool = False, keyed: bool = True
) -> None:
    """Let the shops make their calls, and print the rate of each."""
    queue = f"shops-{next(QUEUES)}"
    started.clear()
    await limit_per_shop(client, queue, PER_SECOND)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Calls],
        activities=[call_platform],
        workflow_runner=UnsandboxedWorkflowRunner(),
        disable_eager_activity_execution=not eager,
    )
    async with worker:
        began = time.monotonic()
        lives = (
            client.execute_workflow(
                Calls.run, args=[shop, shop if keyed else "", many], id=f"{queue}-{shop}", task_queue=queue
            )
            for shop, many in shops.items()
        )
        await asyncio.gather(*lives)
    for shop, instants in started.items():
        took = max(instants) - began
        print(f"  {title:8} {shop}: {len(instants):3} calls, the last after {took:5.1f} s; {rate(instants)}")
    together = sorted(instant for instants in started.values() for instant in instants)
    print(f"  {title:8} together: {len(together) / (together[-1] - began):.1f}/s")


def rate(instants: list[float]) -> str:
    """Return the rate after the first second's worth, and how many started within that."""
    instants.sort()
    rest = [instant for instant in instants if instant > instants[0] + 1]
    at_once = len(instants) - len(rest)
    if len(rest) <= PER_SECOND:
        return f"{at_once} within the first second"
    gaps = [later - earlier for earlier, later in itertools.pairwise(rest)]
    low, middle, high = statistics.quantiles(gaps, n=4)
    mean = (len(rest) - 1) / (rest[-1] - rest[0])
    spread = f"{middle * 1000:.0f} ms ({low * 1000:.0f}-{high * 1000:.0f}) apart"
    return f"{at_once} within the first second, then {mean:.2f}/s, {spread}"


if __name__ == "__main__":
    asyncio.run(main())
    sys.stdout.flush()
    os._exit(0)  # the SDK's own threads now and then abort a process that winds down by itself
