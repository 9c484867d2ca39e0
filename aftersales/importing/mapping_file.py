"""The file that maps the columns of an export to the fields of a case."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from aftersales.importing.cells import CellReader, cell_reader
from cases.models import Strict, Text


class Column(Strict):
    """A column by its header; ``values``: what its words mean, ``format``: how its instants are written."""

    header: Text
    values: dict[str, Any] | None = None
    format: Text | None = None


def _column(given: Any) -> Any:
    return {"header": given} if isinstance(given, str) else given


Columns = dict[str, Annotated[Column, BeforeValidator(_column)]]


class ItemsFile(Strict):
    """The list of a case that has one row for each of its items."""

    field: str
    columns: Columns
    constants: dict[str, Any] = {}


class MappingFile(Strict):
    """The fields of a mapping file."""

    process: str
    columns: Columns
    constants: dict[str, Any] = {}
    rows: ItemsFile | None = None
    policy: dict[str, Any] = {}
    sheet: Text | None = None
    skip_rows: int = Field(default=0, ge=0)


@dataclass(frozen=True)
class Part:
    """The columns and constants of a model."""

    model: type[BaseModel]
    columns: Columns
    constants: dict[str, Any]

    @cached_property
    def readers(self) -> dict[str, CellReader]:
        """How the cells of each column are read."""
        fields = self.model.model_fields
        return {
            name: cell_reader(fields[name].annotation, each.values, each.format) for name, each in self.columns.items()
        }
