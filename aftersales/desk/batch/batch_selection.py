"""The cases of a batch: those that are ticked in the list, and those that pasted numbers stand for."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from temporalio.client import Client

from aftersales.desk.access.users import User
from aftersales.desk.batch.batch_table import MOST_IN_A_BATCH
from aftersales.desk.handling.case_reading import CaseReader, facts_of
from aftersales.runtime.client.case_search import OPEN, numbered, of_processes, one_of
from cases.errors import BadForm, CaseError
from workflows.engine import search_attributes as sa
from workflows.engine.view import CaseView

NUMBERS_PER_QUERY: Final = 20


@dataclass(frozen=True)
class BatchSelection:
    """The cases of a batch as they stand; ``missing`` says why a case or a number is left out, by its name."""

    cases: Sequence[CaseView]
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """The ids of the cases."""
        return [case.case_id for case in self.cases]


async def select_cases(
    client: Client, reader: CaseReader, user: User, case_ids: Iterable[str], numbers: Sequence[str]
) -> BatchSelection:
    """Return the cases that are named, and the open ones that numbers stand for, as far as the user sees them.

    Raises BadForm if they are too many.
    """
    found = await _find(client, user, numbers)
    wanted = list(dict.fromkeys([*case_ids, *found]))
    if len(wanted) > MOST_IN_A_BATCH:
        raise BadForm(f"选了 {len(wanted)} 件,一次最多 {MOST_IN_A_BATCH} 件 / too many cases")
    read = dict(zip(wanted, await asyncio.gather(*(_read(reader, user, case_id) for case_id in wanted)), strict=True))
    cases = [case for case in read.values() if isinstance(case, CaseView)]
    missing = {case_id: why for case_id, why in read.items() if isinstance(why, str)}
    named = {name for case in cases for name in numbers_of(case)}
    missing |= {number: "没有进行中的案件" for number in numbers if number not in named}
    return BatchSelection(cases, missing)


def numbers_of(case: CaseView) -> set[str]:
    """Return the numbers that stand for a case: its id, its own number, its orders."""
    facts = facts_of(case)
    orders = {action.order for action in case.actions} | {name.rpartition(".")[0] for name in case.state}
    return {name for name in (case.case_id, facts.own_id, facts.order, *orders) if name}


async def _read(reader: CaseReader, user: User, case_id: str) -> CaseView | str:
    try:
        return await reader.read(user, case_id) or "没有此案件"
    except CaseError:
        return "现在读不到,请稍后再试"


async def _find(client: Client, user: User, numbers: Sequence[str]) -> list[str]:
    found: list[str] = []
    for begin in range(0, len(numbers), NUMBERS_PER_QUERY):
        some = numbers[begin : begin + NUMBERS_PER_QUERY]
        query = f"{of_processes()} AND {OPEN} AND {numbered(some)}"
        if user.shops is not None:
            query += f" AND {one_of(sa.SHOP.name, user.shops)}"
        found += [execution.id async for execution in client.list_workflows(query)]
    return found
