"""抖店 · 补寄 (Douyin reship): rules DR-1 ... DR-22."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import (
    Party,
    after,
    again,
    always,
    at,
    book,
    by,
    do,
    form,
    notice,
    read,
    stated,
    stays,
    submits,
    tell,
    under,
    upon,
    window,
)

PUBLIC_COPIES = read("public copies of 2022-06 say 24 h; source 002 §3.3.2 does not")

agree_on_platform = submits("agree_on_platform", "在平台同意补寄")
refuse_on_platform = submits("refuse_on_platform", "在平台拒绝补寄")
push_tracking_number = submits("push_tracking_number", "上传真实物流单号")
hand_in_evidence = submits("submit_evidence", "向平台提交凭证")
correct_number_on_platform = submits("correct_number_on_platform", "在平台更正物流单号")
contact_buyer = do("contact_buyer", "联系买家改申请其他售后,或协商一致后拒绝")
charge_late_penalty = book("charge_late_penalty", "每单赔付买家优惠券", clause="DR-10")
record_late_violation = book("record_late_violation", "发货超时违规一次", clause="DR-11")
record_another_violation = book("record_another_violation", "再记发货超时违规一次", clause="DR-11", each=True)
note_evidence_over = notice("note_evidence_over", "举证时限已过,平台不再等待举证")
tell_reship = tell(
    "tell_reship",
    "告知发货监控:已补寄",
    process="douyin_shipment",
    rule="reship",
    unless="opened_before_telling_reship",
)
tell_refund = tell("tell_refund", "告知发货监控:订单已退款", process="douyin_shipment", rule="refund")


class DouyinReship(CaseChart):
    """The reason (DR-1) decides the path; every clock but the last is run by the platform."""

    awaiting_merchant = State("待商家处理", initial=True)
    awaiting_shipment = State("待补寄发货")
    refused = State("已拒绝待买家处理")
    overdue = State("超时未发货待买家处理")
    arbitration = State("平台仲裁中")
    in_transit = State("补寄运输中")
    completed = State("补寄完成", final=True)
    refunded = State("已退款", final=True)
    withdrawn = State("买家已撤销", final=True)
    lapsed = State("逾期未申诉已关闭", final=True)
    dismissed = State("仲裁驳回", final=True)
    ineligible = State("不符合补寄条件", final=True)

    screen_out = always(
        "不予受理",
        under("DR-2", awaiting_merchant.to(ineligible, unless="in_time")),
        under("DR-3", awaiting_merchant.to(ineligible, cond="in_time", unless="category_open")),
    )
    agree = by(
        Party.MERCHANT,
        "同意补寄",
        under("DR-4", awaiting_merchant.to(awaiting_shipment, on=agree_on_platform)),
        under("DR-21", refused.to(awaiting_shipment, on=agree_on_platform), new_in="2026-11-27"),
    )
    auto_agree = after(
        "48h",
        "超时自动同意",
        under("DR-4", awaiting_merchant.to(awaiting_shipment)),
        figure="merchant_handling",
        named="商家处理时限",
        source=stated("source 002 §3.3.1"),
        of=Party.MERCHANT,
        run_by=Party.PLATFORM,
    )
    refuse = by(
        Party.MERCHANT,
        "拒绝补寄",
        under("DR-6", awaiting_merchant.to(arbitration, cond="never_received", on=refuse_on_platform)),
        under("DR-7", awaiting_merchant.to(refused, unless="never_received", on=refuse_on_platform)),
        under(
            "DR-13",
            awaiting_shipment.to(arbitration, cond=["out_of_stock", "never_received"], on=refuse_on_platform)
            | awaiting_shipment.to(refused, cond="out_of_stock", unless="never_received", on=refuse_on_platform),
            form="consented_refusal",
        ),
        form="refusal",
    )
    mark_out_of_stock = by(
        Party.MERCHANT,
        "标记缺货",
        under("DR-13", stays(awaiting_merchant, awaiting_shipment, unless="out_of_stock", on=contact_buyer)),
    )
    ship = by(
        Party.MERCHANT,
        "补寄发货",
        under("DR-5", awaiting_shipment.to(in_transit, on=[push_tracking_number, tell_reship])),
        under("DR-17", overdue.to(in_transit, on=[push_tracking_number, tell_reship])),
        form="shipment",
    )
    correct_tracking = by(
        Party.MERCHANT,
        "更正物流单号",
        under(
            "DR-22",
            stays(in_transit, on=correct_number_on_platform),
            closes=window(
                "24h", since="ship", figure="correcting", named="更正单号时限", source=stated("source 003 §3")
            ),
            new_in="2026-11-27",
        ),
        form="shipment",
    )
    number_found_untrue = upon(
        "单号被判不真实",
        under(
            "DR-22",
            stays(
                in_transit,
                cond=form("shipped"),
                unless="number_untrue",
                on=[charge_late_penalty, record_another_violation],
            ),
            new_in="2026-11-27",
        ),
        under(
            "DR-22",
            in_transit.to(
                overdue,
                unless=[form("shipped"), "number_untrue"],
                on=[charge_late_penalty, record_another_violation],
            )
            | in_transit.to(overdue, cond="number_untrue", unless=form("shipped")),
            new_in="2026-11-27",
        ),
        form="untrue_number",
    )
    miss_shipment = after(
        "48h",
        "超时未发货",
        under(
            "DR-8",
            awaiting_shipment.to(refunded, cond="never_received", on=[charge_late_penalty, record_late_violation]),
            gone_in="2026-11-27",
        ),
        under(
            "DR-8",
            awaiting_shipment.to(
                refunded, cond="never_received", on=[charge_late_penalty, record_late_violation, tell_refund]
            ),
            new_in="2026-11-27",
        ),
        under(
            "DR-9",
            awaiting_shipment.to(overdue, unless="never_received", on=[charge_late_penalty, record_late_violation]),
        ),
        figure="shipping",
        named="补寄发货时限",
        clause="DR-5",
        source=stated("source 002 §3.3.2, §4.2"),
        of=Party.MERCHANT,
        run_by=Party.PLATFORM,
    )
    late_again = after(
        None,
        "仍未发货再次判罚",
        under("DR-11", stays(overdue, on=record_another_violation), new_in="2026-11-27"),
        figure="late_again_every",
        named="未发货再次判罚间隔",
        source=PUBLIC_COPIES,
        of=Party.MERCHANT,
        again=again(None, times=3, figure="late_again_every", named="未发货再次判罚间隔", source=PUBLIC_COPIES),
    )
    modify = by(
        Party.BUYER,
        "修改申请",
        under("DR-15", refused.to(awaiting_merchant) | overdue.to(awaiting_merchant)),
        form="modification",
    )
    request_intervention = by(
        Party.BUYER,
        "申请平台介入",
        under("DR-7", refused.to(arbitration)),
        under("DR-9", overdue.to(arbitration)),
    )
    lapse = after(
        "48h",
        "买家逾期未处理",
        under("DR-16", refused.to(lapsed) | overdue.to(lapsed)),
        figure="buyer_window",
        named="买家处理时限",
        clause="DR-7, DR-9",
        source=stated("source 002 §3.3.3"),
        of=Party.BUYER,
        run_by=Party.PLATFORM,
    )
    withdraw = by(
        Party.BUYER,
        "撤销申请",
        under("DR-12", withdrawn.from_(awaiting_merchant, awaiting_shipment, refused, overdue, arbitration)),
    )
    submit_evidence = by(
        Party.MERCHANT,
        "提交凭证",
        under("DR-18", stays(arbitration, on=hand_in_evidence)),
        form="proof",
    )
    ask_evidence = upon(
        "平台要求举证",
        under("DR-20", stays(arbitration), new_in="2026-11-27"),
        form="evidence_asked",
    )
    evidence_over = at(
        "evidence_until",
        "举证时限已过",
        under("DR-20", stays(arbitration, cond="evidence_awaited", on=note_evidence_over), new_in="2026-11-27"),
        under(
            "DR-20",
            stays(arbitration, cond="evidence_handed_in", on=note_evidence_over),
            of=Party.PLATFORM,
            new_in="2026-11-27",
        ),
        named="举证截止时间",
        of=Party.MERCHANT,
    )
    rule_reship = upon("裁定补寄", under("DR-18", arbitration.to(awaiting_shipment)))
    rule_refund = upon(
        "裁定退款",
        under("DR-18", arbitration.to(refunded), gone_in="2026-11-27"),
        under("DR-18", arbitration.to(refunded, on=tell_refund), new_in="2026-11-27"),
    )
    rule_dismiss = upon("裁定驳回", under("DR-18", arbitration.to(dismissed)))
    sign = upon("买家签收", under("DR-19", in_transit.to(completed)))
    auto_complete = after(
        "10d",
        "无消息自动完成",
        under("DR-19", in_transit.to(completed)),
        figure="silent_completion",
        named="无消息自动完成时限",
        of=Party.PLATFORM,
    )

    advice = {
        "awaiting_merchant": (
            "无故拒绝,买家可申请平台介入:先与买家协商再拒绝 (002)",
            "买家申请有误或想换其他售后类型:请其撤销后重新申请 (002)",
            "缺货无法补寄:请买家改申请其他售后,或协商一致后拒绝 (002)",
        ),
        "awaiting_shipment": (
            "发货后须上传对应的真实物流单号;逾期或单号不真实,每单赔付买家 3 元 (002)",
            "缺货无法补寄:请买家改申请其他售后,或协商一致后拒绝 (002)",
        ),
        "refused": ("买家可在 48 小时内修改申请或申请平台介入:继续与买家协商 (002)",),
        "overdue": ("尽快补寄并上传真实物流单号;买家可在 48 小时内修改申请或申请平台介入 (002)",),
        "in_transit": (
            "单号或快递公司填错,上传后 24 小时内可更正;超过后联系买家说明,并告知真实单号 (003)",
            "单号重复、揽收后 24 小时无更新、轨迹与收货地址不符,会被判虚假发货 (003)",
        ),
    }
