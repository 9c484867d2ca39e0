"""The process of a shipping-anomaly warning on 1688.

Refund, ship again or report in 24 h, or expect a claim.
"""

from cases.anomaly_1688 import AnomalyCase
from statecharts.anomaly_1688 import Anomaly1688
from workflows.engine.process import Process

PROCESS = Process("anomaly_1688", "1688发货异常预警", Anomaly1688, AnomalyCase)
