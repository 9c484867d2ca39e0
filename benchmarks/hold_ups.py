"""What may have held up answers: slow calls of the server's database, or a machine that stood still."""

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
from prometheus_client.parser import text_string_to_metric_families

SLOW_SECONDS: Final = 0.2
"""From when on a call is slow: one of the bounds of the server's own histogram."""
_LATENCIES: Final = ("persistence_latency", "visibility_persistence_latency")
_LOOK_SECONDS: Final = 0.02
_FIGURES = re.compile(r"Temporal Metrics:\s*(http://\S+)")


def address_of_figures(log: Path) -> str:
    """Return the address of a server's figures, which is in its log."""
    address = _FIGURES.search(log.read_text(encoding="utf-8"))
    if address is None:
        raise SystemExit(f"{log} does not say where the server's figures are")
    return address[1]


@asynccontextmanager
async def hold_ups(figures: str) -> AsyncIterator[dict[str, Any]]:
    """Yield what is noted in the block: slow calls by operation, and how long this program stood still at most."""
    found: dict[str, Any] = {"stood still, ms": 0.0}
    before, watch = await _slow_calls(figures), asyncio.create_task(_watch(found))
    try:
        yield found
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    found["slow calls"] = dict(await _slow_calls(figures) - before)


def in_words(found: dict[str, Any]) -> str:
    """Return what was noted."""
    calls = ", ".join(f"{many} {operation}" for operation, many in sorted(found["slow calls"].items())) or "none"
    return (
        f"calls of the server's database of over {SLOW_SECONDS:g} s: {calls}; "
        f"the benchmark stood still for at most {found['stood still, ms']:,.0f} ms"
    )


async def _slow_calls(address: str) -> Counter[str]:
    """Return how many calls of each operation of the database have been slow since the server started."""
    async with httpx2.AsyncClient() as client:
        told = (await client.get(address)).text
    calls: Counter[str] = Counter()
    for family in text_string_to_metric_families(told):
        if family.name in _LATENCIES:
            for sample in family.samples:
                if sample.name.endswith("_count"):
                    calls[sample.labels["operation"]] += int(sample.value)
                elif sample.labels.get("le") == f"{SLOW_SECONDS:g}":
                    calls[sample.labels["operation"]] -= int(sample.value)
    return calls


async def _watch(found: dict[str, Any]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_LOOK_SECONDS)
        late_ms = (time.perf_counter() - began - _LOOK_SECONDS) * 1000
        found["stood still, ms"] = max(found["stood still, ms"], late_ms)
