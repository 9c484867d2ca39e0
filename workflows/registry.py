"""The registry: the only list of processes.

Everything else follows from the name.  A process has a module of its name in ``statecharts``, ``cases``, ``workflows``
and ``activities``, and one in the package of its marketplace in ``aftersales.platforms`` if that has an interface.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, TypeVar

from statemachine.exceptions import InvalidDefinition

from cases.errors import BadForm, ProcessFault
from statecharts.rules import ChartFault
from workflows.engine.process import Process

if TYPE_CHECKING:
    from workflows.engine.case_workflow import CaseWorkflow

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


def load(name: str) -> Process:
    """Import a process; raises ProcessFault, worded for the author of the process."""
    try:
        module = import_module(f"workflows.{name}")
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.rpartition(".")[2] == name:
            raise ProcessFault(f"process {name}: {missing.name.replace('.', '/')}.py is missing") from missing
        raise fault_of(name, missing) from missing
    except (Exception, SystemExit) as bad:  # whatever is wrong with one process must not stop the others
        raise fault_of(name, bad) from bad
    process = vars(module).get("PROCESS")
    if not isinstance(process, Process):
        raise ProcessFault(f"process {name}: workflows/{name}.py must contain PROCESS = Process(...)")
    if process.name != name:
        raise ProcessFault(f"process {name}: workflows/{name}.py calls its process {process.name!r}")
    return process


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
def _loaded(name: str) -> Process | ProcessFault:
    try:
        return load(name)
    except ProcessFault as fault:
        return fault


class _OnDemand(Mapping[str, Loaded]):
    """Those of the registered names that come to one kind, each loaded when first asked for: a command needs one."""

    def __init__(self, kind: type[Loaded]) -> None:
        self._kind = kind

    def __getitem__(self, name: str) -> Loaded:
        loaded = _loaded(name) if name in REGISTERED else None
        if not isinstance(loaded, self._kind):
            raise KeyError(name)
        return loaded

    def __iter__(self) -> Iterator[str]:
        return (name for name in REGISTERED if isinstance(_loaded(name), self._kind))

    def __len__(self) -> int:
        return sum(1 for _ in self)


PROCESSES: Mapping[str, Process] = _OnDemand(Process)
FAULTS: Mapping[str, ProcessFault] = _OnDemand(ProcessFault)
"""The processes that cannot be loaded, and why."""


def case_workflows() -> tuple[type["CaseWorkflow"], ...]:
    """Return the workflows of all processes."""
    from workflows.engine.case_workflow import workflow_of  # noqa: PLC0415 - who only reads processes needs no Temporal

    return tuple(workflow_of(process) for process in PROCESSES.values())


def process_of(name: str) -> Process:
    """Return the process of that name; raises its ProcessFault, or BadForm with the names that exist."""
    if name in FAULTS:
        raise FAULTS[name]
    if name not in PROCESSES:
        names = ", ".join(PROCESSES)
        raise BadForm(f"process: 没有 {name!r} / no such process; expected one of: {names}", ("process",))
    return PROCESSES[name]
