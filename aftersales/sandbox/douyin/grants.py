"""Access tokens that the sandbox has issued, by application and shop."""

import secrets
from collections.abc import Iterable
from typing import Final

from cases.models import Id, Strict

ACCESS_LIFE: Final = 7 * 86400
REFRESH_LIFE: Final = 14 * 86400
SAME_WHILE_OVER: Final = 3600
"""T: as long as a token lives more than that many seconds, asking for one gives the same."""


class Grant(Strict):
    """One pair of tokens and until when (seconds since 1970) they hold."""

    app_key: Id
    shop_id: Id
    access_token: str
    refresh_token: str
    access_until: int
    refresh_until: int


class Grants:
    """Every token that may still be shown, the current one of a shop last."""

    def __init__(self, known: Iterable[Grant] = ()) -> None:
        """Go on with what was issued before."""
        self._grants = list(known)

    def rows(self) -> tuple[Grant, ...]:
        """Give all."""
        return tuple(self._grants)

    def issue(self, app_key: str, shop_id: str, now: int) -> Grant:
        """Give the shop's token: the same while it lives long enough, else a new one beside it."""
        found = self._current(app_key, shop_id)
        if found and found.access_until - now > SAME_WHILE_OVER:
            return found
        fresh = Grant(
            app_key=app_key,
            shop_id=shop_id,
            access_token=secrets.token_hex(16),
            refresh_token=secrets.token_hex(16),
            access_until=now + ACCESS_LIFE,
            refresh_until=now + REFRESH_LIFE,
        )
        self._grants = [each for each in self._grants if each.access_until > now or each.refresh_until > now]
        self._grants.append(fresh)
        return fresh

    def by_access(self, token: str) -> Grant | None:
        """Find what an access token was issued for."""
        return next((each for each in self._grants if each.access_token == token), None)

    def by_refresh(self, token: str) -> Grant | None:
        """Find what a refresh token was issued for."""
        return next((each for each in self._grants if each.refresh_token == token), None)

    def expire(self, shop_id: str | None, now: int, *, refresh: bool = False) -> int:
        """Let access tokens (of one shop or all) be over now, refresh tokens too where asked; gives how many."""
        struck = [shop_id in (None, each.shop_id) and each.access_until > now for each in self._grants]
        over = {"access_until": now, **({"refresh_until": now} if refresh else {})}
        self._grants = [
            each.model_copy(update=over) if shop_id in (None, each.shop_id) else each for each in self._grants
        ]
        return sum(struck)

    def _current(self, app_key: str, shop_id: str) -> Grant | None:
        own = (each for each in reversed(self._grants) if (each.app_key, each.shop_id) == (app_key, shop_id))
        return next(own, None)
