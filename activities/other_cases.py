"""The activities by which cases tell each other facts (G-15)."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

from temporalio import activity

from cases.ledger import OpenedCase, ToldFact
from cases.messages import ToldFacts, told_report
from cases.ports import CaseReports, Ledger

CASES_AT_ONCE: Final = 20
"""Cases that are signalled at the same time."""


def other_cases_activities(ledger: Ledger, reports: CaseReports) -> Iterator[Callable[..., Any]]:
    """Yield the activities that tell cases a fact, that withdraw one, and that return what a new case was told before.

    No fact is missed: who tells stores the fact before asking which cases there are, a new case is stored before
    it asks what was told.  One that learns of a fact both ways takes it once, by its key.
    """

    @activity.defn(name="tell_cases")
    async def tell_cases(fact: ToldFact) -> None:
        cases = await asyncio.to_thread(ledger.tell, fact)
        report = told_report(fact)
        for first in range(0, len(cases), CASES_AT_ONCE):
            some = cases[first : first + CASES_AT_ONCE]
            await asyncio.gather(*(reports.report(case_id, report) for case_id in some))
            activity.heartbeat()

    @activity.defn(name="told_before")
    async def told_before(case: OpenedCase) -> ToldFacts:
        await asyncio.to_thread(ledger.opened, [case])
        facts = await asyncio.to_thread(ledger.told, case)
        return ToldFacts(facts=tuple(fact for fact in facts if fact.told_by != case.case_id))

    @activity.defn(name="withdraw_fact")
    async def withdraw_fact(key: str) -> None:
        await asyncio.to_thread(ledger.untell, key)

    yield tell_cases
    yield withdraw_fact
    yield told_before
