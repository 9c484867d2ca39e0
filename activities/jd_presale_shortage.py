"""The effects of a JD presale shortage: console tasks, as only shipping has a public interface."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How
from cases.messages import ConsoleTask

CHAT = "咚咚工作台"

EFFECTS: Mapping[str, How] = {
    "negotiate": ConsoleTask(
        page=CHAT,
        instruction="商品无货,主动与买家协商终止订单,双倍返还定金;随后用 buyer_agrees 或 buyer_refuses 登记答复",
    ),
    "call_buyer": ConsoleTask(
        page="电话联系买家",
        instruction=(
            "约定发货时间的 24 小时内:能调货的告知到货时间,用 tell_arrival 登记;不能调货的须买家明确同意删单,"
            "用 file_deletion 登记;保留通话记录或聊天截图"
        ),
    ),
    "urge_buyer": ConsoleTask(
        page="电话联系买家",
        instruction="买家 24 小时未答复到货时间:再次联系,用 accept_arrival 或 refuse_arrival 登记答复",
    ),
    "request_deletion": ConsoleTask(
        page="商家后台 > 权益服务 > 维权管理 > 异常下单 > 异常下单提报",
        instruction="填写订单号,上传买家明确同意删单的凭证,提交删单申请;原文未写明预售删单的入口,以商家后台为准",
    ),
    "push_tracking_number": PLATFORM_CALL,
    "return_deposit": ConsoleTask(
        page=CHAT, instruction="按案件写明的金额向买家双倍返还定金,请买家在咚咚确认收到,保留凭证"
    ),
}
