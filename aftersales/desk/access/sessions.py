"""Sessions: what a browser keeps in a signed cookie of who logged in with it, and until when that counts."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from itsdangerous import BadData, URLSafeSerializer
from pydantic import Field, ValidationError

from aftersales.desk.access.users import Role
from cases.models import Id, Instant, Money, Strict

RENEWED_AFTER: Final = timedelta(minutes=1)
"""How old the stamp of the last use may become before the cookie is written again."""
LARGEST_COOKIE: Final = 3800
"""The longest value that every browser keeps."""
PENDING_LIFETIME: Final = timedelta(minutes=10)
"""How long one may take to log in at a provider."""


class Identity(Strict):
    """Who logged in: a name, and what the way of logging in needs to know his rights at every request.

    ``mark`` changes when a password does.  Role, shops and limit are known only where a provider states them.
    """

    name: str
    groups: tuple[str, ...] = ()
    mark: str = ""
    role: Role | None = None
    shops: tuple[Id, ...] | None = None
    limit: Money | None = None


class PendingLogin(Strict):
    """A login that goes on at a provider: the secrets by which its answer is recognised, and the page wanted."""

    state: str
    nonce: str
    verifier: str
    target: str
    at: Instant


class Session(Strict):
    """A browser, by an id of its own, and who is logged in with it, since when, and when he last asked for a page."""

    id: str = Field(default_factory=lambda: secrets.token_urlsafe(18))
    who: Identity | None = None
    began: Instant | None = None
    seen: Instant | None = None
    pending: PendingLogin | None = None


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lasts without use, and at most."""

    idle: timedelta = timedelta(hours=2)
    longest: timedelta = timedelta(hours=12)


class Sessions:
    """Signs sessions and reads them back; what is not signed by us, ended or too old is no session."""

    def __init__(
        self,
        secret: str,
        lifetimes: Lifetimes | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Sign with a secret that only the desk knows."""
        self._key = secret.encode()
        self._signer = URLSafeSerializer(secret, salt="desk", signer_kwargs={"digest_method": hashlib.sha256})
        self._lifetimes, self._now = lifetimes or Lifetimes(), now
        self._ended: dict[str, datetime] = {}

    def written(self, session: Session) -> str:
        """Return a session as the value of its cookie."""
        return str(self._signer.dumps(session.model_dump(mode="json", exclude_defaults=True)))

    def fits(self, session: Session) -> bool:
        """Return whether browsers keep the cookie of a session."""
        return len(self.written(session)) <= LARGEST_COOKIE

    def read(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, None if it counts no more."""
        if not cookie:
            return None
        try:
            session = Session.model_validate_json(json.dumps(self._signer.loads(cookie)))
        except (BadData, ValidationError):
            return None
        return session if self._lasts(session) else None

    def begun(self, who: Identity) -> Session:
        """Return the session of somebody who has just logged in; its id is a new one."""
        return Session(who=who, began=self._now(), seen=self._now())

    def used(self, session: Session) -> Session:
        """Return the session after a page has been asked for."""
        stale = session.seen is not None and self._now() - session.seen >= RENEWED_AFTER
        return session.model_copy(update={"seen": self._now()}) if stale else session

    def end(self, session: Session) -> None:
        """Let nobody use a session again, not even with a copy of its cookie."""
        now = self._now()
        self._ended = {name: until for name, until in self._ended.items() if until > now}
        self._ended[session.id] = now + self._lifetimes.longest

    def csrf_token(self, session: Session) -> str:
        """Return the token that the forms of a session's pages carry."""
        return hmac.new(self._key, f"csrf {session.id}".encode(), hashlib.sha256).hexdigest()

    def pends(self, pending: PendingLogin) -> bool:
        """Return whether the answer of a provider is still awaited."""
        return self._now() - pending.at < PENDING_LIFETIME

    def awaiting(self, session: Session, pending: PendingLogin) -> Session:
        """Return the session while its user logs in at a provider."""
        return session.model_copy(update={"pending": pending.model_copy(update={"at": self._now()})})

    def _lasts(self, session: Session) -> bool:
        if session.id in self._ended:
            return False
        if session.who is None:
            return True
        now = self._now()
        return (
            session.began is not None
            and session.seen is not None
            and now - session.began < self._lifetimes.longest
            and now - session.seen < self._lifetimes.idle
        )
