"""The workflow of an advance report on JD."""

from cases.jd_advance_report import AdvanceCase
from statecharts.jd_advance_report import JdAdvanceReport
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process


class JdAdvanceReportWorkflow(
    CaseWorkflow, process=Process("jd_advance_report", "京东预报备", JdAdvanceReport, AdvanceCase)
):
    """A period that can be foreseen, filed in advance and reviewed; the orders created in it are exempt."""
