"""``/healthz`` and ``/readyz``: in one word for everybody, in parts for those who run the process."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aftersales.monitoring.readiness import Readiness

WELL: Final = "ok"
NOT_WELL: Final = "not ok"
AWAY: Final = "away"


def health_routes(readiness: Readiness) -> Iterator[Route]:
    """Yield ``/healthz`` and ``/readyz`` for a server that anybody may reach: they say yes or no, and nothing else."""

    async def ready(request: Request) -> Response:
        del request
        is_ready = readiness.is_ready(await readiness.parts(needed_alone=True))
        return PlainTextResponse(WELL) if is_ready else PlainTextResponse(NOT_WELL, 503)

    yield Route("/healthz", alive)
    yield Route("/readyz", ready)


async def alive(request: Request) -> Response:
    """Answer, which the process can as long as its event loop goes round."""
    del request
    return PlainTextResponse(WELL)


def detailed(readiness: Readiness) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of ``/readyz`` for those who run the process: it names the parts, never why one is away."""

    async def ready(request: Request) -> Response:
        del request
        parts = await readiness.parts()
        is_ready = readiness.is_ready(parts)
        shown: dict[str, Any] = {"ready": is_ready, **{part: WELL if works else AWAY for part, works in parts.items()}}
        return JSONResponse(shown if readiness.has_started else {**shown, "started": False}, 200 if is_ready else 503)

    return ready
