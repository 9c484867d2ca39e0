"""HTTP calls of platforms: POST, with JSON as the answer."""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self

import httpx2

from aftersales.runtime.telemetry.spans import SpanSide, span
from cases.errors import PlatformUnreachable

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


class Transport:
    """A pool of connections to one platform.

    ``platform`` is its name.  ``timeout``: seconds for a whole call, from connecting to the last byte of the answer.
    ``ahead``: by how much this machine's clock was ahead of the platform's at the last answer, None if that did not
    tell the time.
    """

    def __init__(self, platform: str, *, timeout: float = 10.0) -> None:
        self.platform = platform
        self._timeout = timeout
        self._client = httpx2.AsyncClient(timeout=timeout)
        self.ahead: timedelta | None = None

    async def post(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        content: str | bytes | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a body (``content`` as is, ``data`` as a form) and return the JSON of the answer.

        Raises PlatformUnreachable if there is no answer in time, for 5xx and 429, and if the answer is not JSON.
        """
        answer = await self.answer(url, params=params, content=content, data=data, headers=headers)
        try:
            return json.loads(answer.content)
        except (ValueError, RecursionError):
            what = f"HTTP {answer.status_code}, 返回内容不是 JSON / the answer is not valid JSON"
            raise self._unreachable(what) from None

    async def answer(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        content: str | bytes | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send like ``post`` and return the whole answer, for callers that need its status."""
        # Neither path nor query: a robot's address is its secret.
        with span(f"POST {self.platform}", SpanSide.CLIENT, {"http.request.method": "POST"}) as notes:
            answer = await self._answer(url, params=params, content=content, data=data, headers=headers)
            notes.set_attribute("http.response.status_code", answer.status_code)
            notes.set_attribute("server.address", answer.url.host)
        self.ahead = _ahead(answer.headers.get("date"))
        if answer.status_code == _TOO_MANY_REQUESTS or answer.status_code >= _SERVER_ERROR:
            raise self._unreachable(f"HTTP {answer.status_code}")
        return answer

    async def _answer(self, url: str, **request: Any) -> httpx2.Response:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._client.post(url, **request)
        # Errors of the HTTP client may quote an address or a header with a token: only their type is repeated.
        except (TimeoutError, httpx2.TimeoutException):
            raise self._unreachable(f"{self._timeout:g} 秒内无响应 / no answer within {self._timeout:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._unreachable(f"连接失败 / connection failed ({type(error).__name__})") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _unreachable(self, what: str) -> PlatformUnreachable:
        return PlatformUnreachable(f"{self.platform}: 平台无响应 / the platform cannot be reached: {what}")


def _ahead(date: str | None) -> timedelta | None:
    """Return by how much this machine's clock is ahead of a Date header, None if it cannot be read."""
    try:
        told = parsedate_to_datetime(date or "")
        return datetime.now(UTC).replace(microsecond=0) - told
    except (ValueError, TypeError):  # TypeError: the header is in no time zone
        return None


def _without_query(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx2.URL) else arg for arg in record.args)
    return True


# The HTTP client logs every address, and ours have access tokens in the query.
logging.getLogger("httpx2").addFilter(_without_query)
