"""Files that people write: YAML or JSON, read with the line of every field."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cases.errors import BadForm

Place = tuple[str | int, ...]


class BadFile(BadForm):
    """A file cannot be used: the text names file, line, field and what was expected."""


class _Plain(yaml.SafeLoader):
    """YAML as JSON knows it: an instant or a yes stays text, a key stands once."""


_Plain.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", list("tf")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$", list("-+0123456789")),
):
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


@dataclass(frozen=True)
class Document:
    """What a file says, and on which line each field stands."""

    path: Path
    data: dict[str, Any]
    lines: Mapping[Place, int]

    def fault(self, bad: BadForm, *inside: str | int) -> BadFile:
        """The same fault with file and line; ``inside``: where in the file the faulty part stands."""
        place: Place = (*inside, *bad.place)
        while place not in self.lines and place:
            place = place[:-1]
        return BadFile(f"{self.path}:{self.lines.get(place, 1)}: {bad}", bad.place)


def read_document(path: Path) -> Document:
    """Read a file; raises BadFile where it cannot be read, is no YAML or JSON, or is no mapping."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as bad:
        raise BadFile(f"{path}: {bad.strerror}") from bad
    except UnicodeDecodeError as bad:
        raise BadFile(f"{path}: is not UTF-8 text") from bad
    try:
        root = yaml.compose(text, Loader=_Plain)
        lines = dict(_lines(root, ())) if root else {}
        data = yaml.load(text, Loader=_Plain)  # noqa: S506
    except yaml.MarkedYAMLError as bad:
        line = bad.problem_mark.line + 1 if bad.problem_mark else 1
        raise BadFile(f"{path}:{line}: is no YAML or JSON: {bad.problem}") from bad
    except (yaml.YAMLError, ValueError, RecursionError) as bad:
        raise BadFile(f"{path}:1: is no YAML or JSON: {' '.join(str(bad).split())}") from bad
    if not isinstance(data, dict):
        raise BadFile(f"{path}:1: expected a mapping of fields, got {type(data).__name__}")
    return Document(path, data, lines)


def _lines(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
            yield from _lines(value, (*place, key.value))
            yield (*place, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _lines(item, (*place, number))
