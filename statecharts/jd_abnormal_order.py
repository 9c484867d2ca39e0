"""京东 · 异常订单删单与恶意订单上报 (abnormal order): rule JD-13."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, by, notice, once, stated, stays, submits, tell, under, upon

file_deletion = submits("file_deletion", "在商家后台提报异常删单")
report_malicious = submits("report_malicious", "在恶意行为投诉中心上报")
push_tracking_number = submits("push_tracking_number", "上传真实物流单号")
warning_gone = notice("warning_gone", "下单已满 24 小时:京东不再预警该恶意订单,仍可上报")
tell_deletion = tell("tell_deletion", "告知本单发货监控:订单已删除", process="jd_shipment", rule="delete_order")
tell_card = tell("tell_card", "告知本单延迟发货卡片:订单已取消", process="jd_delay_card", rule="cancel_order")
tell_cancellation = tell("tell_cancellation", "告知本单发货监控:订单已取消", process="jd_shipment", rule="cancel_order")
tell_upload = tell(
    "tell_upload", "告知本单发货监控:已发货", process="jd_shipment", rule="upload_tracking", with_form=True
)


class JdAbnormalOrder(CaseChart):
    """An order that cannot or should not be shipped: the merchant files for its deletion, as often as it takes."""

    unfiled = State("待提报", initial=True)
    filed = State("提报审核中")
    rejected = State("提报被驳回")
    deleted = State("已删单", final=True, enter=[tell_deletion, tell_card])
    given_up = State("不再提报", final=True)
    cancelled = State("订单已取消", final=True, enter=[tell_cancellation, tell_card])

    advice = {
        "unfiled": (
            "地址不详、空号、联系不上:可提报异常删单 (004)",
            "权益服务>维权管理>异常下单>异常下单提报 (004)",
            "疑似恶意:京营保-恶意行为投诉中心,及时上报 (004)",
            "恶意订单已发货,或下单 24 小时后,不再预警 (004)",
        ),
        "rejected": (
            "可补充凭证再提报:权益服务>维权管理>异常下单 (004)",
            "没删单仍按时效发货:24 小时传单号,48 小时揽件 (004)",
        ),
    }

    file = by(
        Party.MERCHANT,
        "提报异常订单",
        under("JD-13", filed.from_(unfiled, rejected, unless="malicious", on=file_deletion)),
        under("JD-13", filed.from_(unfiled, rejected, cond="malicious", on=report_malicious)),
        form="abnormal_order_report",
    )
    warning_ends = after(
        "24h",
        "恶意下单预警结束",
        under("JD-13", stays(unfiled, cond="malicious", unless="shipped", on=warning_gone)),
        figure="malicious_warning",
        named="恶意下单预警时限",
        source=stated("source 004 §11"),
        of=Party.MERCHANT,
        since="ordered_at",
        again=once,
    )
    approve = upon("删单通过", under("JD-13", filed.to(deleted)))
    reject = upon("提报被驳回", under("JD-13", filed.to(rejected)), form="abnormal_order_rejection")
    ship = by(
        Party.MERCHANT,
        "发货",
        under("JD-13", stays(unfiled, filed, rejected, unless="shipped", on=[push_tracking_number, tell_upload])),
        form="shipment",
    )
    give_up = by(Party.MERCHANT, "不再提报", under("JD-13", given_up.from_(unfiled, rejected)))
    cancel_order = upon("订单取消", under("JD-13", cancelled.from_(unfiled, filed, rejected)))
