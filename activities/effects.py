"""The activities of a process, built from its table of effects: platform calls, console tasks (G-8), ledger steps."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from temporalio import activity

from activities.local_calls import LocalCalls
from cases.messages import ConsoleTask, EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery, Report
from cases.ports import CaseReports, Ledger, Platform

PLATFORM_CALL: Literal["platform call"] = "platform call"
"""Marks an effect that is performed by calling the platform."""

LedgerStep = Callable[[EffectCall, Ledger], EffectOutcome | Report]
"""An effect that looks something up in the shop's ledger, or stores it there; it is called in a thread.

If it answers with a report, the case itself is told: that is how a case learns what only the shop's ledger knows.
"""

How = ConsoleTask | Literal["platform call"] | LedgerStep


def process_activities(
    process: str,
    effects: Mapping[str, How],
    platform: Platform,
    ledger: Ledger,
    reports: CaseReports | None = None,
    *,
    local_calls: LocalCalls | None = None,
    console_done: bool = False,
) -> Iterator[Callable[..., Any]]:
    """Yield the activities of one process: one for every effect, and one that resolves clocks of the platform.

    ``reports``: the way by which a step of the ledger tells its case what it found.
    ``local_calls``: the limit of calls that are executed locally.  ``console_done``: console tasks count as done at
    once, for a simulation without operators.
    """
    calls = local_calls or LocalCalls()
    for name, how in effects.items():
        if isinstance(how, ConsoleTask):
            perform = _in_console(how, done=console_done)
        elif callable(how):
            perform = _in_ledger(how, ledger, reports, done=console_done)
        else:
            perform = _on_platform(platform, calls)
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


def _in_ledger(step: LedgerStep, ledger: Ledger, reports: CaseReports | None, *, done: bool) -> Callable[..., Any]:
    async def look_up(call: EffectCall) -> EffectOutcome:
        found = await asyncio.to_thread(step, call, ledger)
        if isinstance(found, EffectOutcome):
            return found.model_copy(update={"console_task": None}) if done else found
        if reports is None:
            raise RuntimeError(f"{call.effect}: no report can reach a case: Dependencies.reports is not set")
        await reports.report(call.case_id, found)
        return EffectOutcome()

    return look_up
