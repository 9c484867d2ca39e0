"""Only the machine, with the course that it follows, changes what a case remembers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT
from workflows.engine import state

OWNERS = {"state.py", "machine.py", "course.py"}
MODELS = (
    state.CaseState,
    state.TimelineEntry,
    state.IgnoredMessage,
    state.Decision,
    state.EffectState,
    state.ExpiryCheck,
    state.SentReminder,
    state.Notification,
)
FIELDS = {name for model in MODELS for name in model.model_fields}
WRITERS = {name for name, member in vars(state.CaseState).items() if callable(member) and not name.startswith("_")} - {
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
OF_A_STEP = {"complete", "fail", "retry"}
MUTATORS = {"append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault", "sort"}


def writes(source: str) -> Iterator[str]:
    """Yield the places where a module writes into a case's state."""
    for node in ast.walk(ast.parse(source)):
        targets: list[ast.expr] = []
        match node:
            case ast.Assign():
                targets = [own for target in node.targets for own in getattr(target, "elts", [target])]
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
    ],
)
def test_a_write_is_noticed(line: str) -> None:
    assert list(writes(line))
