"""The effects of a Douyin reship, and how they are performed."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How
from cases.messages import ConsoleTask

EFFECTS: Mapping[str, How] = {
    "agree_on_platform": PLATFORM_CALL,
    "refuse_on_platform": PLATFORM_CALL,
    "push_tracking_number": PLATFORM_CALL,
    "submit_evidence": PLATFORM_CALL,
    # order.logisticsEdit edits the parcel of an order, not the one of an after-sale: no method for that is known.
    "correct_number_on_platform": ConsoleTask(
        page="抖店后台 > 售后 > 售后工作台 > 补寄售后单 > 售后详情",
        instruction="点击修改物流,改成本案件中的快递公司和真实物流单号(上传后 24 小时内可改,改后补寄时限不重新计算)",
    ),
    "contact_buyer": ConsoleTask(
        page="抖店后台 > 售后 > 售后工作台 > 补寄售后单 > 售后详情",
        instruction="联系买家:请其撤销后申请其他类型售后;或协商一致,留存买家同意的凭证后在本案件中拒绝",
    ),
}
