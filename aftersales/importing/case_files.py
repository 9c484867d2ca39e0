"""Case files: the facts of a case to open, and the figures that its shop has set."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aftersales.files.documents import BadFile, Document, read_document
from aftersales.files.offsets import shift_instants, shifter
from aftersales.importing.ids import check_texts
from aftersales.runtime.settings import Settings
from cases.errors import BadForm
from cases.messages import Opening
from cases.models import Strict, read
from workflows.engine.process import Process
from workflows.registry import process_of

SHOP_NAME: Final = "name"
LONGEST_SHOP_NAME: Final = 64


class CaseFile(Strict):
    """The fields of a case file; an instant may be an offset from now, such as -3d."""

    process: str
    opening: dict[str, Any]
    policy: dict[str, Any] = {}


def read_case(path: Path, shops: dict[str, Any], now: datetime) -> tuple[Process, Opening]:
    """Read a case file; raise BadFile that names line, field and what was expected."""
    document = read_document(path)
    file = document.read(CaseFile, "case")
    try:
        process = process_of(file.process)
        facts = shift_instants(process.case.facts_type(), file.opening, shifter(now), ("opening",))
        read_facts = read(process.case.facts_type(), facts, "opening")
        check_texts(read_facts, ("opening",))
        opening = Opening(facts=facts, policy=figures_of(shops, read_facts.shop, process, file.policy))
        process.open_case(opening)
    except BadForm as bad:
        raise document.fault(bad) from bad
    return process, opening


def read_cases(files: Iterable[Path], settings: Settings) -> list[tuple[Process, Opening]]:
    """Read case files with the figures of their shops; raise BadFile for the first unusable one."""
    shops, now = read_shops(settings.shops_file), datetime.now(UTC)
    return [read_case(path, shops, now) for path in files]


def read_shops(path: Path | None) -> dict[str, Any]:
    """Read the figures of shops, by shop id, process and figure; raise BadFile for an unknown or invalid one.

    Beside its processes a shop may have its ``name``.
    """
    if path is None:
        return {}
    document = read_document(path)
    for shop, processes in document.data.items():
        for name, figures in _mapping(document, processes, shop).items():
            if name == SHOP_NAME:
                _refuse_unfit_name(document, figures, shop)
                continue
            try:
                process_of(name).case.policy_type().resolve(_mapping(document, figures, shop, name))
            except BadFile:
                raise
            except BadForm as bad:
                bad.place = bad.place[1:]
                raise document.fault(bad, shop, name) from bad
    return document.data


def shop_names(shops: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of shops by their ids, as far as their file has them."""
    return {shop: known[SHOP_NAME] for shop, known in shops.items() if SHOP_NAME in known}


def _refuse_unfit_name(document: Document, name: Any, shop: str) -> None:
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_SHOP_NAME or not name.isprintable():
        where = f"{shop}.{SHOP_NAME}"
        raise document.fault(
            BadForm(f"{where}: expected a name of 1 to {LONGEST_SHOP_NAME} characters"), shop, SHOP_NAME
        )


def _mapping(document: Document, value: Any, *place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise document.fault(BadForm(f"{'.'.join(place)}: expected a mapping", place))
    return value


def figures_of(shops: dict[str, Any], shop: str, process: Process, own: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a shop, overridden by those of the file that its case comes from."""
    return {**shops.get(shop, {}).get(process.name, {}), **own}
