"""京东 · 延迟发货卡片 (JD delay card): rules JD-1 ... JD-6."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, at_once, book, by, do, stays, under, upon

send_card = do("send_card", "在咚咚发送延迟发货卡片", commands=True, unless="already_sent", until=("card_sent",))
file_report = do("file_report", "在商家后台提交紧急报备", commands=True)
escalate_review = do("escalate_review", "报备审核超时,联系平台催审", escalates=True)
push_tracking_number = do("push_tracking_number", "上传真实物流单号", commands=True)
record_late_shipment = book("record_late_shipment", "延迟发货违规一次", clause="JD-5")


class JdDelayCard(CaseChart):
    """One card an order; until a report is approved the promised time counts, then the agreed one."""

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

    unapproved = (sending, awaiting_buyer, declined, expired, emergency_review, report_refused)

    sent_before = at_once("卡片已发送", under("JD-1", sending.to(awaiting_buyer, cond="already_sent")))
    card_sent = by(Party.MERCHANT, "卡片已发送", under("JD-1", sending.to(awaiting_buyer)), form="card_sent")
    presume_sent = after(
        "sending_presumed",
        "未确认,视同已发送",
        under("JD-1", sending.to(awaiting_buyer, unless="already_sent")),
        of=Party.MERCHANT,
    )
    accept = by(Party.BUYER, "接受延迟发货", under("JD-2", awaiting_buyer.to(approved)))
    decline = by(Party.BUYER, "拒绝延迟发货", under("JD-2", awaiting_buyer.to(declined)))
    expire = after(
        "card_click",
        "超时未点击",
        under("JD-2", awaiting_buyer.to(expired)),
        of=Party.BUYER,
        run_by=Party.PLATFORM,
    )
    file_emergency_report = by(
        Party.MERCHANT,
        "提交紧急报备",
        under(
            "JD-3",
            declined.to(emergency_review, on=file_report)
            | expired.to(emergency_review, on=file_report)
            | report_refused.to(emergency_review, on=file_report),
        ),
        form="emergency_report",
    )
    review_overdue = after(
        "review",
        "审核超时,升级",
        under("JD-4", stays(emergency_review, unless="escalated", on=escalate_review)),
        of=Party.PLATFORM,
    )
    approve_report = upon("报备通过", under("JD-3", emergency_review.to(approved)))
    refuse_report = upon("报备未通过", under("JD-3", emergency_review.to(report_refused)))
    miss_promise = after(
        "promised_ship",
        "超过承诺发货时间",
        under(
            "JD-5",
            stays(
                *unapproved,
                unless="promise_missed",
            ),
        ),
        of=Party.MERCHANT,
    )
    miss_agreed_ship = after("agreed_ship", "超过约定发货时间", under("JD-5", approved.to(late)), of=Party.MERCHANT)
    ship = by(
        Party.MERCHANT,
        "发货",
        under(
            "JD-5",
            shipped_on_time.from_(
                *unapproved,
                unless="promise_missed",
                on=push_tracking_number,
            )
            | shipped_late.from_(
                *unapproved,
                cond="promise_missed",
                on=push_tracking_number,
            )
            | approved.to(shipped_on_time, on=push_tracking_number)
            | late.to(shipped_late, on=push_tracking_number),
        ),
        form="shipment",
    )
    give_up = after(
        "filing",
        "逾期未报备",
        under("JD-6", not_exempt.from_(declined, expired, report_refused)),
        of=Party.MERCHANT,
    )
    cancel_order = upon(
        "订单取消",
        under(
            "JD-5",
            order_cancelled.from_(
                *unapproved,
                approved,
                late,
            ),
        ),
    )
