"""What the stations of a parcel's track mean, in the words of platform and carriers."""

import pytest

from aftersales.platforms.douyin.records import Node, parse
from aftersales.platforms.douyin.track_reading import REGIONS, ParcelProgress, region_of, stations

PICKED_UP, MOVING, DELIVERING, SIGNED, GOING_BACK = ParcelProgress
T0 = 1_767_574_800


def node(words: str = "", content: str = "", site: str = "杭州", at: int | str = T0) -> Node:
    fields = {"timestamp": str(at), "state": "1", "state_description": words, "content": content, "site_name": site}
    return parse(Node, fields, "logistics.trackNoRouteDetail")


def shown(*nodes: Node) -> list[ParcelProgress]:
    return [station.progress for station in stations(nodes)]


@pytest.mark.parametrize(
    ("words", "content", "progress"),
    [
        ("已揽收", "【杭州市】您的快件已被收取", PICKED_UP),
        ("", "【杭州西湖公司】的快递员 张三 已揽收", PICKED_UP),
        ("", "【浙江临安西部公司】已收件", PICKED_UP),
        ("", "顺丰速运 已收取快件,收寄成功", PICKED_UP),
        ("运输中", "快件到达【武汉转运中心】", MOVING),
        ("", "已发往【湖南长沙转运中心】", MOVING),
        ("配送", "配送中", DELIVERING),
        ("派送中", "快件正在派送,请准备签收", DELIVERING),
        ("", "【长沙】派件中,请准备签收", DELIVERING),
        ("待取件", "快件已由菜鸟驿站代收,请及时取件", DELIVERING),
        ("已签收", "您的快件已派送至本人", SIGNED),
        ("", "已签收,签收人凭取货码签收", SIGNED),
    ],
)
def test_a_station_shows_how_far_the_parcel_is(words: str, content: str, progress: ParcelProgress) -> None:
    assert shown(node(words, content)) == [progress]


@pytest.mark.parametrize(
    ("words", "content"),
    [
        ("", "商家已发货"),
        ("已下单", "您的订单已下单"),
        ("仓库处理中", "包裹已完成出库,来自【XXX仓】"),
        ("待揽收", "商家正通知快递公司揽收"),
        ("", "商家正通知快递揽收"),
        ("", "已预约快递员上门揽收"),
        ("", "快递员揽收失败"),
        ("等待配送", "商品待配送"),
        ("", ""),
        ("?", "?"),
    ],
)
def test_ds_1_what_comes_before_the_pickup_or_is_unknown_begins_no_track(words: str, content: str) -> None:
    assert stations([node(words, content)]) == []
    assert shown(node(words, content, at=T0 - 60), node("已揽收")) == [PICKED_UP]


def test_ds_2_any_later_line_is_an_update() -> None:
    assert shown(node("已揽收"), node("?", "快件在途经停", at=T0 + 60)) == [PICKED_UP, MOVING]


def test_a_parcel_that_goes_back_is_neither_delivered_nor_signed_for_by_the_buyer() -> None:
    there, back = (node("已揽收"), node("派送中", at=T0 + 1)), (node("派送中", at=T0 + 3), node("已签收", at=T0 + 4))
    for turning in (node("退回中", at=T0 + 2), node("运输中", "买家拒收,快件退回中", at=T0 + 2)):
        assert shown(*there, turning, *back) == [PICKED_UP, DELIVERING, *[GOING_BACK] * 3]
    assert shown(node("已揽收"), node("", "包裹拦截失败,继续派送", at=T0 + 1)) == [PICKED_UP, DELIVERING]


def test_stations_come_in_order_however_the_platform_sorts_them_and_are_known_again() -> None:
    newest_first = [node("派送中", at=T0 + 9), node("运输中", at=T0 + 5), node("已揽收"), node("已揽收", at=0)]
    way = stations(newest_first)
    assert [station.progress for station in way] == [PICKED_UP, MOVING, DELIVERING]
    assert [station.key for station in way] == [station.key for station in stations(reversed(newest_first))]
    twins = stations([node("已揽收"), node("运输中"), node("运输中", site="宁波")])
    assert len({station.key for station in twins}) == 3, "three lines of one second"


def test_ds_3_only_the_last_mile_says_where_a_parcel_is_bound_for() -> None:
    way = stations([node("已揽收", site="浙江杭州"), node("派送中", site="辽宁沈阳铁西公司", at=T0 + 1)])
    assert [(station.place, station.region) for station in way] == [("浙江杭州", None), ("辽宁沈阳铁西公司", "辽宁")]


@pytest.mark.parametrize(
    ("site", "region"),
    [
        ("广东省深圳市", "广东"),
        ("【北京】朝阳", "北京"),
        ("黑龙江哈尔滨", "黑龙江"),
        ("杭州西湖公司", None),
        ("北京路营业部", None),
        ("河南中路网点", None),
        ("", None),
    ],
)
def test_ds_3_a_station_that_is_not_named_after_a_province_shows_nothing(site: str, region: str | None) -> None:
    assert region_of(site) == region
    assert len(REGIONS) == 34
