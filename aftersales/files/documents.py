"""YAML and JSON files, read together with the line of every field."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import yaml

from cases.errors import BadForm
from cases.models import Model, read

Place = tuple[str | int, ...]

MAX_FIELDS = 100_000
"""More than anybody writes; nested aliases can expand to billions of fields."""
MOST_LEVELS = 100
"""Deeper than anybody nests fields; an alias within its own anchor would be nested for ever."""


class BadFile(BadForm):
    """A file that cannot be used; the text names file, line, field and what was expected."""


class _Plain(yaml.SafeLoader):
    """YAML with the types of JSON: dates and ``yes`` stay text, keys are text and unique."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        mapping: dict[Any, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a field's name must be text", problem_mark=key.start_mark)
            if key.value in mapping:
                raise yaml.MarkedYAMLError(problem=f"duplicate key {key.value!r}", problem_mark=key.start_mark)
            mapping[key.value] = self.construct_object(value, deep=deep)
        return mapping


_Plain.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$", list("-+0123456789")),
):
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


@dataclass(frozen=True)
class Document:
    """The content of a file and the line of every field."""

    path: Path
    data: dict[str, Any]
    lines: Mapping[Place, int]

    def read(self, model: type[Model], name: str) -> Model:
        """Read the content into a model that faults call by a name; raise BadFile."""
        try:
            return read(model, self.data, name)
        except BadForm as bad:
            bad.place = bad.place[1:]
            raise self.fault(bad) from bad

    def fault(self, bad: BadForm, *inside: str | int) -> BadFile:
        """Return a fault with file and line; ``inside`` is the path to the part that it is about."""
        return BadFile(f"{self.path}:{self.line(*inside, *bad.place)}: {bad}", bad.place)

    def line(self, *place: str | int) -> int:
        """Return the line of a field; if it was left out, that of the nearest field around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_document(path: Path) -> Document:
    """Read a file; raise BadFile unless it is a mapping in YAML or JSON."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as bad:
        raise BadFile(f"{path}: {bad.strerror}") from bad
    except UnicodeDecodeError as bad:
        raise BadFile(f"{path}: not UTF-8 text") from bad
    try:
        data, lines = _parsed(text)
    except yaml.MarkedYAMLError as bad:
        line = bad.problem_mark.line + 1 if bad.problem_mark else 1
        why = ", ".join(filter(None, (bad.context, bad.problem)))
        raise BadFile(f"{path}:{line}: not valid YAML or JSON: {why}") from bad
    except (yaml.YAMLError, ValueError, RecursionError) as bad:
        raise BadFile(f"{path}:1: not valid YAML or JSON: {' '.join(str(bad).split())}") from bad
    if not isinstance(data, dict):
        got = "nothing" if data is None else type(data).__name__
        raise BadFile(f"{path}:1: expected a mapping of fields, got {got}")
    return Document(path, data, lines)


def _parsed(text: str) -> tuple[Any, dict[Place, int]]:
    try:
        exact = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError:
        exact = None
    else:
        text = text.replace("\t", " ")  # JSON may be indented by tabs, YAML may not
    root = yaml.compose(text, Loader=_Plain)
    lines = list(islice(_lines(root, ()), MAX_FIELDS)) if root else []
    if len(lines) == MAX_FIELDS:
        raise ValueError(f"more than {MAX_FIELDS} fields")
    written = yaml.load(text, Loader=_Plain)  # noqa: S506 - a safe loader of ours  # nosec B506
    return written if exact is None else exact, dict(lines)


def _refuse_constant(written: str) -> NoReturn:
    raise ValueError(f"{written} is not a number")


def _lines(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    if len(place) > MOST_LEVELS:
        mark = node.start_mark
        raise yaml.MarkedYAMLError(problem=f"nested deeper than {MOST_LEVELS} levels", problem_mark=mark)
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            yield from _lines(value, (*place, name))
            yield (*place, name), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _lines(item, (*place, number))
