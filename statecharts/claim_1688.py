"""1688 · 理赔/申诉 (claim and appeal): rules CL-1 ... CL-11."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, always, book, by, stated, stays, submits, under, upon

agree_to_pay = submits("agree_to_pay", "在控制台同意赔付")
file_appeal = submits("file_appeal", "在控制台发起申诉")
hand_in_evidence = submits("submit_evidence", "在控制台补充凭证")
pay_compensation = book("pay_compensation", "赔付违约金,从保证金扣除", clause="CL-3")
count_intervention = book("count_intervention", "计入平台介入率一次", clause="CL-5", counted=True)


class Claim1688(CaseChart):
    """Pay or appeal within 48 h, else the platform decides.  A refund or a closed trade changes nothing (CL-7)."""

    advice = {
        "processing": (
            "48 小时内点「同意赔付」或「发起申诉」;申诉会计入平台介入率 (000)",
            "与买家在旺旺协商一致的,可请买家撤销投诉 (000)",
            "退款成功、交易关闭后,买家仍可发起理赔,不要当作已了结 (000)",
        ),
        "appealed": ("与买家在旺旺协商一致的,仍可请买家撤销投诉 (000)",),
    }

    processing = State("平台处理中", initial=True)
    appealed = State("申诉审核中")
    compensated = State("已同意赔付", final=True, enter=pay_compensation)
    established = State("系统判定成立", final=True, enter=pay_compensation)
    dismissed = State("理赔不成立", final=True)
    buyer_withdrew = State("买家已撤销", final=True)

    approve_at_once = always(
        "平台即时判定成立",
        under("CL-1", processing.to(established, cond="judged_at_opening"), new_in="2026-11-27"),
    )
    agree = by(Party.MERCHANT, "同意赔付", under("CL-4", processing.to(compensated, on=agree_to_pay)))
    appeal = by(
        Party.MERCHANT,
        "发起申诉",
        under("CL-10", processing.to(appealed, on=[file_appeal, count_intervention])),
        form="appeal",
    )
    add_evidence = by(Party.MERCHANT, "补充凭证", under("CL-10", stays(appealed, on=hand_in_evidence)), form="proof")
    platform_decides = after(
        "48h",
        "超时由平台判定",
        under("CL-9", processing.to(established)),
        figure="answering",
        named="理赔应答时限",
        clause="CL-4",
        source=stated("source 000 1)"),
        of=Party.MERCHANT,
        run_by=Party.PLATFORM,
    )
    withdraw = by(Party.BUYER, "撤销投诉", under("CL-6", buyer_withdrew.from_(processing, appealed)))
    uphold = upon(
        "判定理赔成立",
        under("CL-10", appealed.to(established)),
        under("CL-9", processing.to(established)),
    )
    overturn = upon(
        "判定理赔不成立",
        under("CL-10", appealed.to(dismissed)),
        under("CL-9", processing.to(dismissed)),
    )
    link_anomaly = upon(
        "关联发货异常预警",
        under("CL-11", stays(processing, appealed), new_in="2026-11-28"),
        form="anomaly_link",
    )
    close_trade = upon("交易关闭", under("CL-7", stays(processing, appealed)), form="trade_closure")
