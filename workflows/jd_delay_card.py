"""The process of a delay card on JD.

One card per order, which the buyer answers within 48 h; after that, an emergency report.
"""

from cases.jd_delay_card import DelayCase
from statecharts.jd_delay_card import JdDelayCard
from workflows.engine.process import Process

PROCESS = Process("jd_delay_card", "京东延迟发货卡片", JdDelayCard, DelayCase, hears=True, hears_since="2026-11-27")
