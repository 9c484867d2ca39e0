"""京东 · 预售无货 (JD presale shortage): rules JD-8, JD-9 and JD-14."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, always, at, book, by, do, once, read, stays, submits, tell, under, upon

negotiate = do(
    "negotiate",
    "与买家协商终止订单",
    unless="balance_paid",
    until=("buyer_agrees", "buyer_refuses", "pay_balance", "lapse"),
)
call_buyer = do("call_buyer", "电话联系买家", until=("tell_arrival", "file_deletion", "ship", "miss_call"))
urge_buyer = do(
    "urge_buyer",
    "买家未答复到货时间,再次联系",
    until=("accept_arrival", "refuse_arrival", "file_deletion", "ship"),
    escalates=True,
)
request_deletion = submits("request_deletion", "在商家后台提交删单申请")
push_tracking_number = submits("push_tracking_number", "上传真实物流单号")
return_deposit = do("return_deposit", "向买家双倍返还定金")
pay_before_balance = book("pay_before_balance", "双倍返还定金", clause="JD-8")
pay_after_balance = book("pay_after_balance", "双倍返还定金", clause="JD-9")
record_late_order = book("record_late_order", "延迟发货一单", clause="JD-14", counted=True, once_an_order=True)
stop_watch_of_cancelled = tell(
    "stop_watch_of_cancelled", "订单已终止,发货监控结束", process="jd_shipment", rule="cancel_order"
)
stop_watch_of_deleted = tell(
    "stop_watch_of_deleted", "订单已删除,发货监控结束", process="jd_shipment", rule="delete_order"
)
tell_upload = tell("tell_upload", "已发货,告知发货监控", process="jd_shipment", rule="upload_tracking", with_form=True)
tell_card = tell("tell_card", "订单已终止,告知延迟发货卡片", process="jd_delay_card", rule="cancel_order")


class JdPresaleShortage(CaseChart):
    """Before the balance is paid, end the order or ship; after it, call the buyer within 24 h of the promised time."""

    negotiating = State("协商终止中", initial=True, enter=negotiate)
    calling = State("待联系买家", enter=call_buyer)
    awaiting_buyer = State("待买家答复到货时间")
    must_ship = State("须按时发货")
    deletion_review = State("删单审核中")
    terminated = State("订单已终止", final=True, enter=[return_deposit, tell_card])
    shipped = State("已发货", final=True, enter=tell_upload)
    late = State("按延迟发货处理", final=True, enter=record_late_order)
    lapsed = State("买家未付尾款", final=True)

    advice = {
        "negotiating": ("主动与买家协商终止订单,同意则双倍返还定金 (004)", "买家不同意,按订单时效履约 (004)"),
        "calling": ("约定发货时间的 24 小时内电话联系买家 (004)", "能调货就告知到货时间,不能调货须买家明确同意 (004)"),
        "awaiting_buyer": ("买家不接受到货时间,平台按延迟发货处理 (004)",),
        "must_ship": ("在期限内发货并上传真实单号 (004)",),
        "deletion_review": ("删单通过后双倍返还定金 (004)",),
    }

    paid_before = always("尾款已付", under("JD-9", negotiating.to(calling, cond="balance_paid")))
    buyer_agrees = by(
        Party.BUYER,
        "同意终止订单",
        under("JD-8", negotiating.to(terminated, on=[pay_before_balance, stop_watch_of_cancelled])),
    )
    buyer_refuses = by(Party.BUYER, "不同意终止订单", under("JD-8", negotiating.to(must_ship)))
    pay_balance = by(Party.BUYER, "支付尾款", under("JD-9", negotiating.to(calling)))
    lapse = at(
        "promised_ship_at",
        "到期未付尾款",
        under("JD-8", negotiating.to(lapsed, unless="balance_paid")),
        named="承诺发货时间",
        of=Party.BUYER,
    )
    tell_arrival = by(Party.MERCHANT, "告知到货时间", under("JD-9", calling.to(awaiting_buyer)), form="arrival")
    accept_arrival = by(Party.BUYER, "接受到货时间", under("JD-9", awaiting_buyer.to(must_ship)))
    refuse_arrival = by(Party.BUYER, "不接受到货时间", under("JD-9", awaiting_buyer.to(late)))
    buyer_silent = after(
        "24h",
        "买家未答复,升级",
        under("JD-9", stays(awaiting_buyer, on=urge_buyer)),
        figure="answering",
        named="买家答复时限",
        of=Party.BUYER,
        again=once,
    )
    file_deletion = by(
        Party.MERCHANT,
        "提交删单申请",
        under("JD-9", deletion_review.from_(calling, awaiting_buyer, on=request_deletion)),
        form="deletion",
    )
    approve_deletion = upon(
        "删单通过",
        under("JD-9", deletion_review.to(terminated, on=[pay_after_balance, stop_watch_of_deleted])),
    )
    refuse_deletion = upon("删单未通过", under("JD-9", deletion_review.to(must_ship)), form="deletion_refusal")
    miss_call = after(
        "24h",
        "逾期未联系买家",
        under("JD-9", calling.to(late)),
        since="promised_ship_at",
        figure="contacting",
        named="联系买家时限",
        source=read("source 004 §3"),
        of=Party.MERCHANT,
    )
    ship = by(
        Party.MERCHANT,
        "发货",
        under("JD-8", must_ship.to(shipped, on=push_tracking_number)),
        under("JD-9", shipped.from_(calling, awaiting_buyer, deletion_review, on=push_tracking_number)),
        form="shipment",
    )
    miss_shipping = at(
        "ship_by",
        "超过发货期限",
        under("JD-14", must_ship.to(late)),
        named="发货期限",
        of=Party.MERCHANT,
    )
