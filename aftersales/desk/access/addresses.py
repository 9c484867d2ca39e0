"""Addresses: the desk's own, that of whoever asks, and those that a login may lead to."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from aftersales.runtime.settings import Settings

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
Network = IPv4Network | IPv6Network


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, reached from nowhere else."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_name(host: str) -> str:
    """Return the name in a ``host`` header or an address, without its port; empty if it has none."""
    if "@" in host:
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


class DeskAddress:
    """The addresses under which a desk is asked: the public one if there is one, and those of its machine."""

    def __init__(self, settings: Settings) -> None:
        """Read them from the settings."""
        self._public = _origin(settings.desk_address) if settings.desk_address else None
        names = {settings.desk_host, *LOOPBACK_NAMES, host_name(urlsplit(self._public or "").netloc)}
        self._names = {name.lower() for name in names if name}

    @property
    def is_https(self) -> bool:
        """Whether browsers speak to the desk by https alone."""
        return self._public is not None and self._public.startswith("https:")

    def is_ours(self, host: str | None) -> bool:
        """Return whether a request with this ``host`` header is meant for us; other names lead here by a trick."""
        return bool(host) and host_name(host or "").lower() in self._names

    def origin(self, connection: HTTPConnection) -> str:
        """Return the origin of our pages: the public address, or else the one that was asked."""
        return self._public or f"http://{connection.headers.get('host', '').lower()}"


class Proxies:
    """The proxies in front of the desk, whose headers are believed."""

    def __init__(self, networks: str) -> None:
        """Read their addresses and networks."""
        self._networks: Sequence[Network] = [ip_network(part.strip()) for part in networks.split(",") if part.strip()]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Return whether an address is a proxy's."""
        try:
            asked = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(asked, "ipv4_mapped", None)
        return any((mapped or asked) in network for network in self._networks)

    def sent(self, connection: HTTPConnection) -> bool:
        """Return whether a request comes from a proxy."""
        return connection.client is not None and self.trusts(connection.client.host)

    def asker(self, connection: HTTPConnection) -> str:
        """Return the address of whoever asks: the last one on the way here that is not a proxy's."""
        way = [part.strip() for line in connection.headers.getlist("x-forwarded-for") for part in line.split(",")]
        address = connection.client.host if connection.client else ""
        while way and self.trusts(address):
            address = way.pop()
        return address


def _origin(address: str) -> str:
    """Return an address as browsers write it in ``origin``: small letters, without the usual port."""
    origin = address.rstrip("/").lower()
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")


def own_page(target: str | None) -> str:
    """Return the page of ours that an address names; for any other address, the first page."""
    if not target or not target.startswith("/") or not target.isprintable() or "\\" in target:
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    foreign = parts.scheme or parts.netloc or target.startswith("//")
    return "/" if foreign or parts.path.startswith(("/log", "/static/")) else target
