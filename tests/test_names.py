"""One name for one thing: no two public classes, modules or constants of the product share a name."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.places import ROOT
from workflows.registry import PROCESSES

PACKAGES = ("statecharts", "cases", "workflows", "activities", "aftersales")

REPEATED_MODULES = {
    "__init__": "every package has one",
    "client": "every marketplace's interface has one, and opening a case is Temporal's client",
    "signing": "every marketplace signs in its own way",
    "marketplace": "every marketplace's package declares its own, of one type",
    "notifications": "the activities that notify, and what the engine enqueues for them",
    "ledger": "the activity that books, and the entries that it books",
    "reconcile": "the workflow and its activity",
    **dict.fromkeys(PROCESSES, "a process has one module in every layer"),
}
"""Module names that may be repeated, with the reason: they are idioms of their packages."""
REPEATED_CONSTANTS = {
    "EFFECTS": "a process's module of activities has its table under this name",
    "MARKETPLACE": "a marketplace's package declares it under this name",
}
"""Names of constants by which modules are read."""

PENDING = {
    "class": (),
    "module": (),
    "constant": (),
}
"""Repeated names that are still to be renamed."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """The product's modules."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def constants(statement: ast.stmt) -> Iterator[str]:
    """The public constants that a statement of a module defines."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = [item for target in statement.targets for item in getattr(target, "elts", [target])]
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    names = (target.id for target in targets if isinstance(target, ast.Name))
    yield from (name for name in names if name.isupper() and not name.startswith("_"))


def names() -> Mapping[str, Mapping[str, list[str]]]:
    """Where every public class, module and constant is defined."""
    found: dict[str, dict[str, list[str]]] = {kind: defaultdict(list) for kind in PENDING}
    for path, module in modules():
        where = str(path.relative_to(ROOT))
        found["module"][path.stem].append(where)
        for statement in module.body:
            if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
                found["class"][statement.name].append(where)
            for name in constants(statement):
                found["constant"][name].append(where)
    return found


def repeated(kind: str) -> dict[str, list[str]]:
    """The names that are defined more than once, without the idioms."""
    idioms = {"module": REPEATED_MODULES, "constant": REPEATED_CONSTANTS}.get(kind, {})
    return {name: places for name, places in names()[kind].items() if len(places) > 1 and name not in idioms}


@pytest.mark.parametrize("kind", PENDING)
def test_one_name_means_one_thing(kind: str) -> None:
    assert {name: places for name, places in repeated(kind).items() if name not in PENDING[kind]} == {}


@pytest.mark.parametrize("kind", PENDING)
def test_the_list_of_names_to_be_renamed_shrinks(kind: str) -> None:
    assert [name for name in PENDING[kind] if name not in repeated(kind)] == []


def test_every_idiom_is_one() -> None:
    assert [name for name in REPEATED_MODULES if len(names()["module"][name]) < 2] == []
