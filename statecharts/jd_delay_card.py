"""京东 · 延迟发货卡片 (JD delay card): rules JD-1 ... JD-6 and JD-14."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import (
    Party,
    after,
    always,
    at,
    book,
    by,
    do,
    moment,
    stated,
    stays,
    submits,
    tell,
    under,
    undo,
    upon,
)

_AMENDED = "2026-11-27"
"""Since this edition a report can be filed from every state, and a promise that has passed is a late order (JD-14)."""

send_card = do(
    "send_card",
    "在咚咚发送延迟发货卡片",
    calls_platform=True,
    unless="card_asked_for",
    until=("card_sent", "presume_sent", "approve_report"),
)
file_report = submits("file_report", "在商家后台提交紧急报备")
take_report_back = submits("take_report_back", "在商家后台撤回紧急报备")
escalate_review = do(
    "escalate_review",
    "报备审核超时,联系平台催审",
    until=("approve_report", "refuse_report", "recall_report", "ship", "cancel_order"),
    escalates=True,
)
push_tracking_number = submits("push_tracking_number", "上传真实物流单号")
record_late_shipment = book("record_late_shipment", "延迟发货违规一次", clause="JD-5", counted=True)
record_late_order = book("record_late_order", "延迟发货一单", clause="JD-14", counted=True, once_an_order=True)
take_back_late_order = undo(
    "take_back_late_order",
    "撤回延迟发货一单",
    entries=("record_late_order",),
    clause="JD-14",
    across=("JD-10", "JD-14"),
)
exempt_by_card = tell("exempt_by_card", "买家已接受卡片,告知发货监控", process="jd_shipment", rule="exempt")
exempt_by_report = tell("exempt_by_report", "紧急报备已通过,告知发货监控", process="jd_shipment", rule="exempt")
tell_upload = tell(
    "tell_upload",
    "已发货,告知发货监控",
    process="jd_shipment",
    rule="upload_tracking",
    with_form=True,
    unless="before_amendment",
)
tell_cancellation = tell(
    "tell_cancellation",
    "订单已取消,告知发货监控",
    process="jd_shipment",
    rule="cancel_order",
    unless="before_amendment",
)


class JdDelayCard(CaseChart):
    """One card per order, and reports; the promised time counts until one is approved, then the agreed one."""

    sending = State("待发送卡片", initial=True, enter=send_card)
    awaiting_buyer = State("待买家点击")
    declined = State("买家已拒绝")
    expired = State("超时未点击已取消")
    emergency_review = State("紧急报备审核中")
    report_refused = State("紧急报备未通过")
    approved = State("报备已通过")
    late = State("已超过约定发货时间")
    shipped_on_time = State("按时发货", final=True, enter=tell_upload)
    shipped_late = State("延迟发货", final=True, enter=[record_late_shipment, tell_upload])
    not_exempt = State("不予免责", final=True)
    order_cancelled = State("订单已取消", final=True, enter=tell_cancellation)

    advice = {
        "sending": (
            "每单只能发 1 次卡片,接受、拒绝、超时都不能再发 (004)",
            "咚咚工作台 > 客服助手插件 > 客户&插件 (004)",
            "找到订单点「延迟发货」,系统自动发话术给顾客 (004)",
            "要先与消费者建立会话 (004)",
        ),
        "awaiting_buyer": (
            "顾客在聊天框或京东 App 站内消息里点接受、拒绝 (004)",
            "接受即审核通过,无需再去后台报备 (004)",
            "48 小时未点击,该报备单自动取消 (004)",
            "结果同步在商家后台-延迟发货报备-紧急报备 (004)",
        ),
        "declined": (
            "卡片不能再发;之后谈妥了,走紧急报备 (004)",
            "商家后台>订单管理>延迟发货管理>紧急报备 (004)",
            "带订单号,与咚咚聊天截图、短信或通话记录 (004)",
            "凭证里要有具体的发货时间 (004)",
        ),
        "expired": (
            "卡片不能再发;之后谈妥了,走紧急报备 (004)",
            "商家后台>订单管理>延迟发货管理>紧急报备 (004)",
            "带订单号,与咚咚聊天截图、短信或通话记录 (004)",
            "凭证里要有具体的发货时间 (004)",
        ),
        "emergency_review": ("审核时效 24 小时 (004)",),
        "report_refused": (
            "补齐双方达成一致的凭证后,可再报 (004)",
            "凭证里要有具体的发货时间 (004)",
        ),
        "approved": ("按约定的时间发货;发货后上传快递单号 (004)",),
        "late": ("尽快出库:延迟发货每单扣 1 分,每周不超过 7 分 (004)",),
        "shipped_late": (
            "周 48 小时揽件及时率低于 95%:直接扣 7 分 (004)",
            "防范:天气、大型活动、仓库维护等先做预报备 (004)",
        ),
        "order_cancelled": ("电话里取消的单,后台没及时取消要补报备 (004)",),
    }

    sent_before = always("卡片已发送", under("JD-1", sending.to(awaiting_buyer, cond="already_sent")))
    card_sent = by(
        Party.MERCHANT,
        "卡片已发送",
        under("JD-1", sending.to(awaiting_buyer)),
        under("JD-1", stays(emergency_review, report_refused, cond="card_unsent"), new_in=_AMENDED),
        form="card_sent",
    )
    presume_sent = after(
        "24h",
        "未确认,视同已发送",
        under("JD-1", sending.to(awaiting_buyer, unless="already_sent")),
        figure="sending_presumed",
        named="卡片未确认,视同已发送",
        of=Party.MERCHANT,
    )
    accept = by(
        Party.BUYER,
        "接受延迟发货",
        under("JD-2", awaiting_buyer.to(approved), gone_in=_AMENDED),
        under("JD-2", awaiting_buyer.to(approved, on=[take_back_late_order, exempt_by_card]), new_in=_AMENDED),
        under(
            "JD-2",
            stays(emergency_review, cond="card_out", on=[take_back_late_order, exempt_by_card]),
            closes=moment("card_expires_at", named="买家点击时限"),
            new_in=_AMENDED,
        ),
        under(
            "JD-2",
            report_refused.to(approved, cond="card_out", on=[take_back_late_order, exempt_by_card]),
            closes=moment("card_expires_at", named="买家点击时限"),
            new_in=_AMENDED,
        ),
    )
    decline = by(
        Party.BUYER,
        "拒绝延迟发货",
        under("JD-2", awaiting_buyer.to(declined)),
        under(
            "JD-2",
            stays(emergency_review, report_refused, cond="card_out"),
            closes=moment("card_expires_at", named="买家点击时限"),
            new_in=_AMENDED,
        ),
    )
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
        under(
            "JD-3",
            emergency_review.from_(sending, awaiting_buyer, approved, late, on=file_report),
            new_in=_AMENDED,
        ),
        form="emergency_report",
    )
    recall_report = by(
        Party.MERCHANT,
        "撤回紧急报备",
        under("JD-3", emergency_review.to(sending, cond="stood_sending", on=take_report_back), new_in=_AMENDED),
        under("JD-3", emergency_review.to(awaiting_buyer, cond="stood_awaiting", on=take_report_back), new_in=_AMENDED),
        under("JD-3", emergency_review.to(declined, cond="stood_declined", on=take_report_back), new_in=_AMENDED),
        under("JD-3", emergency_review.to(expired, cond="stood_expired", on=take_report_back), new_in=_AMENDED),
        under("JD-3", emergency_review.to(report_refused, cond="stood_refused", on=take_report_back), new_in=_AMENDED),
        under("JD-3", emergency_review.to(approved, cond="approval_in_force", on=take_report_back), new_in=_AMENDED),
        under("JD-3", emergency_review.to(late, cond="stood_late", on=take_report_back), new_in=_AMENDED),
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
    approve_report = upon(
        "报备通过",
        under("JD-3", emergency_review.to(approved), gone_in=_AMENDED),
        under("JD-3", emergency_review.to(approved, on=[take_back_late_order, exempt_by_report]), new_in=_AMENDED),
    )
    refuse_report = upon(
        "报备未通过",
        under("JD-3", emergency_review.to(report_refused), form="unexplained", gone_in=_AMENDED),
        under("JD-3", emergency_review.to(report_refused, unless="approval_in_force"), new_in=_AMENDED),
        under("JD-3", emergency_review.to(approved, cond="approval_in_force"), new_in=_AMENDED),
        form="refusal",
    )
    miss_promise = at(
        "promised_ship_at",
        "超过承诺发货时间",
        under("JD-5", stays(sending, unless="promise_missed"), gone_in=_AMENDED),
        under("JD-5", stays(awaiting_buyer, unless="promise_missed"), gone_in=_AMENDED),
        under("JD-5", stays(declined, unless="promise_missed"), gone_in=_AMENDED),
        under("JD-5", stays(expired, unless="promise_missed"), gone_in=_AMENDED),
        under("JD-5", stays(emergency_review, unless="promise_missed"), gone_in=_AMENDED),
        under("JD-5", stays(report_refused, unless="promise_missed"), gone_in=_AMENDED),
        under(
            "JD-14",
            stays(
                sending,
                awaiting_buyer,
                declined,
                expired,
                emergency_review,
                report_refused,
                unless=["promise_missed", "approved_before"],
                on=record_late_order,
            ),
            new_in=_AMENDED,
        ),
        named="承诺发货时间",
        of=Party.MERCHANT,
    )
    miss_agreed_ship = at(
        "agreed_ship_at",
        "超过约定发货时间",
        under("JD-5", approved.to(late)),
        under("JD-5", stays(emergency_review, cond="approval_in_force"), new_in=_AMENDED),
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
        under(
            "JD-5",
            emergency_review.to(shipped_on_time, unless="promise_missed", on=push_tracking_number),
            gone_in=_AMENDED,
        ),
        under(
            "JD-5",
            emergency_review.to(shipped_on_time, unless="deadline_missed", on=push_tracking_number),
            new_in=_AMENDED,
        ),
        under(
            "JD-5",
            report_refused.to(shipped_on_time, unless="promise_missed", on=push_tracking_number),
            gone_in=_AMENDED,
        ),
        under(
            "JD-5",
            report_refused.to(shipped_on_time, unless="deadline_missed", on=push_tracking_number),
            new_in=_AMENDED,
        ),
        under("JD-5", sending.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", awaiting_buyer.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", declined.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under("JD-5", expired.to(shipped_late, cond="promise_missed", on=push_tracking_number)),
        under(
            "JD-5", emergency_review.to(shipped_late, cond="promise_missed", on=push_tracking_number), gone_in=_AMENDED
        ),
        under(
            "JD-5", emergency_review.to(shipped_late, cond="deadline_missed", on=push_tracking_number), new_in=_AMENDED
        ),
        under(
            "JD-5", report_refused.to(shipped_late, cond="promise_missed", on=push_tracking_number), gone_in=_AMENDED
        ),
        under(
            "JD-5", report_refused.to(shipped_late, cond="deadline_missed", on=push_tracking_number), new_in=_AMENDED
        ),
        under("JD-5", approved.to(shipped_on_time, on=push_tracking_number)),
        under("JD-5", late.to(shipped_late, on=push_tracking_number)),
        form="shipment",
    )
    give_up = after(
        "72h",
        "逾期未报备",
        under("JD-6", declined.to(not_exempt)),
        under("JD-6", expired.to(not_exempt)),
        under("JD-6", report_refused.to(not_exempt), gone_in=_AMENDED),
        under("JD-6", report_refused.to(not_exempt, unless="agreed_missed"), new_in=_AMENDED),
        under("JD-6", report_refused.to(not_exempt, cond="agreed_missed", on=record_late_shipment), new_in=_AMENDED),
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
