"""The declaration in a marketplace's package, and the search for packages and adapters.

Each package under ``aftersales.platforms`` is a marketplace and has a module ``marketplace`` with a ``MARKETPLACE``.
A process with an interface there has a module of the process's name in that package, with one ``Adapter`` in it.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from aftersales import platforms
from aftersales.platforms.access import Access
from aftersales.platforms.adapter import Adapter
from aftersales.platforms.message_queue import MessageQueue
from aftersales.platforms.push import PushFormat
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport
from cases.errors import ProcessFault
from workflows.registry import REGISTERED, fault_of

AnAccess = TypeVar("AnAccess", bound=Access[Any])


@dataclass(frozen=True)
class Marketplace(Generic[AnAccess]):
    """A marketplace: its Chinese name, its block in the secrets file, its client, and how messages come, if they do.

    ``push``: it sends them to our address.  ``queues``: they wait in a queue for each application, made of access and
    client.  ``carriers``: the names and codes of carriers that its interface is known to take.  ``consoles``: the names
    of its back offices, as the pages of console tasks bear them, with the addresses at which one enters them.
    """

    label: str
    access: type[AnAccess]
    client: Callable[[AnAccess, Transport, TokenStore], Any]
    push: Callable[[AnAccess], PushFormat] | None = None
    queues: Callable[[AnAccess, Any], Sequence[MessageQueue]] | None = None
    carriers: tuple[str, ...] = ()
    consoles: Mapping[str, str] = field(default_factory=dict)


@cache
def installed_marketplaces() -> Mapping[str, Marketplace[Any]]:
    """Return every marketplace by the name of its package."""
    return {name: import_module(f"{platforms.__name__}.{name}.marketplace").MARKETPLACE for name in marketplace_names()}


def carriers_of(process: str) -> tuple[str, ...]:
    """Return the names and codes of carriers that the marketplace of a process is known to take."""
    return installed_marketplaces()[REGISTERED[process]].carriers


def console_address(process: str, page: str) -> str | None:
    """Return the address of the back office that a page of a process is in; None for one that is in none, as a chat."""
    office, *_ = page.split(" > ")
    consoles = installed_marketplaces()[REGISTERED[process]].consoles
    return next((address for name, address in consoles.items() if name in office), None)


def marketplace_names() -> list[str]:
    """Return the names of all marketplaces, without importing them."""
    return [module.name for module in pkgutil.iter_modules(platforms.__path__) if module.ispkg]


def adapter_class(marketplace: str, process: str) -> type[Adapter] | None:
    """Return the adapter of a process; None if it has no interface on its marketplace.  Raises ProcessFault."""
    name = f"{platforms.__name__}.{marketplace}.{process}"
    if find_spec(name) is None:
        return None
    try:
        members = vars(import_module(name)).values()
    except (Exception, SystemExit) as bad:  # whatever is wrong with one process must not stop the others
        raise fault_of(process, bad) from bad
    classes = [
        member
        for member in members
        if isinstance(member, type) and issubclass(member, Adapter) and member.__module__ == name
    ]
    if len(classes) != 1:
        path = f"{name.replace('.', '/')}.py"
        raise ProcessFault(f"process {process}: {path}: expected one subclass of Adapter, found {len(classes)}")
    return classes[0]
