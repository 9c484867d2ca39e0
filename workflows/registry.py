"""The registry: the only place where a process is entered.

Everything else follows from the name.  A process has a module of its name in ``statecharts``, ``cases``, ``workflows``
and ``activities``, and in its marketplace's package under ``aftersales.platforms`` where it has an interface there.
"""

from collections.abc import Mapping
from importlib import import_module

from cases.errors import BadForm
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process

REGISTERED: Mapping[str, str] = {
    "douyin_reship": "douyin",
    "claim_1688": "alibaba_1688",
    "jd_delay_card": "jd",
    "anxinjian_split": "taobao",
}
"""Every process, and the marketplace that it is about."""


def _workflow(process: str) -> type[CaseWorkflow]:
    members = vars(import_module(f"workflows.{process}")).values()
    return next(
        member
        for member in members
        if isinstance(member, type) and issubclass(member, CaseWorkflow) and member is not CaseWorkflow
    )


WORKFLOWS: tuple[type[CaseWorkflow], ...] = tuple(_workflow(process) for process in REGISTERED)

PROCESSES: Mapping[str, Process] = {workflow.process.name: workflow.process for workflow in WORKFLOWS}


def process_of(name: str) -> Process:
    """Return the process of that name; raises BadForm, listing those there are."""
    if name not in PROCESSES:
        known = ", ".join(PROCESSES)
        raise BadForm(f"process: 没有 {name!r} / no such process; expected one of: {known}", ("process",))
    return PROCESSES[name]
