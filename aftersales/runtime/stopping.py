"""Running until somebody asks a program to stop: by SIGTERM, or by SIGINT as Ctrl-C sends it."""

import asyncio
import signal


def stop_asked() -> asyncio.Event:
    """Return an event that is set once the program is asked to stop; to be called before it says that it runs."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def until_stopped(stop: asyncio.Event, ended: asyncio.Task[None]) -> None:
    """Wait until the program is asked to stop, or what it runs has ended by itself."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((stopping, ended), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
