"""The effects of a Douyin reship, and how they are performed."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How
from cases.messages import ConsoleTask

EFFECTS: Mapping[str, How] = {
    "agree_on_platform": PLATFORM_CALL,
    "refuse_on_platform": PLATFORM_CALL,
    "push_tracking_number": PLATFORM_CALL,
    "submit_evidence": PLATFORM_CALL,
    "contact_buyer": ConsoleTask(
        page="抖店后台 > 售后 > 售后工作台 > 补寄售后单 > 售后详情",
        instruction="联系买家:请其撤销后申请其他类型售后;或协商一致,留存买家同意的凭证后在本案件中拒绝",
    ),
}
