"""The effects of an Anxinjian split order: console tasks only, as there is no public interface."""

from collections.abc import Mapping

from activities.effects import How
from cases.messages import ConsoleTask

SIGNING = "ISV(ERP)系统 > 签收界面"
OPERATIONS = "平台小二(运营)"

EFFECTS: Mapping[str, How] = {
    "ask_choice": ConsoleTask(
        page="联系商家",
        instruction="告知本件被拆成多单:或只留实物订单,其余退款重拍;或(买家不愿取消时)全部保留,商家承担运费;"
        "随后用 choose 登记,买家不愿取消的用 buyer_keeps 登记",
    ),
    "escalate_silence": ConsoleTask(
        page=OPERATIONS, instruction="商家超过时限未选择处理方式:请平台联系商家;随后用 choose 登记"
    ),
    "arrange_repurchase": ConsoleTask(
        page="联系商家",
        instruction="请商家告知买家:只留实物订单,其余订单退款并重拍普通订单,由商家在千牛发货;"
        "买家不愿取消的,用 buyer_keeps 登记",
    ),
    "ask_platform": ConsoleTask(
        page=SIGNING, instruction="该订单无法签收或原因不明:向平台小二反馈;查明后用 sign_in 或 explain_unsigned 登记"
    ),
    "send_back": ConsoleTask(
        page=SIGNING,
        instruction="鉴定未通过或买家已退款:商品不再发给买家,退回商家,鉴定费照收;寄出后用 return_item 登记快递与单号",
    ),
    "report_to_operations": ConsoleTask(
        page=OPERATIONS, instruction="线上步骤受阻:反馈平台运营处理,严禁线下发出;修复后用 unblock 登记"
    ),
}
