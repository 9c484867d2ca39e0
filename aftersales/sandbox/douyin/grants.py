"""Access tokens that the sandbox has issued, by application and shop."""

import secrets
from collections.abc import Iterable
from typing import Final

from cases.models import Id, Strict

_ACCESS_LIFE: Final = 7 * 86400
_REFRESH_LIFE: Final = 14 * 86400
_REISSUED_BELOW: Final = 3600
"""T: while a token is valid for longer than this many seconds, asking for one returns the same."""


class Grant(Strict):
    """A pair of tokens and the seconds since 1970 until which they are valid."""

    app_key: Id
    shop_id: Id
    access_token: str
    refresh_token: str
    access_until: int
    refresh_until: int


class Grants:
    """Tokens that are still valid, the current one of a shop last."""

    def __init__(self, issued: Iterable[Grant] = ()) -> None:
        """Continue with the tokens issued before."""
        self._grants = list(issued)

    def rows(self) -> tuple[Grant, ...]:
        """Return all grants."""
        return tuple(self._grants)

    def issue(self, app_key: str, shop_id: str, now: int) -> Grant:
        """Return the shop's token: the current one if it is valid for long enough, else a new one."""
        current = self._current(app_key, shop_id)
        if current and current.access_until - now > _REISSUED_BELOW:
            return current
        fresh = Grant(
            app_key=app_key,
            shop_id=shop_id,
            access_token=secrets.token_hex(16),
            refresh_token=secrets.token_hex(16),
            access_until=now + _ACCESS_LIFE,
            refresh_until=now + _REFRESH_LIFE,
        )
        self._grants = [grant for grant in self._grants if grant.access_until > now or grant.refresh_until > now]
        self._grants.append(fresh)
        return fresh

    def by_access(self, token: str) -> Grant | None:
        """Return the grant of an access token."""
        return next((grant for grant in self._grants if grant.access_token == token), None)

    def by_refresh(self, token: str) -> Grant | None:
        """Return the grant of a refresh token."""
        return next((grant for grant in self._grants if grant.refresh_token == token), None)

    def expire(self, shop_id: str | None, now: int, *, refresh: bool = False) -> int:
        """Expire the access tokens of a shop (or all), with the refresh tokens if asked; return how many were valid."""
        valid = [shop_id in (None, grant.shop_id) and grant.access_until > now for grant in self._grants]
        expired = {"access_until": now, **({"refresh_until": now} if refresh else {})}
        self._grants = [
            grant.model_copy(update=expired) if shop_id in (None, grant.shop_id) else grant for grant in self._grants
        ]
        return sum(valid)

    def _current(self, app_key: str, shop_id: str) -> Grant | None:
        own = (grant for grant in reversed(self._grants) if (grant.app_key, grant.shop_id) == (app_key, shop_id))
        return next(own, None)
