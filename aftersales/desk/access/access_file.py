"""The access file: who may log in on the desk, in which way, and what he may do there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import StringConstraints, model_validator

from aftersales.desk.access.users import Role, User
from aftersales.runtime.secret_files import Address, Secret, duplicate, read_secret_file, write_secret_file
from cases.errors import BadForm
from cases.models import Id, Money, Name, Strict

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")]


class LocalUser(User):
    """A user who logs in with a password, of which only the hash is known."""

    password_hash: Secret


class AccessGrant(Strict):
    """What a user may do, or everybody of a group; ``shops`` and ``limit`` as of User."""

    user: Name | None = None
    group: Name | None = None
    role: Role
    shops: tuple[Id, ...] | None = None
    limit: Money | None = None

    @model_validator(mode="after")
    def _is_for_somebody(self) -> Self:
        if (self.user is None) == (self.group is None):
            raise ValueError("须填 user 或 group 之一 / expected either user or group")
        return self

    def is_for(self, name: str, groups: Sequence[str]) -> bool:
        """Return whether it is for a user of this name, or with one of these groups."""
        return self.user == name if self.user is not None else self.group in groups


class ClaimNames(Strict):
    """The claims in which a provider states a user's name, groups, role, shops and limit; None: it states none.

    A claim inside another is named with a dot between them.
    """

    name: Name = "preferred_username"
    groups: Name = "groups"
    role: Name | None = None
    shops: Name | None = None
    limit: Name | None = None


class OidcProvider(Strict):
    """A provider of logins by OpenID Connect, and our registration with it."""

    issuer: Address
    client_id: Name
    client_secret: Secret
    scopes: tuple[Name, ...] = ("openid", "profile")
    claims: ClaimNames = ClaimNames()


class ProxyHeaders(Strict):
    """The headers in which a trusted proxy says who asks; groups are separated by commas."""

    user_header: HeaderName = "X-Forwarded-User"
    groups_header: HeaderName | None = None


class DeskAccess(Strict):
    """Who may log in: users with passwords, the users of a provider, or those that a proxy names."""

    users: tuple[LocalUser, ...] | None = None
    oidc: OidcProvider | None = None
    proxy: ProxyHeaders | None = None
    grants: tuple[AccessGrant, ...] = ()

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        ways = [name for name in ("users", "oidc", "proxy") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError("须有 users、oidc、proxy 之一 / expected exactly one of users, oidc, proxy")
        if self.users is not None and self.grants:
            raise ValueError("grants 只用于 oidc 和 proxy / grants belong to oidc and proxy only")
        if name := duplicate([user.name for user in self.users or ()]):
            raise ValueError(f"用户重复 / duplicate user: {name}")
        stated = self.oidc is not None and self.oidc.claims.role is not None
        if self.users is None and not self.grants and not stated:
            raise ValueError("grants 为空,无人可登录 / without grants nobody may log in")
        return self

    def granted(self, name: str, groups: Sequence[str]) -> User | None:
        """Return the user of this name with the rights of the first grant that is for him."""
        for grant in self.grants:
            if grant.is_for(name, groups):
                return User(name=name, role=grant.role, shops=grant.shops, limit=grant.limit)
        return None

    def known_groups(self, groups: Sequence[str]) -> tuple[str, ...]:
        """Return those of the groups that a grant names."""
        named = {grant.group for grant in self.grants}
        return tuple(group for group in groups if group in named)


class AccessFile:
    """The file, read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        """Read it; raises BadForm that names file and field, or if others than its owner may access it."""
        self._path = path
        self._stamp, self._access = self._state(), read_secret_file(DeskAccess, path)

    @property
    def access(self) -> DeskAccess:
        """What it says now; raises BadForm as long as it cannot be read."""
        if (state := self._state()) != self._stamp:
            self._access = read_secret_file(DeskAccess, self._path)
            self._stamp = state
        return self._access

    def _state(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None  # reading says why
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode


def add_user(path: Path, user: User, password_hash: str) -> None:
    """Write a user into the file, instead of an earlier one of that name; raises BadForm if it is of another kind."""
    access = read_secret_file(DeskAccess, path) if path.exists() else DeskAccess(users=())
    if access.users is None:
        raise BadForm(f"{path}: 不使用密码登录 / its users log in without passwords")
    added = LocalUser(**dict(user), password_hash=password_hash)  # type: ignore[arg-type]
    kept = [other for other in access.users if other.name != user.name]
    users = [_as_yaml(one) for one in [*kept, added]]
    write_secret_file(path, yaml.safe_dump({"users": users}, allow_unicode=True, sort_keys=False))


def _as_yaml(user: LocalUser) -> Mapping[str, Any]:
    fields = user.model_dump(mode="json", exclude_none=True)
    return fields | {"password_hash": user.password_hash.get_secret_value()}
