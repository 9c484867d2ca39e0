"""Wherever JSON of others is read, nesting beyond Python's own limit is refused like any other JSON that is none."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.places import ROOT

READS = {"loads", "json"}
REFUSALS = {"ValueError", "JSONDecodeError"}
OUTSIDE = {"aftersales/files/documents.py": "its caller refuses both"}
"""Modules in which what reads it is caught further out, with the reason."""


def faulty(path: Path) -> Iterator[int]:
    """Yield the lines of blocks that read JSON, and catch what is no JSON but not what is nested too deeply."""
    for block in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(block, ast.Try):
            body, caught = block.body, [handler.type for handler in block.handlers if handler.type]
        elif isinstance(block, ast.With) and "suppress" in ast.unparse(block.items[0].context_expr):
            body, caught = block.body, [block.items[0].context_expr]
        else:
            continue
        inside = [node for kind in caught for node in ast.walk(kind)]
        names = {node.id for node in inside if isinstance(node, ast.Name)}
        names |= {node.attr for node in inside if isinstance(node, ast.Attribute)}
        calls = (node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Call))
        reads = any(isinstance(call.func, ast.Attribute) and call.func.attr in READS for call in calls)
        if reads and names & REFUSALS and "RecursionError" not in names:
            yield block.lineno


def test_what_is_nested_too_deeply_is_caught_with_what_is_no_json() -> None:
    modules = {str(path.relative_to(ROOT)): path for path in (ROOT / "aftersales").rglob("*.py")}
    found = [f"{name}:{line}" for name, path in modules.items() if name not in OUTSIDE for line in faulty(path)]
    assert found == []
