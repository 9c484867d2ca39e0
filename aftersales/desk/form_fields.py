"""The fields of a form on a page, and what was posted by it (until the real module of this name is there)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from cases.errors import BadForm
from cases.models import json_text
from cases.shanghai import SHANGHAI

Posted = Mapping[str, Any]


@dataclass(frozen=True)
class FormField:
    """A field as a page shows it."""

    name: str
    title: str
    required: bool
    value: str = ""
    error: str | None = None
    choices: tuple[Any, ...] = ()

    @property
    def id(self) -> str:
        """The name as an id within the page."""
        return f"field-{self.name}"


class UnfitForm(BadForm):
    """A posted form that does not fit; ``errors`` says why, by the name of the field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Keep the errors."""
        super().__init__(";".join(errors.values()))
        self.errors = errors


def fields_of(
    form: type[BaseModel],
    values: Posted | None = None,
    errors: Mapping[str, str] | None = None,
    carriers: Iterable[str] = (),
) -> list[FormField]:
    """Return the fields of a form."""
    del carriers
    return [
        FormField(
            name,
            (field.description or name).partition("\n")[0],
            field.is_required(),
            str((values or {}).get(name, "")),
            (errors or {}).get(name),
        )
        for name, field in form.model_fields.items()
    ]


def doubts_of(form: type[BaseModel], posted: Posted) -> Mapping[str, str]:
    """Return what is doubtful."""
    del form, posted
    return {}


def read_form(form: type[BaseModel], posted: Posted) -> dict[str, Any]:
    """Return what an update takes, as JSON."""
    read: dict[str, Any] = {name: posted[name] for name in form.model_fields if posted.get(name)}
    if "occurred_at" in read:
        read["occurred_at"] = datetime.fromisoformat(read["occurred_at"]).replace(tzinfo=SHANGHAI).isoformat()
    try:
        form.model_validate_json(json_text(read, "form"))
    except ValidationError as bad:
        faults = bad.errors(include_url=False, include_input=False)
        raise UnfitForm({str(fault["loc"][0]) if fault["loc"] else "": fault["msg"] for fault in faults}) from bad
    return read
