"""The codec server: decrypts for the Web UI and for the ``temporal`` command what Temporal stores encrypted.

It speaks Temporal's remote codec protocol: ``POST /decode`` and ``/encode`` with the JSON of payloads.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import structlog
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload, Payloads

from aftersales.runtime.encryption.key_ring import KeyRing
from aftersales.runtime.encryption.payload_encryption import EncryptionCodec
from aftersales.runtime.http.http_authorization import bears, logged_in
from aftersales.runtime.http.http_request import UNAUTHORIZED, RequestRefused, read_body
from cases.errors import CaseError

LONGEST_BODY: Final = 16 * 1024 * 1024
"""A history's payloads come by the event, each of at most 2 MB, a third longer in JSON."""
CODEC_LOGIN: Final = {"www-authenticate": 'Basic realm="aftersales codec: any name, your token as password"'}
NOT_KEPT: Final = {"cache-control": "no-store"}

Coding = Callable[[Sequence[Payload]], Awaitable[list[Payload]]]


class CodecServer:
    """The handlers of all paths.  Only readers that the file of keys names are answered."""

    def __init__(self, keys: KeyRing, ui_origin: str) -> None:
        """Answer with these keys, and to no other page of a browser than the Web UI's."""
        self._keys, self._ui_origin = keys, ui_origin
        self._codec = EncryptionCodec(keys)
        self._log = structlog.get_logger("codec")

    async def decode(self, request: Request) -> Response:
        """Decrypt payloads."""
        return await self._answer(request, self._codec.decode)

    async def encode(self, request: Request) -> Response:
        """Encrypt payloads, which somebody is about to send."""
        return await self._answer(request, self._codec.encode)

    async def login(self, request: Request) -> Response:
        """Log a browser in, which then sends the login along with the Web UI's requests."""
        name = self._reader(request)
        return PlainTextResponse(
            f"{name}: 已登录 / logged in.\n{self._ui_origin}: codec server endpoint {request.base_url}, "
            "with cross-origin credentials included.\n",
            headers=NOT_KEPT,
        )

    async def refuse(self, request: Request, refused: Exception) -> Response:
        """Answer a request that is not accepted."""
        del request
        assert isinstance(refused, RequestRefused)  # noqa: S101 - the only type this is registered for
        return PlainTextResponse(refused.text, refused.status, headers=CODEC_LOGIN if refused is UNAUTHORIZED else None)

    async def _answer(self, request: Request, code: Coding) -> Response:
        name, coded = self._reader(request), Payloads()
        try:
            sent = Parse(await read_body(request, LONGEST_BODY), Payloads())
            coded.payloads.extend(await code(sent.payloads))
        except (ParseError, UnicodeDecodeError, RecursionError):
            raise RequestRefused(400, "expected the JSON of payloads") from None
        except CaseError as bad:
            raise RequestRefused(422, str(bad)) from bad
        self._log.info("payloads", what=request.url.path, reader=name, payloads=len(coded.payloads))
        return JSONResponse(MessageToDict(coded), headers=NOT_KEPT)

    def _reader(self, request: Request) -> str:
        """Return the name of whoever asks; raises RequestRefused."""
        if request.headers.get("origin", self._ui_origin) != self._ui_origin:
            raise RequestRefused(403, "this page may not ask")
        name = _whose(request, self._keys.readers)
        if name is None:
            raise UNAUTHORIZED
        return name


def _whose(request: Request, readers: Mapping[str, SecretStr]) -> str | None:
    return next((name for name, token in readers.items() if bears(request, token) or logged_in(request, token)), None)


def make_codec_server(keys: KeyRing, ui_address: str, routes: Iterable[Route] = ()) -> Starlette:
    """Make the application for the Web UI at an address; other pages' requests are refused.

    ``routes`` is what else is served.
    """
    origin = origin_of(ui_address)
    server = CodecServer(keys, origin)
    cors = Middleware(
        CORSMiddleware,
        allow_origins=[origin],
        allow_methods=["POST"],
        allow_headers=["authorization", "content-type", "x-namespace"],
        allow_credentials=True,
    )
    app = Starlette(
        routes=[
            Route("/decode", server.decode, methods=["POST"]),
            Route("/encode", server.encode, methods=["POST"]),
            Route("/", server.login),
            *routes,
        ],
        middleware=[cors],
        exception_handlers={RequestRefused: server.refuse},
    )
    app.router.redirect_slashes = False
    return app


def origin_of(address: str) -> str:
    """Return the origin of a page at an address, as browsers send it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()
