"""What keeping a message costs: ``python -m benchmarks.inbox [FOLDER]``.

Prints how many messages a second the inbox keeps on disk, one after another and many at once, and how long one push of
many takes; the folder decides which disk is measured.  Medians, and between what half of the rounds lay.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from aftersales.gateway.inbox import Inbox
from aftersales.platforms.messages import CaseKey, InboundMessage

ROUNDS, MANY, PUSHED = 9, 200, 2000


async def main(folder: Path) -> None:
    """Print a line for each way to keep."""
    one, together, push = [], [], []
    async with Inbox(folder / "inbox.db") as inbox:
        for number in range(ROUNDS):
            began = time.perf_counter()
            for each in messages(f"one-{number}", MANY):
                await inbox.keep([each])
            one.append(MANY / (time.perf_counter() - began))
            began = time.perf_counter()
            await asyncio.gather(*(inbox.keep([each]) for each in messages(f"many-{number}", MANY)))
            together.append(MANY / (time.perf_counter() - began))
            began = time.perf_counter()
            await inbox.keep(messages(f"push-{number}", PUSHED))
            push.append((time.perf_counter() - began) * 1000)
    print(f"one after another, a sync each  {spread(one)} messages/s")
    print(f"{MANY} at once, which share syncs  {spread(together)} messages/s")
    print(f"one push of {PUSHED} messages     {spread(push)} ms")


def messages(name: str, number: int) -> list[InboundMessage]:
    """Messages that were never kept."""
    return [
        InboundMessage(
            "douyin", f"{name}-{each}", "227", b"x" * 300, case=CaseKey("douyin_reship", "1001", str(each)), report={}
        )
        for each in range(number)
    ]


def spread(found: list[float]) -> str:
    """The median, and between what half of the rounds lay."""
    low, middle, high = statistics.quantiles(found, n=4)
    return f"{middle:,.0f} ({low:,.0f}-{high:,.0f})"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as own:
        asyncio.run(main(Path(own)))
