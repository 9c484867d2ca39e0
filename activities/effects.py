"""The activities of a process, built from its table of effects: calls of the platform, or console tasks (G-8)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from temporalio import activity

from activities.local_calls import LocalCalls
from cases.messages import ConsoleTask, EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery
from cases.ports import Platform

PLATFORM_CALL: Literal["platform call"] = "platform call"
"""Marks an effect that is performed by calling the platform."""

How = ConsoleTask | Literal["platform call"]


def process_activities(
    process: str,
    effects: Mapping[str, How],
    platform: Platform,
    *,
    local_calls: LocalCalls | None = None,
    console_done: bool = False,
) -> Iterator[Callable[..., Any]]:
    """Yield the activities of one process: one for every effect, and one that resolves clocks of the platform.

    ``local_calls``: the limit of calls that are executed locally.  ``console_done``: console tasks count as done at
    once, for a simulation without operators.
    """
    calls = local_calls or LocalCalls()
    for name, how in effects.items():
        perform = _on_platform(platform, calls) if how == PLATFORM_CALL else _in_console(how, done=console_done)
        yield activity.defn(name=f"{process}.{name}")(perform)

    async def resolve_expiry(question: ExpiryQuery) -> ExpiryOutcome:
        return await calls.call(question.shop_id, lambda: platform.resolve_expiry(question))

    yield activity.defn(name=f"{process}.resolve_expiry")(resolve_expiry)


def _on_platform(platform: Platform, calls: LocalCalls) -> Callable[..., Any]:
    async def perform(call: EffectCall) -> EffectOutcome:
        return await calls.call(call.shop_id, lambda: platform.perform(call))

    return perform


def _in_console(task: ConsoleTask, *, done: bool) -> Callable[..., Any]:
    async def hand_over(call: EffectCall) -> EffectOutcome:
        del call
        return EffectOutcome() if done else EffectOutcome(console_task=task)

    return hand_over
