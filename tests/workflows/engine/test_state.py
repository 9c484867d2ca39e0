"""Only the machine, with the course that it follows, changes what a case remembers."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.support.places import ROOT
from workflows.engine import inputs, state

OWNERS = {"state.py", "machine.py", "course.py", "fired_rules.py"}
MODELS = [
    model
    for module in (state, inputs)
    for model in vars(module).values()
    if inspect.isclass(model) and issubclass(model, BaseModel) and model.__module__ == module.__name__
]
FIELDS = {name for model in MODELS for name in model.model_fields}
READERS = {
    "snapshot_of",
    "course",
    "submission",
    "decision",
    "decision_numbered",
    "effect",
    "expiry",
    "answer_to",
    "input",
    "first_time",
}


def methods(model: type) -> set[str]:
    return {name for name, member in vars(model).items() if inspect.isfunction(member) and not name.startswith("_")}


WRITERS = methods(state.CaseState) - READERS
OF_A_STEP = methods(state.EffectState) | methods(state.Decision) | methods(state.ExpiryCheck)
MUTATORS = {"append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault", "sort"}


def writes(source: str) -> Iterator[str]:
    """Yield the places where a module writes into a case's state."""
    for node in ast.walk(ast.parse(source)):
        targets: list[ast.expr] = []
        match node:
            case ast.Assign():
                targets = [own for target in node.targets for own in parts(target)]
            case ast.AugAssign() | ast.AnnAssign():
                targets = [node.target]
            case ast.Delete():
                targets = node.targets
            case ast.Call(func=ast.Attribute(attr=name, value=owner)):
                reached = [leaf.attr for leaf in ast.walk(owner) if isinstance(leaf, ast.Attribute)]
                of_machine = reached[:1] == ["_machine"]
                if (name in OF_A_STEP and not of_machine) or (name in WRITERS and "state" in reached):
                    yield ast.unparse(node)
                if name in MUTATORS and FIELDS.intersection(reached):
                    yield ast.unparse(node)
        for target in targets:
            named = target.value if isinstance(target, ast.Subscript) else target
            if isinstance(named, ast.Attribute) and named.attr in FIELDS and not _private(named):
                yield ast.unparse(node)


def parts(target: ast.expr) -> Iterator[ast.expr]:
    """Yield what one target of an assignment assigns to."""
    match target:
        case ast.Tuple(elts=several) | ast.List(elts=several):
            for own in several:
                yield from parts(own)
        case ast.Starred(value=own):
            yield from parts(own)
        case _:
            yield target


def _private(target: ast.Attribute) -> bool:
    """Return whether a module writes into something of its own."""
    return isinstance(target.value, ast.Name) and (target.value.id == "self" or target.value.id.startswith("_"))


@pytest.mark.parametrize("path", sorted((ROOT / "workflows").rglob("*.py")), ids=lambda path: path.name)
def test_no_other_module_writes_into_a_cases_state(path: Path) -> None:
    if path.name in OWNERS and path.parent.name == "engine":
        return
    assert list(writes(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "machine.state.inputs = []",
        "expiry.why = None",
        "effect.status, effect.why = 'done', None",
        "machine.state.notifications += found",
        "machine.state.ledger.append(entry)",
        "machine.state.orders['O1'] = snapshot",
        "del record.seen[:5]",
        "machine.state.book(entry)",
        "effect.complete(now)",
        "given.status = 'ignored'",
        "answer.outcome = outcome",
        "decision.telling = False",
        "(decision.why, (*decision.stay,)) = found",
        "decision.end('refused', now, why, tell=True)",
        "effect.handled(name, way)",
        "self._machine.state.submissions[0].fail(now, why)",
    ],
)
def test_a_write_is_noticed(line: str) -> None:
    assert list(writes(line))


@pytest.mark.parametrize(
    "line", ["self._at = now", "found = decision.status", "self._machine.fail(serial, why, now)", "state.decision(key)"]
)
def test_what_is_no_write_is_passed(line: str) -> None:
    assert list(writes(line)) == []
