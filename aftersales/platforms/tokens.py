"""Access tokens of shops, renewed by one task of one process at a time."""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from aftersales.runtime.data_folder import PRIVATE_FILE, make_private_folder, write_private
from cases.models import Strict

AHEAD = 300.0
"""Seconds before its end from which a token is renewed; of a short-lived one a tenth of its life."""


class Token(Strict):
    """An access token, the token that renews it, and until when (seconds since 1970) it is used."""

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    use_until: float

    @classmethod
    def lasting(cls, access_token: str, refresh_token: str | None, seconds: float, now: float) -> "Token":
        """Return a token that lasts, as the platform says, for ``seconds``."""
        return cls(
            access_token=SecretStr(access_token),
            refresh_token=SecretStr(refresh_token) if refresh_token else None,
            use_until=now + seconds - min(AHEAD, seconds / 10),
        )


Renew = Callable[[Token | None], Awaitable[Token]]
"""Obtains a new token; takes the one before."""


class TokenStore:
    """Tokens by platform and shop: in files that only their owner may read, or in memory without a folder.

    Stores of several processes may share a folder.
    """

    def __init__(self, folder: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._known: dict[str, Token] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._renewals: set[asyncio.Task[SecretStr]] = set()
        # Threads of its own: waiting for another process must not use up those that resolve host names.
        self._waiting = ThreadPoolExecutor(max_workers=8, thread_name_prefix="tokens")

    async def token(self, platform: str, shop_id: str, renew: Renew, *, refused: SecretStr | None = None) -> SecretStr:
        """Return a shop's access token, renewed if need be; ``refused`` is one that the platform has just refused.

        Concurrent callers wait for the same renewal.  Raises what ``renew`` raises.
        """
        name = f"{platform}-{shop_id}"
        if (token := self._known.get(name)) and self._serves(token, refused):
            return token.access_token
        # A caller that is cut short does not cut the renewal short: a refresh token whose answer is lost is lost too.
        renewal = asyncio.create_task(self._renewed(name, renew, refused))
        self._renewals.add(renewal)
        renewal.add_done_callback(self._renewals.discard)
        return await asyncio.shield(renewal)

    async def _renewed(self, name: str, renew: Renew, refused: SecretStr | None) -> SecretStr:
        async with self._turns.setdefault(name, asyncio.Lock()), self._only_process(name):
            token = self._read(name)
            if token is None or not self._serves(token, refused):
                token = await renew(token)
                self._known[name] = token  # even if it cannot be written: the refresh token may be valid only once
                self._write(name, token)
            self._known[name] = token
            return token.access_token

    def _serves(self, token: Token, refused: SecretStr | None) -> bool:
        return token.access_token != refused and self._clock() < token.use_until

    @asynccontextmanager
    async def _only_process(self, name: str) -> AsyncIterator[None]:
        if self._folder is None:
            yield
            return
        make_private_folder(self._folder)
        taken = self._waiting.submit(_take, self._folder / f"{name}.lock")
        try:
            held = await asyncio.wrap_future(taken)
        except asyncio.CancelledError:
            taken.add_done_callback(_give_back)  # the thread may get the lock although nobody waits for it any more
            raise
        try:
            yield
        finally:
            os.close(held)

    def _read(self, name: str) -> Token | None:
        if self._folder is None:
            return self._known.get(name)
        try:
            return Token.model_validate_json((self._folder / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return self._known.get(name)  # a missing or damaged file is replaced

    def _write(self, name: str, token: Token) -> None:
        if self._folder is None:
            return
        kept = {
            "access_token": token.access_token.get_secret_value(),
            "refresh_token": token.refresh_token.get_secret_value() if token.refresh_token else None,
            "use_until": token.use_until,
        }
        write_private(self._folder / f"{name}.json", json.dumps(kept).encode())


def _take(path: Path) -> int:
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
    except OSError:
        os.close(held)
        raise
    return held


def _give_back(taken: Future[int]) -> None:
    if not taken.cancelled() and taken.exception() is None:
        os.close(taken.result())
