"""Users whom a trusted proxy has logged in, and names in a header."""

from starlette.requests import HTTPConnection

from aftersales.desk.access.access_file import AccessFile
from aftersales.desk.access.addresses import Proxies
from aftersales.desk.access.login import Login
from aftersales.desk.access.users import User
from aftersales.runtime.client.operator_name import is_operator_name


class ProxyLogin(Login):
    """Believes the header of a proxy, and of nobody else."""

    def __init__(self, file: AccessFile, proxies: Proxies) -> None:
        """Take the file and the addresses of the proxies."""
        self._file, self._proxies = file, proxies

    def user_of(self, connection: HTTPConnection) -> User | None:
        """Return the user whom the proxy names, with the rights that the file grants him."""
        access = self._file.access
        if access.proxy is None or not self._proxies.sent(connection):
            return None
        name = _only(connection, access.proxy.user_header)
        groups = _only(connection, access.proxy.groups_header) if access.proxy.groups_header else ""
        if name is None or groups is None or not is_operator_name(name):
            return None
        return access.granted(name, [group.strip() for group in groups.split(",") if group.strip()])


def _only(connection: HTTPConnection, header: str) -> str | None:
    """Return the text of a header, empty if it is missing; None if it is there twice, one of them perhaps forged."""
    wanted = header.lower().encode()
    values = [value for name, value in connection.headers.raw if name.lower() == wanted]
    if len(values) > 1:
        return None
    try:
        return values[0].decode().strip() if values else ""
    except UnicodeDecodeError:
        return None
