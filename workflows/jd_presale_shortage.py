"""The process of a presale shortage on JD.

A presale order that cannot be shipped: ended with the deposit returned twofold, shipped, or late.
"""

from cases.jd_presale_shortage import ShortageCase
from statecharts.jd_presale_shortage import JdPresaleShortage
from workflows.engine.process import Process

PROCESS = Process("jd_presale_shortage", "京东预售无货", JdPresaleShortage, ShortageCase)
