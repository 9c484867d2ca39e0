"""The activities of a process, built from its table of effects: calls of the platform, or console tasks (G-8)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from temporalio import activity

from cases.messages import ConsoleTask, EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery
from cases.ports import Platform

PLATFORM_CALL: Literal["platform call"] = "platform call"
"""Marks an effect that is performed by calling the platform."""

How = ConsoleTask | Literal["platform call"]


def process_activities(process: str, effects: Mapping[str, How], platform: Platform) -> Iterator[Callable[..., Any]]:
    """Yield the activities of one process: one for every effect, and one that resolves clocks of the platform."""
    for name, how in effects.items():
        perform = _on_platform(platform) if how == PLATFORM_CALL else _in_console(how)
        yield activity.defn(name=f"{process}.{name}")(perform)

    async def settle(question: ExpiryQuery) -> ExpiryOutcome:
        return await platform.settle(question)

    yield activity.defn(name=f"{process}.resolve_expiry")(settle)


def _on_platform(platform: Platform) -> Callable[..., Any]:
    async def perform(call: EffectCall) -> EffectOutcome:
        return await platform.perform(call)

    return perform


def _in_console(task: ConsoleTask) -> Callable[..., Any]:
    async def hand_over(call: EffectCall) -> EffectOutcome:
        del call
        return EffectOutcome(console_task=task)

    return hand_over
