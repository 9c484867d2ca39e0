"""The effects of a JD shipment watch: uploading a number has a public interface, reports do not."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How
from cases.messages import ConsoleTask

EFFECTS: Mapping[str, How] = {
    "push_tracking_number": PLATFORM_CALL,
    "file_phone_cancel": ConsoleTask(
        page="商家后台 > 订单管理 > 延迟发货管理",
        instruction="进入延迟报备,填写订单号,说明已与客户电话协商取消,上传案件中的凭证提交报备;未通过前仍按延迟发货计",
    ),
}
