"""The workflow of a shipping-anomaly warning on 1688."""

from cases.anomaly_1688 import AnomalyCase
from statecharts.anomaly_1688 import Anomaly1688
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process


class Anomaly1688Workflow(CaseWorkflow, process=Process("anomaly_1688", "1688发货异常预警", Anomaly1688, AnomalyCase)):
    """Refund, ship again or report in 24 h, or expect a claim."""
