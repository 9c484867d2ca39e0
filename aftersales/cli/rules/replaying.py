"""The replay of single histories, of a folder of them, and of all open cases, with what is printed of it."""

import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

from aftersales.cli.cases.case_numbers import case_of, names_process
from aftersales.cli.output import complain, print_table, say
from aftersales.runtime.client.open_histories import HistoryFolder, kept_in, read_histories, running_cases
from aftersales.runtime.encryption.payload_encryption import configured_converter
from aftersales.runtime.temporal.connection import connect
from cases.errors import Refused
from workflows.replay.open_cases import ProcessState, sample, where_of
from workflows.replay.replayer import HistoryChanged, recorded, replay

_COLUMNS = ("流程", "状态", "案件", "重放", "有变")
_PARTS = 10
"""How often progress is told."""


async def replay_each(files: list[Path], case: str | None) -> int:
    """Replay single histories, and say of each all that has changed; return how many have."""
    histories, converter = [(str(path), recorded(path)) for path in files], configured_converter()
    if case is not None:
        names_process(case)
        client = await connect()
        case_id = await case_of(client, case)
        histories.append((case_id, await client.get_workflow_handle(case_id).fetch_history()))
    changed = 0
    for name, history in histories:
        try:
            await replay(history, converter)
            say(f"{name}: ok, {len(history.events)} events")
        except Refused as difference:
            changed += 1
            complain(f"{name}: {difference}")
    return changed


async def replay_folder(folder: Path) -> int:
    """Replay the histories of a folder; return how many have changed."""
    files = kept_in(folder)

    async def histories() -> AsyncIterator[tuple[str, ProcessState, WorkflowHistory | None]]:
        for file in files:
            history = recorded(file)
            yield str(file), where_of(history), history

    return await _Bulk(len(files), configured_converter()).replay(histories())


async def replay_open(at_most: int | None, save: Path | None) -> int:
    """Replay open cases, and keep their histories in a folder if one is named; return how many have changed."""
    client, kept = await connect(), None if save is None else HistoryFolder(save)
    cases = await running_cases(client)
    chosen = sample(cases, at_most)

    async def histories() -> AsyncIterator[tuple[str, ProcessState, WorkflowHistory | None]]:
        async for case, history in read_histories(client, chosen):
            if kept is not None and history is not None:
                kept.keep(case, history)
            yield case.case_id, case.where, history

    bulk = _Bulk(len(chosen), client.data_converter, Counter(case.where for case in cases))
    return await bulk.replay(histories())


class _Bulk:
    """The replay of many histories: progress, of each changed one the first difference, and the summary.

    Of a difference it prints only the place, because the rest may be a buyer's; a replay of that one case prints all.
    """

    def __init__(self, number: int, converter: DataConverter, known: Counter[ProcessState] | None = None) -> None:
        self._number, self._converter, self._known = number, converter, known
        self._replayed, self._changed, self._gone = Counter[ProcessState](), Counter[ProcessState](), 0

    async def replay(self, histories: AsyncIterator[tuple[str, ProcessState, WorkflowHistory | None]]) -> int:
        """Replay them, and return how many would go otherwise now."""
        done = 0
        async for name, where, history in histories:
            if history is None:
                self._gone += 1
            else:
                await self._replay(name, where, history)
            done += 1
            if done * _PARTS // self._number > (done - 1) * _PARTS // self._number:
                _progress(f"{done} / {self._number}")
        self._summarize()
        return self._changed.total()

    async def _replay(self, name: str, where: ProcessState, history: WorkflowHistory) -> None:
        self._replayed[where] += 1
        try:
            await replay(history, self._converter)
        except HistoryChanged as changed:
            self._changed[where] += 1
            complain(f"{name}: {changed.places[0]}")

    def _summarize(self) -> None:
        known = self._known or self._replayed
        rows = [
            (where.process, where.state, known[where], self._replayed[where], self._changed[where])
            for where in sorted(known | self._replayed)
        ]
        print_table("重放 / replay", _COLUMNS, rows)
        if self._gone:
            say(f"已被 Temporal 删除 / deleted by Temporal meanwhile: {self._gone}")
        if total := self._changed.total():
            complain(
                f"{total} 个历史有变 / would go otherwise with this code; "
                "`aftersales replay FILE` or `--case CASE` prints what was recorded and what is now"
            )


def _progress(text: str) -> None:
    print(f"replay: {text}", file=sys.stderr, flush=True)  # noqa: T201
