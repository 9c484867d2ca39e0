"""Case files: the facts of a case to open, and the figures its shop has set."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from cases.errors import BadForm
from cases.messages import Opening
from cases.models import Strict, read
from cli.files import BadFile, Document, read_document
from cli.offsets import shift_instants, shifter
from runtime.settings import Settings
from workflows.opening import start_case
from workflows.process import Process
from workflows.registry import process_of


class CaseFile(Strict):
    """The fields of a case file; an instant may be an offset from now, such as -3d."""

    process: str
    opening: dict[str, Any]
    policy: dict[str, Any] = {}


def read_case(path: Path, shops: dict[str, Any], now: datetime) -> tuple[Process, Opening]:
    """Read a case file; raises BadFile that names line, field and what was expected."""
    document = read_document(path)
    try:
        file = read(CaseFile, document.data, "case")
    except BadForm as bad:
        bad.place = bad.place[1:]
        raise document.fault(bad) from bad
    try:
        process = process_of(file.process)
        facts = shift_instants(process.case.facts_type(), file.opening, shifter(now), ("opening",))
        shop = read(process.case.facts_type(), facts, "opening").shop
        opening = Opening(facts=facts, policy={**shops.get(shop, {}).get(process.name, {}), **file.policy})
        process.open_case(opening)
    except BadForm as bad:
        raise document.fault(bad) from bad
    return process, opening


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


async def open_cases(
    client: Client, settings: Settings, cases: Iterable[tuple[Process, Opening]]
) -> list[dict[str, Any]]:
    """Open cases; one that was opened before stays as it is."""
    results = []
    for process, opening in cases:
        try:
            handle = await start_case(client, settings.task_queue, process, opening)
            results.append({"case_id": handle.id, "opened": True})
        except WorkflowAlreadyStartedError as known:
            results.append({"case_id": known.workflow_id, "opened": False})
    return results
