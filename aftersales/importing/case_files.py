"""Case files: the facts of a case to open, and the figures its shop has set."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from aftersales.cli.known_ledger import known_ledger
from aftersales.files.documents import BadFile, Document, read_document
from aftersales.files.offsets import shift_instants, shifter
from aftersales.runtime.settings import Settings
from cases.errors import BadForm
from cases.messages import Opening
from cases.models import Strict, read
from workflows.client import start_case
from workflows.engine.process import Process
from workflows.registry import process_of

AT_ONCE = 10
"""How many cases are being opened at the same time."""


class CaseFile(Strict):
    """The fields of a case file; an instant may be an offset from now, such as -3d."""

    process: str
    opening: dict[str, Any]
    policy: dict[str, Any] = {}


def read_case(path: Path, shops: dict[str, Any], now: datetime) -> tuple[Process, Opening]:
    """Read a case file; raises BadFile that names line, field and what was expected."""
    document = read_document(path)
    file = document.read(CaseFile, "case")
    try:
        process = process_of(file.process)
        facts = shift_instants(process.case.facts_type(), file.opening, shifter(now), ("opening",))
        shop = read(process.case.facts_type(), facts, "opening").shop
        opening = Opening(facts=facts, policy=figures_of(shops, shop, process, file.policy))
        process.open_case(opening)
    except BadForm as bad:
        raise document.fault(bad) from bad
    return process, opening


def figures_of(shops: dict[str, Any], shop: str, process: Process, own: dict[str, Any]) -> dict[str, Any]:
    """The figures that a shop has set, and before them those of the file that its case comes from."""
    return {**shops.get(shop, {}).get(process.name, {}), **own}


def read_shops(path: Path | None) -> dict[str, Any]:
    """Each shop's own figures: shop id, process, figure; raises BadFile where a figure is unknown or unfit."""
    if path is None:
        return {}
    document = read_document(path)
    for shop, processes in document.data.items():
        for name, figures in _mapping(document, processes, shop).items():
            try:
                process_of(name).case.policy_type().resolve(_mapping(document, figures, shop, name))
            except BadFile:
                raise
            except BadForm as bad:
                bad.place = bad.place[1:]
                raise document.fault(bad, shop, name) from bad
    return document.data


def _mapping(document: Document, value: Any, *place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise document.fault(BadForm(f"{'.'.join(place)}: expected a mapping", place))
    return value


def read_cases(files: Iterable[Path], settings: Settings) -> list[tuple[Process, Opening]]:
    """Read case files with the figures of their shops; raises BadFile for the first that cannot be used."""
    shops, now = read_shops(settings.shops_file), datetime.now(UTC)
    return [read_case(path, shops, now) for path in files]


def case_id(process: Process, opening: Opening) -> str:
    """The id of the case that an opening leads to."""
    return f"{process.name}/{process.open_case(opening).facts.own_id}"


def _ended(settings: Settings, cases: Sequence[str]) -> set[str]:
    """Which cases the ledger knows to have ended: Temporal forgets them, and would open them a second time (JD-1)."""
    with known_ledger(settings) as ledger:
        return ledger.ended(cases) if ledger else set()


async def open_cases(
    client: Client,
    settings: Settings,
    cases: Iterable[tuple[Process, Opening]],
    opened: Callable[[dict[str, Any]], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Open cases, several at once; one that was opened before stays as it is.  ``opened`` is told of each."""
    named = [(case_id(*each), *each) for each in cases]
    ended = await asyncio.to_thread(_ended, settings, [name for name, *_ in named]) if named else set()
    results: dict[int, dict[str, Any]] = {}
    waiting = iter(enumerate(named))

    async def one_by_one() -> None:
        for number, (name, process, opening) in waiting:
            new = name not in ended and await _opens(client, settings.task_queue, process, opening)
            results[number] = {"case_id": name, "opened": new}
            opened(results[number])

    tasks = [asyncio.create_task(one_by_one()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [results[number] for number in sorted(results)]


async def _opens(client: Client, task_queue: str, process: Process, opening: Opening) -> bool:
    try:
        await start_case(client, task_queue, process, opening)
    except WorkflowAlreadyStartedError:
        return False
    return True
