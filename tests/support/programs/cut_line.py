"""A line to a server that can be cut, and mended, while somebody uses it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class CutLine:
    """Passes bytes on in both directions until it is cut; then whoever calls is sent away."""

    def __init__(self, host: str, port: int) -> None:
        """Lead to this address."""
        self._target = host, port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.address = ""

    def cut(self) -> None:
        """Close what is open, and let nobody in."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def open(self) -> None:
        """Let callers in, under an address of its own."""
        self._server = await asyncio.start_server(self._passed_on, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    async def _passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(_copied(reader, far_writer), _copied(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def line_to(address: str) -> AsyncIterator[CutLine]:
    """Open a line to an address for as long as the block lasts."""
    host, _, port = address.rpartition(":")
    line = CutLine(host, int(port))
    await line.open()
    try:
        yield line
    finally:
        line.cut()
