"""Counting the cases by process and shop, from what Temporal lists.

One process counts: that of the gateway which delivers messages, of which there is one at a time.  Workers would each
count the same.  A round asks one question at a time, and a bounded number of them: Temporal groups nothing by our
attributes, so that every process and shop is counted by itself.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from temporalio.client import Client

from aftersales.monitoring.figures import (
    CASES_COUNTED_AT,
    CASES_ENDED_EARLY,
    CASES_FOR_OPERATORS,
    CASES_OPEN,
    CASES_OVERDUE,
    OTHER_SHOPS,
)
from aftersales.runtime.client.case_search import ENDED_EARLY_STATUSES, OPEN, of_queue, one_of, quoted
from aftersales.runtime.client.nearest_cases import count_cases, deadlines_between
from workflows.engine import search_attributes as sa
from workflows.registry import REGISTERED

COUNT_EVERY: Final = 30.0
"""Seconds from the beginning of a round to that of the next; at once, if the round took longer."""
MOST_NAMED: Final = 100
"""Processes' shops that are counted by themselves, those with the most open cases first; others are summed."""
MOST_ENDED_READ: Final = 400
"""Cases that ended early which are read, to leave out those that somebody has revived."""
IDS_AT_ONCE: Final = 100

Pair = tuple[str, str]
"""A process and a shop."""
KnownPairs = Callable[[], Awaitable[Mapping[Pair, int]]]
"""Says which pairs have open cases, as far as the ledger knows, and how many."""


class CaseCounter:
    """Counts the cases of one task queue."""

    def __init__(self, client: Callable[[], Awaitable[Client]], task_queue: str, pairs: KnownPairs) -> None:
        """Count by this client; ``pairs`` may fail, and then those that were known before are counted."""
        self._client, self._task_queue, self._pairs = client, task_queue, pairs
        self._named: tuple[Pair, ...] = ()

    async def count(self) -> None:
        """Count once, and show the counts; raises RPCError or CaseError, and then shows those before with their age."""
        client, now = await self._client(), datetime.now(UTC)
        await self._look_for_pairs()
        overdue = f"{OPEN}{deadlines_between(None, now)}"
        waiting = f"{OPEN} AND {sa.NEEDS_OPERATOR.name} = true"
        counts = {
            CASES_OPEN: await self._by_pair(client, OPEN),
            CASES_OVERDUE: await self._by_pair(client, overdue),
            CASES_FOR_OPERATORS: await self._by_pair(client, waiting),
            CASES_ENDED_EARLY: await self._ended_early(client),
        }
        for gauge, by_pair in counts.items():
            gauge.show(dict.fromkeys(self._named, 0.0) | by_pair)
        CASES_COUNTED_AT.show_one(now.timestamp())

    async def _look_for_pairs(self) -> None:
        try:
            known = await self._pairs()
        except Exception:  # noqa: BLE001 - the ledger is watched by itself; without it the shops known before are counted
            return
        registered = [pair for pair in known if pair[0] in REGISTERED]
        self._named = tuple(sorted(registered, key=lambda pair: (-known[pair], pair))[:MOST_NAMED])

    async def _by_pair(self, client: Client, condition: str) -> dict[Pair, int]:
        """Return the numbers of the named pairs, and of each process's other shops, as far as they are not zero."""
        if not await count_cases(client, self._query(tuple(REGISTERED), condition)):
            return {}
        found: Counter[Pair] = Counter()
        for process in REGISTERED:
            query = self._query((process,), condition)
            left = await count_cases(client, query)
            for pair in self._named:
                if left > 0 and pair[0] == process:
                    number = await count_cases(client, f"{query} AND {sa.SHOP.name} = {quoted(pair[1])}")
                    found[pair], left = number, left - number
            found[process, OTHER_SHOPS] += max(0, left)
        return {pair: number for pair, number in found.items() if number}

    async def _ended_early(self, client: Client) -> dict[Pair, int]:
        """Return how many ended early; a case that was revived has a run that runs, or has ended as it should.

        Beyond those that are read the revived ones are counted too, under no shop.
        """
        query = self._query(tuple(REGISTERED), ENDED_EARLY_STATUSES)
        number = await count_cases(client, query)
        if not number:
            return {}
        listed = {run.id: run async for run in client.list_workflows(query, limit=MOST_ENDED_READ)}
        revived = await self._revived(client, sorted(listed))
        found: Counter[Pair] = Counter()
        for case_id, run in listed.items():
            if case_id not in revived:
                pair = run.workflow_type, run.typed_search_attributes.get(sa.SHOP) or ""
                found[pair if pair in self._named else (run.workflow_type, OTHER_SHOPS)] += 1
        if number > MOST_ENDED_READ:
            found["", OTHER_SHOPS] += number - MOST_ENDED_READ
        return dict(found)

    async def _revived(self, client: Client, case_ids: Sequence[str]) -> set[str]:
        revived: set[str] = set()
        for first in range(0, len(case_ids), IDS_AT_ONCE):
            ids = one_of("WorkflowId", case_ids[first : first + IDS_AT_ONCE])
            query = f"{ids} AND ExecutionStatus IN ('Running', 'Completed')"
            revived |= {run.id async for run in client.list_workflows(query)}
        return revived

    def _query(self, processes: tuple[str, ...], condition: str) -> str:
        return f"{of_queue(self._task_queue, processes)} AND {condition}"


MOST_QUESTIONS: Final = 3 * (1 + len(REGISTERED) + MOST_NAMED) + 2 + MOST_ENDED_READ // IDS_AT_ONCE
"""The most questions of one round (a page of a list is more than one)."""
