"""The process of the shipment watch on JD.

Upload within 24 h, pickup within 48 h of the order; either missed makes one late order.
"""

from cases.jd_shipment import JdShipmentCase
from statecharts.jd_shipment import JdShipment
from workflows.engine.process import Process

PROCESS = Process("jd_shipment", "京东发货监控", JdShipment, JdShipmentCase, hears=True)
