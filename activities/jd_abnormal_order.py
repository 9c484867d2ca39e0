"""The effects of an abnormal order on JD: console tasks, as only shipping has a public interface."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How
from cases.messages import ConsoleTask

EFFECTS: Mapping[str, How] = {
    "file_deletion": ConsoleTask(
        page="商家后台 > 权益服务 > 维权管理 > 异常下单 > 异常下单提报",
        instruction="填写订单号与案件中的提报原因,上传案件中的凭证(地址不详、空号、联系不上的记录),提交异常删单申请",
    ),
    "report_malicious": ConsoleTask(
        page="商家后台 > 京营保 > 恶意行为投诉中心",
        instruction="找到该订单的恶意下单预警并上报;预警已消失的仍可上报:填写订单号与案件中的原因,上传案件中的凭证",
    ),
    "push_tracking_number": PLATFORM_CALL,
}
