"""京东 · 发货与揽收监控 (JD shipment watch): rules JD-10, JD-12 and JD-14."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import ASSUMED, Party, after, book, by, stated, stays, submits, tell, under, undo, upon

push_tracking_number = submits("push_tracking_number", "上传真实物流单号")
file_phone_cancel = submits("file_phone_cancel", "在商家后台报备电话取消的订单")
tell_upload = tell(
    "tell_upload",
    "告知本单延迟发货卡片:已发货",
    process="jd_delay_card",
    rule="ship",
    with_form=True,
    unless="opened_before_telling",
)
tell_end = tell(
    "tell_end",
    "告知本单延迟发货卡片:订单已取消",
    process="jd_delay_card",
    rule="cancel_order",
    unless="opened_before_telling",
)
record_late_order = book("record_late_order", "延迟发货一单", clause="JD-10", counted=True, once_an_order=True)
take_back_late_order = undo(
    "take_back_late_order",
    "撤回延迟发货一单",
    entries=("record_late_order",),
    clause="JD-14",
    across=("JD-10", "JD-14"),
)


class JdShipment(CaseChart):
    """Number uploaded in 24 h, picked up in 48 h: either missed makes the order late, unless it is exempt."""

    awaiting_upload = State("待上传单号", initial=True)
    awaiting_pickup = State("待揽收")
    picked_up = State("已揽收", final=True)
    cancelled_under_review = State("已取消待报备结果")
    cancelled = State("订单已取消", final=True)
    deleted = State("订单已删除", final=True)

    advice = {
        "awaiting_upload": (
            "下单 24 小时内上传单号,以京东系统时间为准 (004)",
            "下单 48 小时内要有揽件,以快递公司系统为准 (004)",
            "赶不上时与客户谈妥,走卡片或紧急报备 (004)",
            "电话里取消的单,后台没及时取消要去报备 (004)",
            "地址不详、空号联系不上:提报异常删单 (004)",
            "客户退换货的时间不算在发货时效内 (004)",
            "改发货地址:商家后台-配送管理-发货地址管理 (004)",
        ),
        "awaiting_pickup": (
            "揽件时间以快递公司系统记录的为准 (004)",
            "周揽件及时率≥95%:每单扣 1 分,每周不超过 7 分 (004)",
            "周揽件及时率<95%:扣 7 分 (004)",
            "改地址:京东快递找商家客服,其他快递自己联系 (004)",
        ),
    }

    upload_tracking = by(
        Party.MERCHANT,
        "上传物流单号",
        under("JD-10", awaiting_upload.to(awaiting_pickup, on=[push_tracking_number, tell_upload])),
        form="shipment",
    )
    pick_up = upon("快递揽收", under("JD-10", picked_up.from_(awaiting_upload, awaiting_pickup)))
    miss_upload = after(
        "24h",
        "超时未上传单号",
        under("JD-10", stays(awaiting_upload, unless="upload_missed", on=record_late_order)),
        figure="upload",
        named="上传单号时限",
        source=stated("source 004 §5 (1)"),
        since="counted_from",
        of=Party.MERCHANT,
    )
    miss_pickup = after(
        "48h",
        "超时未揽收",
        under("JD-10", stays(awaiting_upload, awaiting_pickup, unless="pickup_missed", on=record_late_order)),
        figure="pickup",
        named="揽收时限",
        source=stated("source 004 §5 (2)"),
        since="counted_from",
        of=Party.MERCHANT,
    )
    exempt = upon(
        "获准延迟免责",
        under("JD-14", stays(awaiting_upload, awaiting_pickup, on=take_back_late_order)),
        under("JD-14", cancelled_under_review.to(cancelled, on=take_back_late_order), new_in="2026-11-28"),
        form="exemption",
    )
    report_phone_cancel = by(
        Party.MERCHANT,
        "报备电话取消",
        under("JD-12", stays(awaiting_upload, awaiting_pickup, unless="phone_cancel_filed", on=file_phone_cancel)),
        form="proof",
    )
    refuse_report = upon(
        "电话取消报备未通过",
        under("JD-12", stays(awaiting_upload, awaiting_pickup, cond="phone_cancel_filed")),
        under("JD-12", cancelled_under_review.to(cancelled), new_in="2026-11-28"),
        form="refusal",
    )
    cancel_order = upon(
        "订单取消",
        under("JD-10", cancelled.from_(awaiting_upload, awaiting_pickup), gone_in="2026-11-28"),
        under(
            "JD-10",
            cancelled.from_(awaiting_upload, awaiting_pickup, unless="phone_cancel_filed", on=tell_end),
            new_in="2026-11-28",
        ),
        under(
            "JD-12",
            cancelled_under_review.from_(awaiting_upload, awaiting_pickup, cond="phone_cancel_filed", on=tell_end),
            new_in="2026-11-28",
        ),
    )
    delete_order = upon("订单删除", under("JD-13", deleted.from_(awaiting_upload, awaiting_pickup, on=tell_end)))
    await_no_longer = after(
        "7d",
        "报备迟迟无结果",
        under("JD-12", cancelled_under_review.to(cancelled), new_in="2026-11-28"),
        figure="phone_cancel_review",
        named="电话取消报备等待结果的时限",
        source=ASSUMED,
        of=Party.PLATFORM,
    )
