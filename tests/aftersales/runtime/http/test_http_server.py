"""A server that clients cannot silence: by idle connections, by slow ones, or by not reading its answers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aftersales.runtime.http import http_connection, http_server
from aftersales.runtime.http.http_server import listen, serving
from tests.support.patience import PATIENCE_SECONDS

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
HALF_A_HEAD = b"GET /health HTTP/1.1\r\nhos"
HALF_A_BODY = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n[1"


class Server:
    """A running server, and connections to it."""

    def __init__(self, port: int, hold: asyncio.Event, held: asyncio.Semaphore, wires: AsyncExitStack) -> None:
        self.port, self.hold, self.held, self._wires = port, hold, held, wires

    async def connect(self, sent: bytes = b"") -> Wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._wires.callback(writer.close)
        writer.write(sent)
        return reader, writer

    async def hold_one(self) -> Wire:
        """Send a request that is worked on until ``hold`` is set, and return once it is."""
        wire = await self.connect(HEALTH.replace(b"health", b"held"))
        await self.held.acquire()
        return wire

    async def asks(self, sent: bytes = HEALTH) -> bytes:
        """Return the status of the answer to a request on a connection of its own; empty if it is hung up on."""
        return await status(await self.connect(sent))


async def status(wire: Wire) -> bytes:
    with contextlib.suppress(ConnectionError):
        line = await asyncio.wait_for(wire[0].readline(), PATIENCE_SECONDS)
        return line.split()[1] if line else b""
    return b""


async def hung_up(wire: Wire) -> bool:
    """Return whether the server ends the connection without a word."""
    return await status(wire) == b""


@asynccontextmanager
async def served() -> AsyncIterator[Server]:
    hold, at_work = asyncio.Event(), asyncio.Semaphore(0)

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def echo(request: Request) -> Response:
        return Response(await request.body())

    async def held(_: Request) -> Response:
        at_work.release()
        await hold.wait()
        return PlainTextResponse("at last")

    async def large(_: Request) -> Response:
        return PlainTextResponse(b"x" * 20_000_000)

    pages = [Route(f"/{page.__name__}", page) for page in (health, held, large)]
    app = Starlette(routes=[*pages, Route("/echo", echo, methods=["POST"])])
    listener = listen("127.0.0.1", 0)
    async with serving(app, listener), AsyncExitStack() as wires:
        yield Server(listener.getsockname()[1], hold, at_work, wires)
        hold.set()


async def test_five_hundred_idle_connections_do_not_silence_it() -> None:
    async with served() as server:
        idle = [await server.connect() for _ in range(600)]
        assert await server.asks() == b"200"
        assert await hung_up(idle[0])
        _, writer = idle[-1]
        writer.write(HEALTH)
        assert await status(idle[-1]) == b"200"


@pytest.mark.parametrize("begun", [HALF_A_HEAD, HALF_A_BODY])
async def test_many_requests_that_do_not_go_on_do_not_silence_it(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_MOST_CONCURRENT", 10)
    async with served() as server:
        slow = [await server.connect(begun) for _ in range(30)]
        assert await server.asks() == b"200"
        assert await hung_up(slow[0])


async def test_more_requests_than_can_be_worked_on_are_to_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_MOST_CONCURRENT", 3)
    async with served() as server:
        working = [await server.hold_one() for _ in range(2)]
        assert await server.asks() == b"503"
        server.hold.set()
        assert [await status(wire) for wire in working] == [b"200", b"200"]
        assert await server.asks() == b"200"


@pytest.mark.parametrize("begun", [b"", HALF_A_HEAD])
async def test_a_client_that_does_not_finish_its_head_is_hung_up_on(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.1)
    async with served() as server:
        assert await hung_up(await server.connect(begun))


async def test_a_head_that_comes_a_byte_at_a_time_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.2)

    async def drip(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for at in range(10_000):
                writer.write(b"GET / HTTP/1.1\r\nx: "[at : at + 1] or b"x")
                await writer.drain()
                await asyncio.sleep(0.01)  # the slowness that is tested

    async with served() as server:
        for before in (b"", HEALTH):  # a new connection, and one that has been answered already
            reader, writer = await server.connect(before)
            if before:
                assert b"200" in await reader.readuntil(b"ok")
            dripping = asyncio.create_task(drip(writer))
            assert await hung_up((reader, writer))
            dripping.cancel()


async def test_a_request_that_is_not_finished_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "REQUEST_SECONDS", 0.1)
    async with served() as server:
        assert await hung_up(await server.connect(HALF_A_BODY))
        assert await server.asks() == b"200"


async def test_a_client_that_reads_no_answers_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = asyncio.Event()

    class Watched(http_connection.Connection):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    monkeypatch.setattr(http_connection, "REQUEST_SECONDS", 0.1)
    monkeypatch.setattr(http_server, "Connection", Watched)
    async with served() as server:
        with socket.socket() as deaf:
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(deaf, ("127.0.0.1", server.port))
            await loop.sock_sendall(deaf, HEALTH.replace(b"health", b"large") * 2)
            await asyncio.wait_for(lost.wait(), PATIENCE_SECONDS)


async def test_what_takes_long_on_our_side_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Event()

    class Watched(http_connection.Connection):
        def _at_deadline(self) -> None:
            super()._at_deadline()
            looked.set()

    monkeypatch.setattr(http_connection, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(http_server, "Connection", Watched)
    async with served() as server:
        wire = await server.hold_one()
        await asyncio.wait_for(looked.wait(), PATIENCE_SECONDS)
        server.hold.set()
        assert await status(wire) == b"200"


async def test_a_body_in_chunks_of_a_byte_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    taken_in: list[int] = []

    class Watched(http_connection.Connection):
        def data_received(self, data: bytes) -> None:
            taken_in.append(len(data))
            super().data_received(data)

    monkeypatch.setattr(http_server, "Connection", Watched)
    chunks = b"1\r\n1\r\n" * 50_000
    async with served() as server:
        wire = await server.connect(b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + chunks)
        # It is answered while the body is being taken in, piece by piece.
        assert await server.asks() == b"200"
        assert sum(taken_in) < len(chunks)
        wire[1].write(b"0\r\n\r\n")
        assert await status(wire) == b"200"
    assert max(taken_in) <= http_connection.BYTES_AT_ONCE


async def test_requests_in_one_go_are_all_answered() -> None:
    async with served() as server:
        reader, _ = await server.connect(HEALTH * 3)
        for _ in range(3):
            assert b"200" in await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE_SECONDS)
