"""The effects of a shipping-anomaly warning on 1688: console tasks only, as none of them has a public interface."""

from collections.abc import Mapping

from activities.effects import How
from cases.messages import ConsoleTask

WARNINGS = "1688 商家工作台 > 履约(物流异常预警)"
SOLD = "1688 商家工作台 > 交易 > 已卖出的货品"

EFFECTS: Mapping[str, How] = {
    "ask_carrier": ConsoleTask(
        page=WARNINGS, instruction="按案件中的运单号联系物流公司,催促更新下一节点的物流信息;办妥后用 urge_carrier 登记"
    ),
    "inform_buyer": ConsoleTask(
        page="阿里旺旺", instruction="在旺旺上向买家说明物流停滞的情况和预计时间;办妥后用 tell_buyer 登记"
    ),
    "refund_buyer": ConsoleTask(page=SOLD, instruction="与买家说好退款,找到该订单,同意买家的退款申请"),
    "update_tracking_number": ConsoleTask(
        page=SOLD, instruction="与买家说好补发,用新单号寄出,找到该订单,把物流单号改为案件中的新单号"
    ),
    "file_anomaly_report": ConsoleTask(
        page=WARNINGS, instruction="找到该订单的预警,提交报备:填写案件中的原因,上传联系不上买家的凭证"
    ),
}
