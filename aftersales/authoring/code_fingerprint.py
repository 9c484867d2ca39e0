"""What code is, apart from its words: a digest of every function and constant.

Documentation, comments, and every text that is not plain ASCII, such as a Chinese label, are left out.  So are the
figures of a policy, which editions keep, and types, which only say something where they are the type of a field.
"""

import ast
import hashlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

_WORDS: Final = "…"
_NOT_CODE: Final = ("ctx", "kind", "type_comment", "type_params", "type_ignores")
_DIGITS: Final = 16
_POLICY, _ENUMERATION = "Policy", "Enum"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_of_module(path: Path, *, without: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield the digests of a module's functions and constants by name, without the functions of some names."""
    module = _Wordless().visit(ast.parse(path.read_text(encoding="utf-8")))
    yield from _parts(path.stem, module.body, without)


def handlers(path: Path, decorators: Sequence[str]) -> Iterator[str]:
    """Yield the functions of a module that are decorated by one of these attributes, such as ``signal``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            called = (decorator.func for decorator in node.decorator_list if isinstance(decorator, ast.Call))
            yield from (
                f"{name.attr} {node.name}"
                for name in (*called, *node.decorator_list)
                if isinstance(name, ast.Attribute) and name.attr in decorators
            )


class _Wordless(ast.NodeTransformer):
    """Takes words out of code."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop documentation; what is left without a body says so."""
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return ast.Pass() if is_text else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Make all words for people alike, and addresses of sources."""
        if isinstance(node.value, str) and (not node.value.isascii() or node.value.startswith("https://")):
            return ast.Constant(_WORDS)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Drop the description of a field."""
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "description"]
        return self.generic_visit(node)


def _parts(owner: str, body: Sequence[ast.stmt], without: Collection[str]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            if _POLICY not in bases and not any(base.endswith(_ENUMERATION) for base in bases):
                yield from _parts(f"{owner}.{node.name}", node.body, without)
        elif isinstance(node, Function):
            if node.name not in without:
                yield f"{owner}.{node.name}", _digest(node)
        elif isinstance(node, ast.Assign) and not _is_type(node.value):
            yield from _constants(f"{owner}.{', '.join(map(ast.unparse, node.targets))}", node.value)
        elif isinstance(node, ast.AnnAssign) and _is_constant(node):
            yield from _constants(f"{owner}.{ast.unparse(node.target)}", node.value)


def _is_type(value: ast.expr) -> bool:
    return isinstance(value, ast.Subscript)


def _is_constant(node: ast.AnnAssign) -> bool:
    kind = ast.unparse(node.annotation)
    return kind.startswith(("Final", "ClassVar"))


def _constants(name: str, value: ast.expr | None) -> Iterator[tuple[str, str]]:
    """Yield a constant, or each entry of a table: another entry changes no other."""
    if not isinstance(value, ast.Dict):
        yield name, _digest(value) if value else ""
        return
    for key, entry in zip(value.keys, value.values, strict=True):
        yield f"{name}[{ast.unparse(key) if key else '**'}]", _digest(entry)


def _digest(node: ast.AST) -> str:
    return hashlib.sha256(repr(_plain(node)).encode()).hexdigest()[:_DIGITS]


def _plain(value: Any) -> Any:
    """Return code as nested tuples, alike on every version of Python."""
    if isinstance(value, ast.AST):
        inner = ((name, _plain(part)) for name, part in ast.iter_fields(value) if name not in _NOT_CODE)
        return type(value).__name__, tuple((name, part) for name, part in inner if part not in (None, ()))
    if isinstance(value, list):
        return tuple(_plain(part) for part in value if not isinstance(part, ast.Pass))
    return value
