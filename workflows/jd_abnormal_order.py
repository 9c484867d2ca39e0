"""The process of an abnormal order on JD.

An order that cannot or should not be shipped is filed for deletion, as often as it takes.
"""

from cases.jd_abnormal_order import AbnormalOrderCase
from statecharts.jd_abnormal_order import JdAbnormalOrder
from workflows.engine.process import Process

PROCESS = Process("jd_abnormal_order", "京东异常订单", JdAbnormalOrder, AbnormalOrderCase)
