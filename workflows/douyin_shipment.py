"""The workflow of a shipment watch on Douyin."""

from cases.douyin_shipment import DouyinShipmentCase
from statecharts.douyin_shipment import DouyinShipment
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process


class DouyinShipmentWorkflow(
    CaseWorkflow,
    process=Process("douyin_shipment", "抖店揽收与虚假发货", DouyinShipment, DouyinShipmentCase, hears=True),
):
    """An order from its payment to its receipt: shipped, picked up and moving in time, under a true number."""
