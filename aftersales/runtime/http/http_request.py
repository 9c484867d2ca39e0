"""A request that one of our servers reads, within a limit, or refuses."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

BODY_SECONDS: Final = 5.0
"""How long to wait for a body."""


class RequestRefused(Exception):
    """A request that is not accepted: the HTTP status, and a few words."""

    def __init__(self, status: int, text: str) -> None:
        """Store the answer."""
        super().__init__(text)
        self.status, self.text = status, text


UNAUTHORIZED: Final = RequestRefused(401, "unauthorized")


async def read_body(request: Request, limit: int) -> bytes:
    """Read a body of at most ``limit`` bytes; raises RequestRefused for a longer, slower or broken-off one."""
    if int(request.headers.get("content-length", 0)) > limit:
        raise RequestRefused(413, "too large")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise RequestRefused(413, "too large")
    except TimeoutError:
        raise RequestRefused(408, "too slow") from None
    except ClientDisconnect:
        raise RequestRefused(400, "broken off") from None
    return bytes(body)
