"""Who asks: every way to log in answers one question, whose request it is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from aftersales.desk.users import Role, User


class Login(ABC):
    """A way to log in."""

    @abstractmethod
    def user_of(self, connection: HTTPConnection) -> User | None:
        """Return the user who asks; None if nobody is logged in."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The pages of logging in and out."""
        return ()

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
