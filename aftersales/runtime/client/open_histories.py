"""The histories of open cases: read from Temporal, kept in a folder, and read again from there."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError

from aftersales.runtime.client.case_search import RUNNING, of_processes
from aftersales.runtime.client.known_cases import is_missing
from aftersales.runtime.data_folder import make_private_folder, write_private
from cases.errors import BadForm, CaseError
from workflows.engine.search_attributes import STATE
from workflows.replay.open_cases import OpenCase, ProcessState

_AHEAD: Final = 8
"""Histories that are being read while another is replayed."""


async def running_cases(client: Client) -> list[OpenCase]:
    """Return the cases of a namespace whose workflows run, those included that have ended but may be put right."""
    return [
        OpenCase(
            execution.id,
            ProcessState.of(execution.workflow_type, execution.typed_search_attributes.get(STATE)),
            execution.start_time,
        )
        async for execution in client.list_workflows(f"{of_processes()} AND {RUNNING}")
    ]


async def read_histories(
    client: Client, cases: Sequence[OpenCase]
) -> AsyncIterator[tuple[OpenCase, WorkflowHistory | None]]:
    """Yield the cases with the histories of their newest runs, None for one that Temporal has no longer."""
    reading: deque[tuple[OpenCase, asyncio.Task[WorkflowHistory | None]]] = deque()
    try:
        for case in cases:
            reading.append((case, asyncio.create_task(_history(client, case))))
            if len(reading) > _AHEAD:
                first, history = reading.popleft()
                yield first, await history
        while reading:
            first, history = reading.popleft()
            yield first, await history
    finally:
        for _, task in reading:
            task.cancel()
            with suppress(asyncio.CancelledError, RPCError):
                await task


async def _history(client: Client, case: OpenCase) -> WorkflowHistory | None:
    try:
        return await client.get_workflow_handle(case.case_id).fetch_history()
    except RPCError as failed:
        if is_missing(failed):
            return None
        raise


class HistoryFolder:
    """A folder of histories for its owner alone, one file a case; its files' names tell nothing of a buyer."""

    def __init__(self, path: Path) -> None:
        """Make the folder; raises CaseError."""
        self._path = path
        try:
            make_private_folder(path)
        except OSError as bad:
            raise CaseError(f"--save: {path} cannot be used: {bad}") from bad

    def keep(self, case: OpenCase, history: WorkflowHistory) -> Path:
        """Write a case's history in place of an earlier one, and return its file; raises CaseError."""
        named = hashlib.sha256(case.case_id.encode()).hexdigest()[:16]
        file = self._path / f"{case.where.process}-{named}.json"
        try:
            write_private(file, history.to_json().encode())
        except OSError as bad:
            raise CaseError(f"--save: {file} cannot be written: {bad}") from bad
        return file


def kept_in(folder: Path) -> list[Path]:
    """Return the files of a folder of histories; raises BadForm if it has none: a check of nothing would pass."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise BadForm(f"--from: {folder}: 没有历史文件 / no histories (*.json)")
    return files
