"""The registry: the only list of processes.

Everything else follows from the name.  A process has a module of its name in ``statecharts``, ``cases``, ``workflows``
and ``activities``, and one in the package of its marketplace in ``aftersales.platforms`` if that has an interface.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from statemachine.exceptions import InvalidDefinition

from cases.errors import BadForm, ProcessFault
from statecharts.rules import ChartFault
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process

REGISTERED: Mapping[str, str] = {
    "douyin_reship": "douyin",
    "claim_1688": "alibaba_1688",
    "anomaly_1688": "alibaba_1688",
    "jd_delay_card": "jd",
    "jd_shipment": "jd",
    "jd_presale_shortage": "jd",
    "anxinjian_split": "taobao",
    "douyin_shipment": "douyin",
    "jd_advance_report": "jd",
    "douyin_interception": "douyin",
    "jd_abnormal_order": "jd",
}
"""Every process, with its marketplace."""

Loaded = TypeVar("Loaded")
ROOT = Path(__file__).resolve().parents[1]
PLACED = re.compile(r"[\w/]+\.py:\d+: ")
"""The beginning of a text that says where the fault is."""


def load(name: str) -> type[CaseWorkflow]:
    """Import the workflow of a process; raises ProcessFault, worded for the author of the process."""
    try:
        module = import_module(f"workflows.{name}")
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.rpartition(".")[2] == name:
            raise ProcessFault(f"process {name}: {missing.name.replace('.', '/')}.py is missing") from missing
        raise fault_of(name, missing) from missing
    except (Exception, SystemExit) as bad:  # whatever is wrong with one process must not stop the others
        raise fault_of(name, bad) from bad
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


def fault_of(name: str, bad: BaseException) -> ProcessFault:
    """Return an error of a process's modules as a fault, with the innermost line of theirs that led to it."""
    in_words = isinstance(bad, ChartFault | InvalidDefinition | ProcessFault)
    text = str(bad) if in_words else f"{type(bad).__name__}: {bad}"
    place = "" if PLACED.match(text) else _place(name, bad)
    return ProcessFault(f"process {name}: {place}{text}")


def _place(name: str, bad: BaseException) -> str:
    """Return the innermost line of the process's own modules on the way to an error, as ``statecharts/x.py:12: ``."""
    lines = [(Path(frame.filename), frame.lineno) for frame in extract_tb(bad.__traceback__)]
    if isinstance(bad, SyntaxError) and bad.filename:
        lines.append((Path(bad.filename), bad.lineno))
    own = [(path, line) for path, line in lines if path.stem == name and path.is_relative_to(ROOT)]
    if not own:
        return ""
    path, line = own[-1]
    return f"{path.relative_to(ROOT).as_posix()}:{line}: "


@cache
def _loaded(name: str) -> type[CaseWorkflow] | ProcessFault:
    try:
        return load(name)
    except ProcessFault as fault:
        return fault


class _OnDemand(Mapping[str, Loaded]):
    """What the registered processes come to, each loaded when it is first asked for: a command needs one of many."""

    def __init__(self, come_to: Callable[[type[CaseWorkflow] | ProcessFault], Loaded | None]) -> None:
        self._come_to = come_to

    def __getitem__(self, name: str) -> Loaded:
        value = self._come_to(_loaded(name)) if name in REGISTERED else None
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in REGISTERED if self._come_to(_loaded(name)) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _process(loaded: type[CaseWorkflow] | ProcessFault) -> Process | None:
    return None if isinstance(loaded, ProcessFault) else loaded.process


def _fault(loaded: type[CaseWorkflow] | ProcessFault) -> ProcessFault | None:
    return loaded if isinstance(loaded, ProcessFault) else None


PROCESSES: Mapping[str, Process] = _OnDemand(_process)
FAULTS: Mapping[str, ProcessFault] = _OnDemand(_fault)
"""The processes that cannot be loaded, and why."""


def case_workflows() -> tuple[type[CaseWorkflow], ...]:
    """Return the workflows of all processes."""
    return tuple(loaded for loaded in map(_loaded, REGISTERED) if not isinstance(loaded, ProcessFault))


def process_of(name: str) -> Process:
    """Return the process of that name; raises its ProcessFault, or BadForm with the names that exist."""
    if name in FAULTS:
        raise FAULTS[name]
    if name not in PROCESSES:
        names = ", ".join(PROCESSES)
        raise BadForm(f"process: 没有 {name!r} / no such process; expected one of: {names}", ("process",))
    return PROCESSES[name]
