"""All processes: the one place where a new process is entered."""

from collections.abc import Mapping

from cases.errors import BadForm
from workflows.anxinjian_split import AnxinjianSplitWorkflow
from workflows.claim_1688 import Claim1688Workflow
from workflows.douyin_reship import DouyinReshipWorkflow
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process
from workflows.jd_delay_card import JdDelayCardWorkflow

WORKFLOWS: tuple[type[CaseWorkflow], ...] = (
    DouyinReshipWorkflow,
    Claim1688Workflow,
    JdDelayCardWorkflow,
    AnxinjianSplitWorkflow,
)

PROCESSES: Mapping[str, Process] = {each.process.name: each.process for each in WORKFLOWS}


def process_of(name: str) -> Process:
    """The process of that name; raises BadForm, listing those there are."""
    if name not in PROCESSES:
        known = ", ".join(PROCESSES)
        raise BadForm(f"process: 没有 {name!r} / no such process; expected one of: {known}", ("process",))
    return PROCESSES[name]
