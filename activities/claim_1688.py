"""The effects of a 1688 claim: console tasks only, as there is no public interface."""

from collections.abc import Mapping

from activities.effects import How
from cases.messages import ConsoleTask

PAGE = "1688 商家工作台 > 履约 > 我的理赔服务中心"

EFFECTS: Mapping[str, How] = {
    "agree_to_pay": ConsoleTask(page=PAGE, instruction="找到该理赔单,核对赔付金额,点击「同意赔付」"),
    "file_appeal": ConsoleTask(page=PAGE, instruction="找到该理赔单,点击「发起申诉」,填写案件中的申诉理由并上传凭证"),
    "submit_evidence": ConsoleTask(page=PAGE, instruction="找到该理赔单的申诉,补充上传案件中新增的凭证"),
}
