"""One name for one thing: no two public classes, modules or constants of the product share a name."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.support.places import PACKAGES, ROOT
from workflows.registry import PROCESSES

IDIOMS = {
    "class": {},
    "module": {
        "__init__": "every package has one",
        "client": "every marketplace's interface has one",
        "signing": "every marketplace signs in its own way",
        "marketplace": "every marketplace's package declares its own, of one type",
        "notifications": "what the engine enqueues, and the activities that send it",
        "ledger": "the entries, and the activity that books them",
        "reconcile": "the workflow and its activity",
        "ended_cases": "the workflow and its activity",
        **dict.fromkeys(PROCESSES, "a process has one module in every layer"),
    },
    "constant": {
        "EFFECTS": "every process's module of activities has its table under this name",
        "PROCESS": "every process's module of workflows declares it under this name",
        "MARKETPLACE": "every marketplace's package declares it under this name",
    },
}
"""Names that may be repeated, with the reason."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Return the product's modules."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def constants(statement: ast.stmt) -> Iterator[str]:
    """Return the public constants that a statement of a module defines."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = [item for target in statement.targets for item in getattr(target, "elts", [target])]
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    names = (target.id for target in targets if isinstance(target, ast.Name))
    yield from (name for name in names if name.isupper() and not name.startswith("_"))


@cache
def names() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the places where every public class, module and constant is defined."""
    places: dict[str, dict[str, list[str]]] = {kind: defaultdict(list) for kind in IDIOMS}
    for path, module in modules():
        where = str(path.relative_to(ROOT))
        places["module"][path.stem].append(where)
        for statement in module.body:
            if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
                places["class"][statement.name].append(where)
            for name in constants(statement):
                places["constant"][name].append(where)
    return places


def repeated(kind: str) -> dict[str, list[str]]:
    """Return the names that are defined more than once, without the idioms."""
    return {name: places for name, places in names()[kind].items() if len(places) > 1 and name not in IDIOMS[kind]}


@pytest.mark.parametrize("kind", IDIOMS)
def test_one_name_means_one_thing(kind: str) -> None:
    assert repeated(kind) == {}


@pytest.mark.parametrize("kind", IDIOMS)
def test_exceptions_are_needed(kind: str) -> None:
    assert [name for name in IDIOMS[kind] if len(names()[kind].get(name, ())) < 2] == []
