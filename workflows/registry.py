"""All processes: the one place where a new process is entered."""

from collections.abc import Mapping

from cases.errors import BadForm
from workflows.case import CaseWorkflow
from workflows.douyin_reship import DouyinReshipWorkflow
from workflows.process import Process

WORKFLOWS: tuple[type[CaseWorkflow], ...] = (DouyinReshipWorkflow,)

PROCESSES: Mapping[str, Process] = {each.process.name: each.process for each in WORKFLOWS}


def process_of(name: str) -> Process:
    """The process of that name; raises BadForm, listing those there are."""
    if name not in PROCESSES:
        known = ", ".join(PROCESSES)
        raise BadForm(f"process: 没有 {name!r} / no such process; expected one of: {known}", ("process",))
    return PROCESSES[name]
