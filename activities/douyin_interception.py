"""The effects of an interception on Douyin: stopping a parcel has an interface, signing and complaining have none."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How
from cases.messages import ConsoleTask

INTERCEPTION_PAGE = "PC 版抖店后台 > 售后 > 售后工作台 > 售后详情 > 发起拦截"

EFFECTS: Mapping[str, How] = {
    "sign_on_platform": ConsoleTask(
        page=INTERCEPTION_PAGE,
        instruction="首次点击「发起拦截」会跳转到物流签约页面:勾选「我已阅读并同意快递拦截服务开通协议」,"
        "点击「立即签署」;每店只需一次",
    ),
    "intercept_parcel": PLATFORM_CALL,
    "file_complaint": ConsoleTask(
        page="抖店后台 > 物流 > 物流工具 > 服务单",
        instruction="查询该快递单号的服务单,线上发起投诉,上传案件中的凭证;快递公司按实际损失线下赔付",
    ),
}
