"""The workflow of a presale shortage on JD."""

from cases.jd_presale_shortage import ShortageCase
from statecharts.jd_presale_shortage import JdPresaleShortage
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process


class JdPresaleShortageWorkflow(
    CaseWorkflow, process=Process("jd_presale_shortage", "京东预售无货", JdPresaleShortage, ShortageCase)
):
    """A presale order that cannot be shipped: ended with the deposit returned twofold, shipped, or late."""
