"""Measure what storing a message costs: ``python -m benchmarks.inbox [FOLDER]``.

Prints how many messages a second the inbox stores, one after another and many at once, and how long one push of many
takes; the folder chooses the disk.  Figures are medians with the middle half of the rounds.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from aftersales.gateway.inbox import Inbox
from aftersales.platforms.inbound import CaseKey, InboundMessage
from cases.messages import Report

ROUNDS, MANY, PUSHED = 9, 200, 2000


async def main(folder: Path) -> None:
    """Print a line for each way to store."""
    one, together, push = [], [], []
    async with Inbox(folder / "inbox.db") as inbox:
        for number in range(ROUNDS):
            began = time.perf_counter()
            for message in messages(f"one-{number}", MANY):
                await inbox.store([message])
            one.append(MANY / (time.perf_counter() - began))
            began = time.perf_counter()
            await asyncio.gather(*(inbox.store([message]) for message in messages(f"many-{number}", MANY)))
            together.append(MANY / (time.perf_counter() - began))
            began = time.perf_counter()
            await inbox.store(messages(f"push-{number}", PUSHED))
            push.append((time.perf_counter() - began) * 1000)
    print(f"one after another, a sync each  {spread(one)} messages/s")
    print(f"{MANY} at once, which share syncs  {spread(together)} messages/s")
    print(f"one push of {PUSHED} messages     {spread(push)} ms")


def messages(name: str, number: int) -> list[InboundMessage]:
    """Return messages that were never stored."""
    return [
        InboundMessage(
            "douyin", f"{name}-{at}", "227", b"x" * 300, case=CaseKey("douyin_reship", "1001", str(at)), report=Report()
        )
        for at in range(number)
    ]


def spread(rounds: list[float]) -> str:
    """Return the median and the quartiles."""
    low, middle, high = statistics.quantiles(rounds, n=4)
    return f"{middle:,.0f} ({low:,.0f}-{high:,.0f})"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as own:
        asyncio.run(main(Path(own)))
