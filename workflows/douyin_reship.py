"""The workflow of a Douyin reship."""

from cases.douyin_reship import ReshipCase
from statecharts.douyin_reship import DouyinReship
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process


class DouyinReshipWorkflow(CaseWorkflow, process=Process("douyin_reship", "抖音补寄", DouyinReship, ReshipCase)):
    """Agree in 48 h, ship in 48 h, or the platform decides."""
