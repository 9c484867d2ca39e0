"""The marketplaces that our credentials give access to, with the adapters of all processes."""

from collections.abc import Mapping
from typing import Any, Final, Self

from aftersales.platforms.adapter import Adapter, LookingAdapter, MessageAdapter
from aftersales.platforms.credentials import SecretBlocks
from aftersales.platforms.marketplace import adapter_class, installed_marketplaces
from aftersales.platforms.message_queue import QueueEndpoint
from aftersales.platforms.push import PushEndpoint
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport
from cases.messages import EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery
from workflows.registry import PROCESSES, REGISTERED

NO_INTERFACE: Final = Adapter()


class Marketplaces:
    """Every process's platform behind one port, over connections that are closed together."""

    def __init__(self, secrets: SecretBlocks, tokens: TokenStore) -> None:
        self._secrets, self._tokens = secrets, tokens
        self._transports: dict[str, Transport] = {}
        self._clients: dict[str, Any] = {}
        self._adapters = {
            process: kind(self._client(marketplace))
            for process, marketplace in _usable().items()
            if (kind := adapter_class(marketplace, process))
        }

    @property
    def endpoints(self) -> tuple[PushEndpoint, ...]:
        """The endpoints that marketplaces push their messages to."""
        return tuple(
            PushEndpoint(name, access, marketplace.push(access), self.message_adapters(name))
            for name, marketplace in installed_marketplaces().items()
            if marketplace.push and (access := self._secrets.of(name))
        )

    @property
    def queues(self) -> tuple[QueueEndpoint, ...]:
        """The queues in which marketplaces keep messages for our applications."""
        return tuple(
            QueueEndpoint(name, queue, self.message_adapters(name))
            for name, marketplace in installed_marketplaces().items()
            if marketplace.queues
            for queue in marketplace.queues(self._secrets.of(name), self._client(name))
        )

    def message_adapters(self, marketplace: str | None = None) -> Mapping[str, MessageAdapter]:
        """Return the adapters that take messages, by process: of one marketplace, or of all."""
        return {
            process: adapter
            for process, adapter in self._adapters.items()
            if isinstance(adapter, MessageAdapter) and marketplace in (None, REGISTERED[process])
        }

    def reconcilable_adapters(self, marketplace: str) -> Mapping[str, LookingAdapter]:
        """Return the adapters of a marketplace whose records are looked at by themselves, by process."""
        adapters = self.message_adapters(marketplace)
        return {name: adapter for name, adapter in adapters.items() if isinstance(adapter, LookingAdapter)}

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Perform an effect on the process's platform; raises what its adapter raises."""
        return await self._adapters.get(call.process, NO_INTERFACE).perform(call)

    async def resolve_expiry(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Ask the process's platform what its clock led to; raises what its adapter raises."""
        return await self._adapters.get(question.process, NO_INTERFACE).resolve_expiry(question)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    def _client(self, marketplace: str) -> Any:
        if marketplace not in self._clients:
            transport = self._transports[marketplace] = Transport(marketplace)
            make_client = installed_marketplaces()[marketplace].client
            self._clients[marketplace] = make_client(self._secrets.of(marketplace), transport, self._tokens)
        return self._clients[marketplace]


def reconcilable_marketplaces() -> list[str]:
    """Return the marketplaces with a process whose records are looked at by themselves."""
    kinds = ((marketplace, adapter_class(marketplace, process)) for process, marketplace in _usable().items())
    return list(dict.fromkeys(name for name, kind in kinds if kind and issubclass(kind, LookingAdapter)))


def _usable() -> Mapping[str, str]:
    """Return the registered processes without those that are at fault, whose adapters may not even be importable."""
    return {process: marketplace for process, marketplace in REGISTERED.items() if process in PROCESSES}
