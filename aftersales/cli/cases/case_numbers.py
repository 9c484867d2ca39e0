"""A case by any of its numbers: its id, or its order's, after-sale's or own number alone."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client, WorkflowExecution

from aftersales.cli.cases.case_list import print_cases, row_of
from aftersales.runtime.client.case_search import OTHERS_SHOWN, newest_runs, numbered, of_processes
from cases.errors import BadForm
from workflows.registry import process_of

Sent = TypeVar("Sent")
_SHOWN = ("case_id", "state", "deadline", "waits_for")


def names_process(number: str) -> bool:
    """Return whether a number is a case's id, PROCESS/ID, of a process that exists; raises BadForm for another."""
    if "/" not in number:
        return False
    process_of(number.partition("/")[0])
    return True


async def case_of(client: Client, number: str) -> str:
    """Return the id of the case with a number; several are listed.  Raises BadForm if it is not one."""
    if names_process(number):
        return number
    query = f"{of_processes()} AND {numbered([number])}"
    listed = [case async for case in client.list_workflows(query, limit=OTHERS_SHOWN)]
    found = sorted(await newest_runs(client, listed), key=lambda case: case.id)
    if len(found) != 1:
        raise _not_one(number, found)
    return found[0].id


async def case_and_what_is_sent(
    number: str, connected: Callable[[], Awaitable[Client]], sent: Callable[[str], Sent]
) -> tuple[Client, str, Sent]:
    """Return the client, the case with a number, and what is sent to that case.

    What is wrong with it is said before a server is asked, unless only the server knows the case of the number.
    """
    if names_process(number):
        message = sent(number)
        return await connected(), number, message
    client = await connected()
    case = await case_of(client, number)
    return client, case, sent(case)


def _not_one(number: str, found: list[WorkflowExecution]) -> BadForm:
    if not found:
        return BadForm(f"没有这个案件 / no such case: no order, after-sale or case has the number {number}")
    print_cases(f"{number}: {len(found)} 个案件 / cases", [row_of(case) for case in found], _SHOWN)
    raise BadForm(
        f"{number}: 有 {len(found)} 个案件,请用完整编号 / is the number of {len(found)} cases: give the whole id"
    )
