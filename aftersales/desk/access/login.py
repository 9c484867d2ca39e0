"""Who asks: every way to log in answers one question, whose request it is."""

from abc import ABC, abstractmethod
from typing import Final

from starlette.requests import HTTPConnection

from aftersales.desk.access.sessions import Session
from aftersales.desk.access.users import Role, User
from cases.errors import Refused

LOGIN_PAGE: Final = "/login"


class LoginRefused(Refused):
    """A login that is not let in; the text is for whoever tried, ``status`` that of the answer."""

    def __init__(self, text: str, status: int = 401, wait: int | None = None) -> None:
        """Say why, and for how many seconds every further attempt is refused."""
        super().__init__(text)
        self.status, self.wait = status, wait


class Login(ABC):
    """A way to log in."""

    @abstractmethod
    def user_of(self, connection: HTTPConnection) -> User | None:
        """Return the user who asks; None if nobody is logged in who may use the desk."""

    @property
    def address(self) -> str | None:
        """The page that whoever is not logged in is sent to; None: he is refused."""
        return None


class OneUser(Login):
    """The desk of one machine, used by whoever uses the machine; it must listen on the loopback address alone."""

    def __init__(self, name: str) -> None:
        """Take the name under which decisions are recorded."""
        self._user = User(name=name, role=Role.SUPERVISE)

    def user_of(self, connection: HTTPConnection) -> User | None:
        """Return the only user."""
        del connection
        return self._user


class SessionLogin(Login):
    """A way to log in whose result is a session; the rights are looked up at every request."""

    def user_of(self, connection: HTTPConnection) -> User | None:
        """Return the user of the session, with the rights that he has now."""
        session: Session = connection.state.session
        return None if session.who is None else self.user_in(session)

    @abstractmethod
    def user_in(self, session: Session) -> User | None:
        """Return the user who is logged in; None if he may not use the desk any more."""

    @property
    def address(self) -> str | None:
        """The page of logging in."""
        return LOGIN_PAGE
