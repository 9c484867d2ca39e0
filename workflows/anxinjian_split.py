"""The workflow of an Anxinjian item whose purchase was split over several orders."""

from cases.anxinjian_split import SplitCase
from statecharts.anxinjian_split import AnxinjianOrder, AnxinjianSplit
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process


class AnxinjianSplitWorkflow(
    CaseWorkflow, process=Process("anxinjian_split", "安心鉴拆单", AnxinjianSplit, SplitCase, AnxinjianOrder)
):
    """One item, authenticated once although its purchase was split over several orders."""
