"""The process of an Anxinjian item whose purchase was split over several orders.

It is authenticated once, not once an order.
"""

from cases.anxinjian_split import SplitCase
from statecharts.anxinjian_split import AnxinjianOrder, AnxinjianSplit
from workflows.engine.process import Process

PROCESS = Process("anxinjian_split", "安心鉴拆单", AnxinjianSplit, SplitCase, AnxinjianOrder)
