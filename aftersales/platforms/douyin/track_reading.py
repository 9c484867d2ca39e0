"""The meaning of the stations in a parcel's track, without I/O.

The platform gives each station a code, but we know no list of the codes: its words decide, those that it chose itself
before those of the carrier.  What no word decides is unknown, and begins no track.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from aftersales.platforms.douyin.records import Node


class ParcelProgress(StrEnum):
    """How far a station shows a parcel to be, in the words in which operators see it."""

    PICKED_UP = "已揽收"
    MOVING = "运输中"
    DELIVERING = "派送中"
    SIGNED = "已签收"
    GOING_BACK = "退回中"


class Station(NamedTuple):
    """A station of a parcel's way.

    ``region`` is where the parcel is bound for, None where the station does not say: on the way there are others.
    ``key`` tells it from every other station of the parcel, whenever it is read.
    """

    progress: ParcelProgress
    at: datetime
    place: str
    region: str | None
    key: str


_NOT_YET: Final = re.compile(
    r"(?:待|未|预|将|约|准备|安排|等候|通知|联系|提醒)(?:快递|快递员|小哥)?(?:上门)?(?:揽收|揽件|派送|派件|配送|签收)"
    r"|(?:揽收|揽件|取件|派送|拦截|签收)(?:失败|取消)"
)
"""What is still to come, or did not come about."""
WORDS: Final[Mapping[ParcelProgress, re.Pattern[str]]] = {
    ParcelProgress.GOING_BACK: re.compile(r"退回|退件|退货|转退|改退|拦截|拒收|拒签|返回寄件"),
    ParcelProgress.SIGNED: re.compile(r"^(?:已|本人|他人|正常)?签收|已(?:被)?签收|签收成功|已代收|妥投"),
    ParcelProgress.DELIVERING: re.compile(r"派送|派件|配送|投递|待取件|自提|驿站|快递柜"),
    ParcelProgress.PICKED_UP: re.compile(r"揽收|揽件|已收件|收寄|已取件|取件成功"),
    ParcelProgress.MOVING: re.compile(r"运输|到达|抵达|离开|发往|发出|中转|转运|分拨|在途|航班|装车|清关"),
}
"""The words that show how far a parcel is; of several the first counts.

From the examples in the platform's and the carriers' documents.
"""
REGIONS: Final = (
    *("北京", "天津", "上海", "重庆", "河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽", "福建", "江西"),
    *("山东", "河南", "湖北", "湖南", "广东", "海南", "四川", "贵州", "云南", "陕西", "甘肃", "青海", "台湾"),
    *("内蒙古", "广西", "西藏", "宁夏", "新疆", "香港", "澳门"),
)
"""The provinces, as stations are named after them."""
_REGION: Final = re.compile(rf"[\s【\[(]*({'|'.join(REGIONS)})(?![东西南北中]?[路街巷道])")
"""A province at the beginning of a station's name; many a street is named after one as well."""
_LAST_MILE: Final = (ParcelProgress.DELIVERING, ParcelProgress.SIGNED)


def stations(nodes: Iterable[Node]) -> list[Station]:
    """Return a parcel's way in order, from the first station that shows it in the carrier's hands.

    Once it goes back, all that follows belongs to the way back: then it is signed for by its sender.
    """
    way: list[Station] = []
    back = False
    for node in sorted((node for node in nodes if node.at), key=lambda node: node.at.timestamp() if node.at else 0):
        shown = _progress(node)
        if node.at is None or (not way and shown in (None, ParcelProgress.GOING_BACK)):
            continue
        back = back or shown is ParcelProgress.GOING_BACK
        progress = ParcelProgress.GOING_BACK if back else shown or ParcelProgress.MOVING
        region = region_of(node.site_name) if progress in _LAST_MILE else None
        way.append(Station(progress, node.at, node.site_name, region, _key(node, node.at)))
    return way


def region_of(site: str) -> str | None:
    """Return the province that a station is named after, None if its name does not say."""
    found = _REGION.match(site)
    return found.group(1) if found else None


def _progress(node: Node) -> ParcelProgress | None:
    """Return what a station shows, by the platform's own words or else by the carrier's; None if neither says.

    That a parcel goes back only the carrier may say: for the platform it is on its way.
    """
    own, carriers = _shown(node.description), _shown(node.content)
    if carriers is ParcelProgress.GOING_BACK:
        return carriers
    return own or (None if _NOT_YET.search(node.description) else carriers)


def _shown(words: str) -> ParcelProgress | None:
    told = _NOT_YET.sub("", words)
    return next((progress for progress, pattern in WORDS.items() if pattern.search(told)), None)


def _key(node: Node, at: datetime) -> str:
    words = f"{node.description}\n{node.content}\n{node.site_name}"
    return f"{int(at.timestamp())}/{hashlib.sha256(words.encode()).hexdigest()[:8]}"
