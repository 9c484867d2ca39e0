"""The transport: returns JSON, and treats everything else as a platform that cannot be reached (G-7)."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftersales.runtime.clock_skew import clock_measured
from aftersales.runtime.http.http_client import Transport, _ahead
from cases.errors import ClockWrong, PlatformUnreachable
from tests.support.platforms.clocks import set_clock_wrong
from tests.support.platforms.serving import serving

TOKEN = "tok-3n"  # noqa: S105  # made up
never = asyncio.Event()


async def echo(request: Request) -> Response:
    return JSONResponse(
        {
            "query": dict(request.query_params),
            "body": (await request.body()).decode(),
            "type": request.headers.get("content-type"),
        }
    )


async def answer(request: Request) -> Response:
    return Response(request.query_params.get("body", "{}"), int(request.query_params["status"]))


async def hang(request: Request) -> Response:
    await never.wait()
    return Response()


async def away(request: Request) -> Response:
    return Response(status_code=302, headers={"location": "/echo"})


@pytest_asyncio.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    routes = [Route(f"/{endpoint.__name__}", endpoint, methods=["POST"]) for endpoint in (echo, answer, hang, away)]
    async with serving(Starlette(routes=routes)) as address:
        yield address
        never.set()


@pytest_asyncio.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport("抖店") as made:
        yield made


async def test_a_body_arrives_as_it_was_given_and_the_answer_is_read(address: str, transport: Transport) -> None:
    got = await transport.post(
        f"{address}/echo", params={"a": "王 &"}, content='{"b":"<李>"}', headers={"content-type": "x/y"}
    )

    assert got == {"query": {"a": "王 &"}, "body": '{"b":"<李>"}', "type": "x/y"}


async def test_a_form_arrives_as_a_form(address: str, transport: Transport) -> None:
    got = await transport.post(f"{address}/echo", data={"a": "b&c"})

    assert (got["body"], got["type"]) == ("a=b%26c", "application/x-www-form-urlencoded")


@pytest.mark.parametrize("status", [500, 502, 503, 599, 429])
async def test_a_broken_or_busy_platform_is_unreachable(address: str, transport: Transport, status: int) -> None:
    with pytest.raises(PlatformUnreachable, match=f"抖店: .*HTTP {status}"):
        await transport.post(f"{address}/answer", params={"status": str(status)})


@pytest.mark.parametrize("status", ["200", "400", "404"])
async def test_what_an_error_says_in_json_is_given_back(address: str, transport: Transport, status: str) -> None:
    assert await transport.post(f"{address}/answer", params={"status": status, "body": '{"e":1}'}) == {"e": 1}


@pytest.mark.parametrize("body", ["", "<html>", "{", "[" * 2000])
async def test_an_answer_that_is_not_json_is_not_understood(address: str, transport: Transport, body: str) -> None:
    if body == "[" * 2000:
        body = body + "]" * 1999
    with pytest.raises(PlatformUnreachable, match="不是 JSON / the answer is not valid JSON"):
        await transport.post(f"{address}/answer", params={"status": "200", "body": body})


async def test_nothing_is_followed_to_another_address(address: str, transport: Transport) -> None:
    with pytest.raises(PlatformUnreachable, match="HTTP 302"):
        await transport.post(f"{address}/away")


async def test_a_platform_that_does_not_answer_is_given_up(address: str) -> None:
    async with Transport("抖店", timeout=0.05) as transport:
        with pytest.raises(PlatformUnreachable, match=r"抖店: .*no answer within 0\.05 s"):
            await transport.post(f"{address}/hang")


async def test_an_answer_that_only_drips_is_given_up_too() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Transport("抖店", timeout=0.1) as transport:
        with pytest.raises(PlatformUnreachable, match="no answer within"):
            await transport.post(f"http://127.0.0.1:{port}/")


async def test_where_nobody_listens_nobody_is_reached(transport: Transport) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but it does not listen
        with pytest.raises(PlatformUnreachable, match=r"connection failed \(ConnectError\)"):
            await transport.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", params={"access_token": TOKEN})


@pytest.mark.parametrize("wrong", ["no-address", "http://", "http://a:b:c", "ftp://x"])
async def test_an_address_that_is_none_is_unreachable_and_not_quoted(transport: Transport, wrong: str) -> None:
    with pytest.raises(PlatformUnreachable) as caught:
        await transport.post(f"{wrong}/{TOKEN}", params={"access_token": TOKEN})
    assert TOKEN not in "".join(_whole(caught.value))


async def test_what_a_header_cannot_hold_is_not_quoted(address: str, transport: Transport) -> None:
    with pytest.raises(PlatformUnreachable) as caught:
        await transport.post(f"{address}/echo", headers={"x": f"{TOKEN}\n"})
    assert TOKEN not in "".join(_whole(caught.value))


async def test_the_log_does_not_tell_the_query(address: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with Transport("抖店") as transport:
            await transport.post(f"{address}/echo", params={"access_token": TOKEN}, data={"access_token": TOKEN})

    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn"))
    assert f"POST {address}/echo" in ours
    assert TOKEN not in ours


def _whole(error: BaseException) -> list[str]:
    """Return everything that a traceback would print of an error."""
    return [str(error), *(_whole(error.__cause__) if error.__cause__ else []), *(_hidden(error))]


def _hidden(error: BaseException) -> list[str]:
    shown = None if error.__suppress_context__ else error.__context__
    return _whole(shown) if shown else []


async def test_every_answer_tells_how_wrong_our_clock_is(
    address: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert transport.ahead is None
    await transport.post(f"{address}/echo")
    assert transport.ahead is not None
    assert abs(transport.ahead) <= timedelta(seconds=2)
    set_clock_wrong(monkeypatch, -90)
    with pytest.raises(PlatformUnreachable):
        await transport.post(f"{address}/answer", params={"status": "503"})
    assert abs(transport.ahead + timedelta(minutes=90)) <= timedelta(seconds=2)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 26 Nov 2026 20:00:00 -0000"])
async def test_a_date_that_tells_no_time_measures_nothing(transport: Transport, date: str | None) -> None:
    transport.ahead = _ahead(date)
    with pytest.raises(ClockWrong, match="请核对本机时间"), clock_measured(transport):
        raise ClockWrong("x")
