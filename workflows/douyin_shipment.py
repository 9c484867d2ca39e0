"""The process of a shipment watch on Douyin.

An order from its payment to its receipt: shipped, picked up and moving in time, under a true number.
"""

from cases.douyin_shipment import DouyinShipmentCase
from statecharts.douyin_shipment import DouyinShipment
from workflows.engine.process import Process

PROCESS = Process("douyin_shipment", "抖店揽收与虚假发货", DouyinShipment, DouyinShipmentCase, hears=True)
