"""The mapping of an export: which column, or which constant, each field of a case is."""

from dataclasses import dataclass
from pathlib import Path

from aftersales.files.documents import Document, read_document
from aftersales.importing.mapping_checks import check, item_of
from aftersales.importing.mapping_file import MappingFile, Part
from cases.errors import BadForm
from workflows.engine.process import Process
from workflows.registry import process_of


@dataclass(frozen=True)
class ExportMapping:
    """A mapping that fits its process; ``items``: the list that has one row an item, and its columns."""

    document: Document
    process: Process
    facts: Part
    items: tuple[str, Part] | None
    file: MappingFile

    @property
    def parts(self) -> tuple[Part, ...]:
        """The facts, and the items where there are any."""
        return (self.facts, self.items[1]) if self.items else (self.facts,)

    def called(self, *place: str | int) -> str:
        """A field, by the way to it, as people know it: by its header."""
        part, field = self.parts[-1 if len(place) > 1 else 0], str(place[-1])
        return f"{part.columns[field].header} ({field})" if field in part.columns else field


def read_mapping(path: Path) -> ExportMapping:
    """Read a mapping file; raises BadFile that names line, field and what was expected."""
    document = read_document(path)
    file = document.read(MappingFile, "mapping")
    try:
        process = process_of(file.process)
        process.case.policy_type().resolve(file.policy)
        model = process.case.facts_type()
        facts, items = Part(model, file.columns, file.constants), None
        if file.rows:
            items = file.rows.field, Part(item_of(model, file.rows.field), file.rows.columns, file.rows.constants)
            check(items[1], ("rows",))
        check(facts, (), *filter(None, [items and items[0]]))
    except BadForm as bad:
        raise document.fault(bad) from bad
    return ExportMapping(document, process, facts, items, file)
