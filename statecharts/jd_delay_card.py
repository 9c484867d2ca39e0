"""京东 · 延迟发货卡片 (JD delay card): rules JD-1 ... JD-6."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, always, at, book, by, do, stated, stays, submits, under, upon

send_card = do(
    "send_card",
    "在咚咚发送延迟发货卡片",
    calls_platform=True,
    unless="already_sent",
    until=("card_sent", "presume_sent"),
)
file_report = submits("file_report", "在商家后台提交紧急报备")
escalate_review = do("escalate_review", "报备审核超时,联系平台催审", escalates=True)
push_tracking_number = submits("push_tracking_number", "上传真实物流单号")
record_late_shipment = book("record_late_shipment", "延迟发货违规一次", clause="JD-5", counted=True)


class JdDelayCard(CaseChart):
    """One card per order; the promised shipping time counts until a report is approved, then the agreed one."""

    sending = State("待发送卡片", initial=True, enter=send_card)
    awaiting_buyer = State("待买家点击")
    declined = State("买家已拒绝")
    expired = State("超时未点击已取消")
    emergency_review = State("紧急报备审核中")
    report_refused = State("紧急报备未通过")
    approved = State("报备已通过")
    late = State("已超过约定发货时间")
    shipped_on_time = State("按时发货", final=True)
    shipped_late = State("延迟发货", final=True, enter=record_late_shipment)
    not_exempt = State("不予免责", final=True)
    order_cancelled = State("订单已取消", final=True)

    sent_before = always("卡片已发送", under("JD-1", sending.to(awaiting_buyer, cond="already_sent")))
    card_sent = by(Party.MERCHANT, "卡片已发送", under("JD-1", sending.to(awaiting_buyer)), form="card_sent")
    presume_sent = after(
        "24h",
        "未确认,视同已发送",
        under("JD-1", sending.to(awaiting_buyer, unless="already_sent")),
        figure="sending_presumed",
        named="卡片未确认,视同已发送",
        of=Party.MERCHANT,
    )
    accept = by(Party.BUYER, "接受延迟发货", under("JD-2", awaiting_buyer.to(approved)))
    decline = by(Party.BUYER, "拒绝延迟发货", under("JD-2", awaiting_buyer.to(declined)))
    expire = after(
        "48h",
        "超时未点击",
        under("JD-2", awaiting_buyer.to(expired)),
        figure="card_click",
        named="买家点击时限",
        source=stated("source 004 §2, §10"),
        of=Party.BUYER,
        run_by=Party.PLATFORM,
    )
    file_emergency_report = by(
        Party.MERCHANT,
        "提交紧急报备",
        under("JD-3", declined.to(emergency_review, on=file_report)),
        under("JD-3", expired.to(emergency_review, on=file_report)),
        under("JD-3", report_refused.to(emergency_review, on=file_report)),
        form="emergency_report",
    )
    review_overdue = after(
        "24h",
        "审核超时,升级",
        under("JD-4", stays(emergency_review, unless="escalated", on=escalate_review)),
        figure="review",
        named="报备审核时限",
        clause="JD-3",
        source=stated("source 004 §9"),
        of=Party.PLATFORM,
    )
    approve_report = upon("报备通过", under("JD-3", emergency_review.to(approved)))
    refuse_report = upon("报备未通过", under("JD-3", emergency_review.to(report_refused)))
    miss_promise = at(
        "promised_ship_at",
        "超过承诺发货时间",
        under("JD-5", stays(sending, unless="promise_missed")),
        under("JD-5", stays(awaiting_buyer, unless="promise_missed")),
        under("JD-5", stays(declined, unless="promise_missed")),
        under("JD-5", stays(expired, unless="promise_missed")),
        under("JD-5", stays(emergency_review, unless="promise_missed")),
        under("JD-5", stays(report_refused, unless="promise_missed")),
        named="承诺发货时间",
        of=Party.MERCHANT,
    )
    miss_agreed_ship = at(
        "agreed_ship_at",
        "超过约定发货时间",
        under("JD-5", approved.to(late)),
        named="约定发货时间",
        of=Party.MERCHANT,
    )
    ship = by(
        Party.MERCHANT,
        "发货",
        under("JD-5", sending.to(shipped_on_time, unless="promise_missed", on=push_tracking_number)),
        under("JD-5", awaiting_buyer.to(shipped_on_time, unless="promise_missed", on=push_tracking_number)),
        under("JD-5", declined.to(shipped_on_time, unless="promise_missed", on=push_tracking_number)),
        under("JD-5", expired.to(shipped_on_time, unless="promise_missed", on=push_tracking_number)),
        under("JD-5", emergency_review.to(shipped_on_time, unless="promise_missed", on=push_tracking_number)),
        under("JD-5", report_refused.to(shipped_on_time, unless="promise_missed", on=push_tracking_number)),
        under("JD-5", sending.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", awaiting_buyer.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", declined.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", expired.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", emergency_review.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", report_refused.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", approved.to(shipped_on_time, on=push_tracking_number)),
        under("JD-5", late.to(shipped_late, on=push_tracking_number)),
        form="shipment",
    )
    give_up = after(
        "72h",
        "逾期未报备",
        under("JD-6", declined.to(not_exempt)),
        under("JD-6", expired.to(not_exempt)),
        under("JD-6", report_refused.to(not_exempt)),
        figure="filing",
        named="紧急报备提交时限",
        of=Party.MERCHANT,
    )
    cancel_order = upon(
        "订单取消",
        under("JD-5", sending.to(order_cancelled)),
        under("JD-5", awaiting_buyer.to(order_cancelled)),
        under("JD-5", declined.to(order_cancelled)),
        under("JD-5", expired.to(order_cancelled)),
        under("JD-5", emergency_review.to(order_cancelled)),
        under("JD-5", report_refused.to(order_cancelled)),
        under("JD-5", approved.to(order_cancelled)),
        under("JD-5", late.to(order_cancelled)),
    )
