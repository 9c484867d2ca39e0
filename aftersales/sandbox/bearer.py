"""Who may control the sandbox."""

import secrets

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Bearer:
    """Lets in whoever shows the token in ``Authorization: Bearer``, others get 401."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        given = dict(scope["headers"]).get(b"authorization", b"")
        if secrets.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
            return
        refused = JSONResponse({"error": "须带控制令牌 / the control token is missing or wrong"}, 401)
        await refused(scope, receive, send)
