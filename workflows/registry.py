"""The registry: the only list of processes.

Everything else follows from the name.  A process has a module of its name in ``statecharts``, ``cases``, ``workflows``
and ``activities``, and one in the package of its marketplace in ``aftersales.platforms`` if that has an interface.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from traceback import extract_tb

from statemachine.exceptions import InvalidDefinition

from cases.errors import BadForm, ProcessFault
from statecharts.rules import ChartFault
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process

REGISTERED: Mapping[str, str] = {
    "douyin_reship": "douyin",
    "claim_1688": "alibaba_1688",
    "jd_delay_card": "jd",
    "anxinjian_split": "taobao",
}
"""Every process, with its marketplace."""

PACKAGES = ("statecharts", "cases", "workflows", "activities")


def load(name: str) -> type[CaseWorkflow]:
    """Import the workflow of a process; raises ProcessFault, worded for the author of the process."""
    try:
        module = import_module(f"workflows.{name}")
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.rpartition(".")[2] == name:
            raise ProcessFault(f"process {name}: {missing.name.replace('.', '/')}.py is missing") from missing
        raise _fault(name, missing) from missing
    except Exception as bad:  # a faulty process must not stop the others
        raise _fault(name, bad) from bad
    workflows = [kind for kind in vars(module).values() if _is_workflow_of(kind, module.__name__)]
    if len(workflows) != 1:
        raise ProcessFault(
            f"process {name}: workflows/{name}.py must contain one class XWorkflow(CaseWorkflow, process=Process(...))"
        )
    workflow: type[CaseWorkflow] = workflows[0]
    if workflow.process.name != name:
        raise ProcessFault(f"process {name}: workflows/{name}.py calls its process {workflow.process.name!r}")
    return workflow


def _is_workflow_of(kind: object, module: str) -> bool:
    return isinstance(kind, type) and issubclass(kind, CaseWorkflow) and kind.__module__ == module


def _fault(name: str, bad: Exception) -> ProcessFault:
    in_words = isinstance(bad, ChartFault | InvalidDefinition | ProcessFault)
    text = str(bad) if in_words else f"{type(bad).__name__}: {bad}"
    place = _place(name, bad)
    return ProcessFault(f"process {name}: {place}{': ' if place else ''}{text}")


def _place(name: str, bad: Exception) -> str:
    """Return the innermost line of the process's own modules on the way to an error, as ``statecharts/x.py:12``."""
    lines = [(Path(frame.filename), frame.lineno) for frame in extract_tb(bad.__traceback__)]
    if isinstance(bad, SyntaxError) and bad.filename:
        lines.append((Path(bad.filename), bad.lineno))
    own = [(path, line) for path, line in lines if path.stem == name and path.parent.name in PACKAGES]
    if not own:
        return ""
    path, line = own[-1]
    return f"{path.parent.name}/{path.name}:{line}"


def _load_all() -> Iterator[type[CaseWorkflow] | tuple[str, ProcessFault]]:
    for name in REGISTERED:
        try:
            yield load(name)
        except ProcessFault as fault:
            yield name, fault


_LOADED = list(_load_all())

WORKFLOWS: tuple[type[CaseWorkflow], ...] = tuple(loaded for loaded in _LOADED if not isinstance(loaded, tuple))
PROCESSES: Mapping[str, Process] = {workflow.process.name: workflow.process for workflow in WORKFLOWS}
FAULTS: Mapping[str, ProcessFault] = dict(loaded for loaded in _LOADED if isinstance(loaded, tuple))
"""The processes that cannot be loaded, and why."""


def process_of(name: str) -> Process:
    """Return the process of that name; raises its ProcessFault, or BadForm with the names that exist."""
    if name in FAULTS:
        raise FAULTS[name]
    if name not in PROCESSES:
        names = ", ".join(PROCESSES)
        raise BadForm(f"process: 没有 {name!r} / no such process; expected one of: {names}", ("process",))
    return PROCESSES[name]
