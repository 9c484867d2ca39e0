"""The platforms of all processes, as far as our credentials let us in."""

from collections.abc import Mapping
from typing import Self

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.douyin_reship import DouyinReshipAdapter
from aftersales.platforms.jd.client import JdClient
from aftersales.platforms.jd.jd_delay_card import JdDelayCardAdapter
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http_client import Transport
from cases.errors import PlatformRefused
from cases.messages import EffectCall, ExpiryOutcome, ExpiryQuery
from cases.ports import Platform


class NoInterface:
    """A platform without a public interface for a process: its steps are console tasks, and it has no record (G-8)."""

    async def perform(self, call: EffectCall) -> None:
        """Refuse: nothing can be called."""
        raise PlatformRefused(f"平台没有此操作的接口 / the platform has no interface for: {call.effect}")

    async def settle(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Know nothing, so that the policy's own event counts (G-2)."""
        del question
        return ExpiryOutcome()


TOKENS = "tokens"
"""Where in the data folder access tokens lie, shared by all programs that call the platforms."""


class Marketplaces:
    """Every process's platform behind one port, over connections that are closed together."""

    def __init__(self, secrets: Secrets, tokens: TokenStore) -> None:
        """Sign with these credentials, keep tokens there.

        ``records``: by process, the platforms that tell of their own records.
        """
        self._transports = {name: Transport(name) for name in ("douyin", "jd")}
        self.douyin = DouyinClient(secrets.douyin, self._transports["douyin"], tokens)
        self.reships = DouyinReshipAdapter(self.douyin)
        self.records: Mapping[str, DouyinReshipAdapter] = {"douyin_reship": self.reships}
        self._platforms: Mapping[str, Platform] = {
            **self.records,
            "jd_delay_card": JdDelayCardAdapter(JdClient(secrets.jd, self._transports["jd"])),
        }

    async def perform(self, call: EffectCall) -> None:
        """Do on the process's platform what the effect says; raises what it raises."""
        await self._of(call.process).perform(call)

    async def settle(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Ask the process's platform what its clock led to; raises what it raises."""
        return await self._of(question.process).settle(question)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    def _of(self, process: str) -> Platform:
        return self._platforms.get(process, NoInterface())
