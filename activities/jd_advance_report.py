"""The effects of a JD advance report: console tasks only, as there is no public interface."""

from collections.abc import Mapping

from activities.effects import How
from cases.messages import ConsoleTask

DELAY_REPORTS = "商家后台 > 订单管理 > 延迟发货管理"
"""The page of delay reports; the source does not name the entry for advance reports."""

EFFECTS: Mapping[str, How] = {
    "file_report": ConsoleTask(
        page=DELAY_REPORTS,
        instruction="进入预报备,填写案件中的原因与起止时间,上传案件中的凭证后提交;审核时效 24 小时",
    ),
    "recall_report": ConsoleTask(page=DELAY_REPORTS, instruction="进入预报备,找到该时段的报备,点击撤回"),
    "escalate_review": ConsoleTask(
        page=DELAY_REPORTS,
        instruction="预报备已超过 24 小时未审核:联系京东商家客服催审;未通过前时段内的订单仍有超时风险",
    ),
}
