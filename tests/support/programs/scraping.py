"""What a process serves at its metrics address, over real HTTP."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import httpx2
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from aftersales.monitoring.figures import KnownGauge
from aftersales.monitoring.monitor import Monitor
from aftersales.monitoring.status_server import monitored
from aftersales.runtime.settings import Settings
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.programs import free_port


def shown(gauge: KnownGauge) -> dict[tuple[str, ...], float]:
    """Return what a gauge of this process shows."""
    (family,) = gauge.collect()
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


class StatusPages:
    """The pages that a monitor serves."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def families(self) -> list[Metric]:
        answer = await self.client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return list(text_string_to_metric_families(answer.text))

    async def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Return a figure's samples by the values of their labels, in the order of the labels' names."""
        return {
            tuple(value for _, value in sorted(labels.items())): number
            for sample, labels, number in self._all(await self.families())
            if sample == name
        }

    async def value(self, name: str, **labels: str) -> float:
        """Return the sum of a figure's samples that have these labels, 0 if there are none."""
        return sum(
            number
            for sample, named, number in self._all(await self.families())
            if sample == name and labels.items() <= named.items()
        )

    async def readiness(self) -> tuple[int, dict[str, object]]:
        answer = await self.client.get("/readyz")
        return answer.status_code, answer.json()

    @staticmethod
    def _all(families: list[Metric]) -> Iterator[tuple[str, dict[str, str], float]]:
        for family in families:
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value


@asynccontextmanager
async def status_pages(
    program: str = "tests", address: str | None = None
) -> AsyncIterator[tuple[Monitor, StatusPages]]:
    """Monitor this process as a program, and open a client on what it serves."""
    where = address or f"127.0.0.1:{free_port()}"
    async with (
        monitored(Settings(metrics_address=where), program) as monitor,
        httpx2.AsyncClient(base_url=f"http://{where}", timeout=PATIENCE_SECONDS) as client,
    ):
        yield monitor, StatusPages(client)


OF_SDK: Mapping[str, frozenset[str]] = {
    "temporal_workflow_task_schedule_to_start_latency_bucket": frozenset({"task_queue", "le"}),
    "temporal_activity_schedule_to_start_latency_bucket": frozenset({"task_queue", "le"}),
    "temporal_worker_task_slots_available": frozenset({"task_queue", "worker_type"}),
    "temporal_sticky_cache_size": frozenset({"task_queue"}),
    "temporal_workflow_task_execution_failed": frozenset({"task_queue", "workflow_type"}),
}
"""The figures of Temporal's SDK that rules and dashboards may use, with the labels that they may use."""
