"""抖店 · 快递拦截 (interception of a parcel): rule DS-8."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, always, book, by, stays, submits, tell, under, undo, upon

sign_on_platform = submits("sign_on_platform", "签署快递拦截服务协议")
intercept_parcel = submits("intercept_parcel", "向平台发起拦截")
file_complaint = submits("file_complaint", "在服务单发起投诉")
tell_agreement = tell(
    "tell_agreement", "告知本店其他拦截:协议已签", process="douyin_interception", rule="agreement_signed", to="shop"
)
tell_refund = tell("tell_refund", "告知本单发货监控:已退款", process="douyin_shipment", rule="refund")
tell_interception = tell(
    "tell_interception",
    "告知本单发货监控:包裹已拦截",
    process="douyin_shipment",
    rule="intercept",
    unless="says_nothing_of_the_watch",
)
charge_fee = book("charge_fee", "拦截费用", clause="DS-8")
# Fee and compensations bear the same clause of the same order: each entry has a key of its own.
expect_compensation = book("expect_compensation", "快递公司预计赔付", clause="DS-8", each=True, income=True)
receive_compensation = book("receive_compensation", "快递公司实际赔付", clause="DS-8", each=True, income=True)
give_up_compensation = undo("give_up_compensation", "冲销预计赔付", entries=("expect_compensation",), clause="DS-8")


class DouyinInterception(CaseChart):
    """A parcel of a refunded order is stopped before its delivery; success is not the end, it has to come back."""

    awaiting_agreement = State("待签署拦截协议", initial=True)
    choosing = State("待选择包裹")
    awaiting_confirmation = State("待确认拦截")
    intercepting = State("拦截中")
    returning = State("拦截成功,退回途中")
    damaged_or_lost = State("退回丢失或损坏")
    complaint = State("投诉处理中")
    failed = State("拦截失败", final=True)
    too_late = State("已派送,来不及拦截", final=True)
    given_up = State("已放弃拦截", final=True)
    returned = State("已退回寄件地", final=True)
    compensated = State("快递公司已赔付", final=True)
    uncompensated = State("未获赔付", final=True)

    advice = {
        "awaiting_agreement": (
            "第一次发起拦截要签约,系统自动跳到签约页 (003)",
            "勾选快递拦截服务开通协议,点「立即签署」 (003)",
            "PC 抖店后台-售后-售后工作台-售后详情-发起拦截 (003)",
        ),
        "choosing": (
            "已发货、未签收、买家申请退款的包裹才能拦 (003)",
            "要在派件前拦截;成功后原址返回寄件人 (003)",
            "看清快递信息、商品信息和拦截费用 (003)",
        ),
        "awaiting_confirmation": ("核对拦截费用,再点「确认拦截」 (003)",),
        "intercepting": ("结果看拦截详情,不成功会显示原因 (003)",),
        "returning": (
            "拦截成功不等于退回:途中仍可能丢失、损坏 (003)",
            "发票:店铺-资产-发票中心-平台后台申请 (003)",
        ),
        "damaged_or_lost": (
            "后台-物流-物流工具-服务单的线上查询,发起投诉 (003)",
            "快递公司按商品价值和损失线下赔付,最高 1000 元 (003)",
        ),
        "complaint": ("快递公司线下赔付,最高 1000 元 (003)",),
        "failed": ("拦截详情里有不成功的原因 (003)",),
        "returned": ("发票可按时间、快递公司等范围申请 (003)",),
        "compensated": ("发票:店铺-资产-发票中心-平台后台申请 (003)",),
    }

    found_refunded = always(
        "打开案件时已退款", under("G-15", stays(awaiting_agreement, cond="refund_untold", on=tell_refund))
    )
    came_too_late = always(
        "包裹已派送或签收",
        under("DS-8", too_late.from_(awaiting_agreement, cond="out_of_reach", unless="refund_untold")),
        under("DS-8", too_late.from_(choosing, awaiting_confirmation, intercepting, cond="out_of_reach")),
    )
    found_agreement = always(
        "本店已签协议",
        under(
            "DS-8",
            awaiting_agreement.to(choosing, cond="agreement_in_force", unless=["out_of_reach", "refund_untold"]),
        ),
    )
    lost_on_return = always("退回途中被签收", under("DS-8", returning.to(failed, cond="signed_for")))
    sign_agreement = by(
        Party.MERCHANT,
        "签署拦截协议",
        under("DS-8", awaiting_agreement.to(choosing, on=[sign_on_platform, tell_agreement])),
    )
    agreement_signed = upon("本店已在其他拦截签署协议", under("G-15", awaiting_agreement.to(choosing)))
    choose_parcel = by(
        Party.MERCHANT, "选择包裹", under("DS-8", choosing.to(awaiting_confirmation)), form="interception_target"
    )
    confirm = by(Party.MERCHANT, "确认拦截", under("DS-8", awaiting_confirmation.to(intercepting, on=intercept_parcel)))
    reconsider = by(Party.MERCHANT, "重新选择", under("DS-8", awaiting_confirmation.to(choosing)))
    give_up = by(
        Party.MERCHANT,
        "放弃拦截",
        under("DS-8", given_up.from_(awaiting_agreement, choosing, awaiting_confirmation)),
    )
    withdraw_refund = by(
        Party.BUYER,
        "撤销退款申请",
        under("DS-8", given_up.from_(awaiting_agreement, choosing, awaiting_confirmation)),
    )
    refund_succeeds = upon(
        "退款成功",
        under(
            "G-15",
            stays(
                awaiting_agreement,
                choosing,
                awaiting_confirmation,
                intercepting,
                returning,
                damaged_or_lost,
                complaint,
                unless="refunded",
                on=tell_refund,
            ),
        ),
    )
    intercept_fails = upon("拦截失败", under("DS-8", intercepting.to(failed)), form="interception_refused")
    intercept_succeeds = upon("拦截成功", under("DS-8", intercepting.to(returning, on=[charge_fee, tell_interception])))
    out_for_delivery = upon(
        "包裹派送中",
        under("DS-8", stays(awaiting_agreement, choosing, awaiting_confirmation, intercepting, returning)),
        form="interception_target",
    )
    sign = upon(
        "包裹已签收",
        under("DS-8", stays(awaiting_agreement, choosing, awaiting_confirmation, intercepting, returning)),
        form="interception_target",
    )
    arrive = by(Party.MERCHANT, "包裹已退回", under("DS-8", returning.to(returned)))
    lose = by(Party.MERCHANT, "登记丢失或损坏", under("DS-8", returning.to(damaged_or_lost)), form="interception_loss")
    complain = by(
        Party.MERCHANT,
        "发起投诉",
        under("DS-8", damaged_or_lost.to(complaint, on=[file_complaint, expect_compensation])),
        form="proof",
    )
    waive_complaint = by(Party.MERCHANT, "放弃投诉", under("DS-8", damaged_or_lost.to(uncompensated)))
    compensate = upon(
        "快递公司赔付",
        under("DS-8", complaint.to(compensated, on=[give_up_compensation, receive_compensation])),
        form="compensation_paid",
    )
    reject_complaint = upon(
        "投诉不成立",
        under("DS-8", complaint.to(uncompensated, on=give_up_compensation)),
        form="interception_refused",
    )
