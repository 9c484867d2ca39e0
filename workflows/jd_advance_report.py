"""The process of an advance report on JD.

A period that can be foreseen, filed in advance and reviewed; the orders created in it are exempt.
"""

from cases.jd_advance_report import AdvanceCase
from statecharts.jd_advance_report import JdAdvanceReport
from workflows.engine.process import Process

PROCESS = Process("jd_advance_report", "京东预报备", JdAdvanceReport, AdvanceCase)
