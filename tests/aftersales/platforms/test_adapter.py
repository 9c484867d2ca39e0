"""Packages of marketplaces and adapters are found by name."""

import pytest

from aftersales.platforms.adapter import Adapter
from aftersales.platforms.alibaba_1688.claim_1688 import Claim1688Adapter
from aftersales.platforms.douyin.douyin_interception import DouyinInterceptionAdapter
from aftersales.platforms.douyin.douyin_reship import DouyinReshipAdapter
from aftersales.platforms.douyin.douyin_shipment import DouyinShipmentAdapter
from aftersales.platforms.jd.jd_abnormal_order import JdAbnormalOrderAdapter
from aftersales.platforms.jd.jd_delay_card import JdDelayCardAdapter
from aftersales.platforms.jd.jd_shipment import JdShipmentAdapter
from aftersales.platforms.marketplace import adapter_class, installed_marketplaces
from aftersales.platforms.marketplaces import reconcilable_marketplaces
from aftersales.platforms.taobao.anxinjian_split import AnxinjianSplitAdapter
from cases.errors import ProcessFault
from workflows.registry import REGISTERED


def test_every_registered_process_has_a_marketplace() -> None:
    assert set(REGISTERED.values()) <= installed_marketplaces().keys()


@pytest.mark.parametrize(
    ("process", "kind"),
    [
        ("douyin_reship", DouyinReshipAdapter),
        ("jd_delay_card", JdDelayCardAdapter),
        ("jd_shipment", JdShipmentAdapter),
        ("claim_1688", Claim1688Adapter),
        ("anxinjian_split", AnxinjianSplitAdapter),
        ("douyin_interception", DouyinInterceptionAdapter),
        ("douyin_shipment", DouyinShipmentAdapter),
        ("jd_abnormal_order", JdAbnormalOrderAdapter),
    ],
)
def test_a_process_has_the_adapter_of_its_name(process: str, kind: type[Adapter]) -> None:
    assert adapter_class(REGISTERED[process], process) is kind


def test_a_process_without_an_interface_has_no_adapter() -> None:
    assert adapter_class("jd", "no_interface") is None


def test_a_module_without_its_one_adapter_says_so() -> None:
    with pytest.raises(ProcessFault, match=r"douyin/records\.py: expected one subclass of Adapter, found 0"):
        adapter_class("douyin", "records")


def test_the_marketplaces_that_list_what_changed_are_reconciled() -> None:
    assert reconcilable_marketplaces() == ["douyin", "jd"]
