"""The process of a Douyin reship.

Agree in 48 h, ship in 48 h, or the platform decides.
"""

from cases.douyin_reship import ReshipCase
from statecharts.douyin_reship import DouyinReship
from workflows.engine.process import Process

PROCESS = Process("douyin_reship", "抖音补寄", DouyinReship, ReshipCase)
