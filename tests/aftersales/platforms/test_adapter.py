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
from aftersales.platforms.marketplace import adapter_class, console_address, installed_marketplaces
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


@pytest.mark.parametrize(
    ("process", "page", "address"),
    [
        ("douyin_reship", "抖店后台 > 售后 > 售后工作台 > 补寄售后单 > 售后详情", "https://fxg.jinritemai.com/"),
        ("douyin_interception", "PC 版抖店后台 > 售后 > 售后工作台", "https://fxg.jinritemai.com/"),
        ("claim_1688", "1688 商家工作台 > 履约 > 我的理赔服务中心", "https://work.1688.com/"),
        ("jd_shipment", "商家后台 > 订单管理 > 延迟发货管理", "https://shop.jd.com/"),
        ("jd_presale_shortage", "电话联系买家", None),
        ("jd_delay_card", "咚咚工作台 > 客服助手插件 > 客户&插件", None),
        ("claim_1688", "联系买家 > 抖店后台", None),
    ],
)
def test_a_page_of_a_back_office_has_the_address_at_which_one_enters_it(
    process: str, page: str, address: str | None
) -> None:
    assert console_address(process, page) == address
