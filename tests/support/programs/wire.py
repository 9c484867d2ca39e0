"""A connection to a server that can be cut."""

import asyncio
from typing import Self


class Wire:
    """Passes bytes on to the server, until it is cut: by hand, or once so many have been sent."""

    def __init__(self, server: str, length: int | None = None) -> None:
        self._host, self._port = server.split(":")
        self._left = length
        self._writers = list[asyncio.StreamWriter]()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        _, port = self._listener.sockets[0].getsockname()
        self.address = f"127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        self._listener.close()
        for writer in self._writers:
            writer.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        self._writers += (writer, far_writer)
        await asyncio.gather(self._pass(reader, far_writer, counted=True), self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool = False) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
            if counted and self._left is not None:
                self._left -= len(data)
                if self._left < 0:
                    self.cut()
