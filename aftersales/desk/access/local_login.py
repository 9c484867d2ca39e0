"""Logging in with the name and the password of a local user."""

import hashlib

from aftersales.desk.access.access_file import AccessFile, LocalUser
from aftersales.desk.access.login import LoginRefused, SessionLogin
from aftersales.desk.access.passwords import PasswordCheck
from aftersales.desk.access.sessions import Identity, Session
from aftersales.desk.access.throttle import Throttle
from aftersales.desk.access.users import User
from aftersales.runtime.client.operator_name import LONGEST_OPERATOR

WRONG = "用户名或密码不对 / wrong name or password"


class PasswordLogin(SessionLogin):
    """Lets in the users of the access file; whoever is deleted there, or gets another password, is out at once."""

    def __init__(self, file: AccessFile, throttle: Throttle | None = None) -> None:
        """Take the file."""
        self._file, self._throttle, self._check = file, throttle or Throttle(), PasswordCheck()

    def user_in(self, session: Session) -> User | None:
        """Return the user of the session, as the file has him now."""
        who = session.who
        user = self._named(who.name) if who else None
        if user is None or who is None or who.mark != _mark(user):
            return None
        return User(name=user.name, role=user.role, shops=user.shops, limit=user.limit)

    async def checked(self, name: str, password: str, address: str) -> Identity:
        """Return who logs in with a name and a password from an address; raises LoginRefused."""
        name = name.strip()
        if not name or len(name) > LONGEST_OPERATOR:
            raise LoginRefused(WRONG)
        if wait := self._throttle.wait_before(name, address):
            minutes = -(-wait // 60)
            raise LoginRefused(
                f"密码错误次数过多,请 {minutes} 分钟后再试 / too many wrong passwords: wait {minutes} min", 429, wait
            )
        user = self._named(name)
        if not await self._check.is_right(password, user.password_hash.get_secret_value() if user else None):
            raise LoginRefused(WRONG)
        assert user is not None  # noqa: S101 - no password is right for nobody
        self._throttle.was_right(name, address)
        return Identity(name=user.name, mark=_mark(user))

    def _named(self, name: str) -> LocalUser | None:
        return next((user for user in self._file.access.users or () if user.name == name), None)


def _mark(user: LocalUser) -> str:
    return hashlib.sha256(user.password_hash.get_secret_value().encode()).hexdigest()[:16]
