"""Logging in at a provider of OpenID Connect."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from aftersales.desk.access.access_file import AccessFile, ClaimNames, OidcProvider
from aftersales.desk.access.login import LoginRefused, SessionLogin
from aftersales.desk.access.openid import OpenIdClient, claim
from aftersales.desk.access.sessions import Identity, PendingLogin, Session
from aftersales.desk.access.users import Role, User
from aftersales.runtime.client.operator_name import is_operator_name
from cases.models import cents

WITHOUT_RIGHTS = "您没有使用工作台的权限,请联系管理员 / you may not use the desk: ask its administrator"


class OpenIdLogin(SessionLogin):
    """Lets in whom the provider has logged in, with the rights that it states or that the access file grants."""

    def __init__(self, file: AccessFile) -> None:
        """Take the file."""
        self._file = file

    def user_in(self, session: Session) -> User | None:
        """Return the user of the session, with the rights that he has now."""
        who = session.who
        if who is None or self._file.access.oidc is None:
            return None
        if self._file.access.oidc.claims.role is not None:
            return User(name=who.name, role=who.role, shops=who.shops, limit=who.limit) if who.role else None
        return self._file.access.granted(who.name, who.groups)

    async def begun(self, target: str, redirect_uri: str) -> tuple[str, PendingLogin]:
        """Return the address at the provider where the user logs in, and what recognises its answer."""
        return await OpenIdClient(self._provider).begun(target, redirect_uri, datetime.now(UTC))

    async def finished(self, answer: Mapping[str, str], pending: PendingLogin, redirect_uri: str) -> Identity:
        """Return who has logged in; raises LoginRefused."""
        provider = self._provider
        claims = await OpenIdClient(provider).claims(answer, pending, redirect_uri)
        who = identity_of(claims, provider.claims)
        who = who.model_copy(update={"groups": self._file.access.known_groups(who.groups)})
        if self.user_in(Session(who=who)) is None:
            raise LoginRefused(WITHOUT_RIGHTS, 403)
        return who

    @property
    def _provider(self) -> OidcProvider:
        provider = self._file.access.oidc
        if provider is None:
            raise LoginRefused("登录方式已更改,请重启工作台 / the way to log in has changed: restart the desk", 503)
        return provider


def identity_of(claims: Mapping[str, Any], names: ClaimNames) -> Identity:
    """Return who the claims are about; what they leave open gives no right.  Raises LoginRefused without a name."""
    name = claim(claims, names.name)
    name = name.strip() if isinstance(name, str) else ""
    if not is_operator_name(name):
        raise LoginRefused(
            f"登录服务没有给出可用的姓名 / the provider states no usable name in the claim {names.name!r}", 403
        )
    try:
        return Identity(
            name=name,
            groups=_texts(claim(claims, names.groups)),
            role=_role(claim(claims, names.role)) if names.role else None,
            shops=_texts(claim(claims, names.shops)) if names.shops else None,
            limit=_limit(claim(claims, names.limit)) if names.limit else None,
        )
    except ValidationError as bad:
        where = bad.errors(include_url=False, include_input=False, include_context=False)[0]["loc"][0]
        raise LoginRefused(f"登录服务给出的权限有误 / the provider states wrong rights: {where}", 403) from None


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(str(one) for one in values if isinstance(one, str | int) and one != "")


def _role(value: Any) -> Role | None:
    """Return the highest of the roles that are stated."""
    stated = _texts(value)
    return next((role for role in reversed(Role) if role.value in stated or role.label in stated), None)


def _limit(value: Any) -> Decimal:
    """Return the amount that is stated; without one that can be read, nothing may be decided that costs anything."""
    try:
        limit = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return cents(limit) if limit.is_finite() and limit >= 0 else Decimal(0)
