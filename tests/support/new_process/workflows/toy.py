"""The workflow of a toy."""

from cases.toy import ToyCase
from statecharts.toy import Toy

from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process


class ToyWorkflow(CaseWorkflow, process=Process("toy", "玩具", Toy, ToyCase)):
    """Agree, ship, wait."""
