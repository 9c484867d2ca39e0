"""The strings under the attributes of a class, read from its source.

pydantic reads them too (``use_attribute_docstrings``), but before Python 3.13 it searches all loaded modules for each
class: that took a twentieth of the time in which ``aftersales rulebook`` answers.
"""

import ast
import inspect
import sys
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from cases.models import Strict


class Described(Strict):
    """The base of models whose fields are described by the strings under them."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Read the strings."""
        super().__init_subclass__(**options)
        own = inspect.get_annotations(cls)
        said = _strings_in(_source_of(cls.__module__)).get(cls.__qualname__, {})
        described = {name: Annotated[own[name], Field(description=said[name])] for name in own.keys() & said.keys()}
        cls.__annotations__ = own | described


def _source_of(module: str) -> str:
    """Return the source of a module; an empty text if there is none, as in an interactive session."""
    try:
        return inspect.getsource(sys.modules[module])
    except (KeyError, OSError, TypeError):
        return ""


@cache
def _strings_in(source: str) -> dict[str, dict[str, str]]:
    """Return the strings under attributes, by the qualified name of their class."""
    found: dict[str, dict[str, str]] = {}
    _look_through(ast.parse(source), "", found)
    return found


def _look_through(node: ast.AST, path: str, found: dict[str, dict[str, str]]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            found[path + child.name] = _strings_under(child)
            _look_through(child, f"{path}{child.name}.", found)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            _look_through(child, f"{path}{child.name}.<locals>.", found)


def _strings_under(node: ast.ClassDef) -> dict[str, str]:
    return {
        above.target.id: inspect.cleandoc(below.value.value)
        for above, below in zip(node.body, node.body[1:], strict=False)
        if isinstance(above, ast.AnnAssign)
        and isinstance(above.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
