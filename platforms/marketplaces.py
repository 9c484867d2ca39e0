"""The platforms of all processes, as far as our credentials let us in."""

from collections.abc import Mapping
from typing import Self

from cases.errors import PlatformRefused
from cases.messages import EffectCall, Question, Settlement
from platforms.credentials import Secrets
from platforms.douyin import Douyin
from platforms.douyin_reship import DouyinReship
from platforms.jd import Jd
from platforms.jd_delay_card import JdDelayCard
from platforms.port import Platform
from platforms.tokens import TokenStore
from platforms.transport import Transport


class NoInterface:
    """A platform without a public interface for a process: its steps are console tasks, and it has no record (G-8)."""

    async def perform(self, call: EffectCall) -> None:
        """Refuse: nothing can be called."""
        raise PlatformRefused(f"平台没有此操作的接口 / the platform has no interface for: {call.effect}")

    async def settle(self, question: Question) -> Settlement:
        """Know nothing, so that the policy's own event counts (G-2)."""
        del question
        return Settlement()


TOKENS = "tokens"
"""Where in the data folder access tokens lie, shared by all programs that call the platforms."""


class Marketplaces:
    """Every process's platform behind one port, over connections that are closed together."""

    def __init__(self, secrets: Secrets, tokens: TokenStore) -> None:
        """Sign with these credentials, keep tokens there.

        ``records``: by process, the platforms that tell of their own records.
        """
        self._transports = {name: Transport(name) for name in ("douyin", "jd")}
        self.douyin = Douyin(secrets.douyin, self._transports["douyin"], tokens)
        self.reships = DouyinReship(self.douyin)
        self.records: Mapping[str, DouyinReship] = {"douyin_reship": self.reships}
        self._platforms: Mapping[str, Platform] = {
            **self.records,
            "jd_delay_card": JdDelayCard(Jd(secrets.jd, self._transports["jd"])),
        }

    async def perform(self, call: EffectCall) -> None:
        """Do on the process's platform what the effect says; raises what it raises."""
        await self._of(call.process).perform(call)

    async def settle(self, question: Question) -> Settlement:
        """Ask the process's platform what its clock led to; raises what it raises."""
        return await self._of(question.process).settle(question)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    def _of(self, process: str) -> Platform:
        return self._platforms.get(process, NoInterface())
