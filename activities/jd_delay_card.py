"""The effects of a JD delay card: console tasks, as only shipping has a public interface."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How
from cases.messages import ConsoleTask

REPORTS = "商家后台 > 订单管理 > 延迟发货管理 > 紧急报备"

EFFECTS: Mapping[str, How] = {
    "send_card": ConsoleTask(
        page="咚咚工作台 > 客服助手插件 > 客户&插件",
        instruction=(
            "先与买家建立会话,找到该订单,点击「延迟发货」,系统自动发送话术(每单只能发一次),"
            "随后在本案件用 card_sent 登记发送时间"
        ),
    ),
    "file_report": ConsoleTask(
        page=REPORTS,
        instruction=(
            "填写订单号与约定的发货时间,上传案件中的聊天截图、短信或通话记录(须涉及具体的发货时间),提交紧急报备;"
            "审核时效 24 小时"
        ),
    ),
    "take_report_back": ConsoleTask(page=REPORTS, instruction="找到该订单待审核的报备,点击撤回;已有审核结果的不能撤回"),
    "escalate_review": ConsoleTask(
        page=REPORTS, instruction="报备已超过 24 小时未审核:联系京东商家客服催审;未通过前订单仍有超时风险"
    ),
    "push_tracking_number": PLATFORM_CALL,
}
