"""京东 · 预报备 (JD advance report): rules JD-4 and JD-7."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import (
    BegunBetween,
    Party,
    after,
    at,
    by,
    do,
    moment,
    once,
    read,
    stated,
    stays,
    submits,
    tell,
    under,
    undo,
    upon,
    window,
)

file_report = submits("file_report", "在商家后台提交预报备")
recall_report = submits("recall_report", "在商家后台撤回预报备")
escalate_review = do(
    "escalate_review", "预报备审核超时,联系平台催审", until=("approve", "refuse", "withdraw_report"), escalates=True
)
take_back_late_orders = undo(
    "take_back_late_orders",
    "撤回时段内产生的订单的延迟发货",
    clause="JD-7",
    across=("JD-10", "JD-14"),
    of=BegunBetween("jd_shipment", "begins_at", "ends_at"),
    unless="opened_before_taking_back",
)
exempt_orders = tell("exempt_orders", "时段内产生的订单延迟免责", process="jd_shipment", rule="exempt", to="shop")


class JdAdvanceReport(CaseChart):
    """A period in which the shop cannot ship in time: once approved, the orders created in it are exempt."""

    drafted = State("待提交", initial=True)
    under_review = State("预报备审核中")
    refused = State("预报备未通过")
    approved = State("已通过待生效")
    in_force = State("免责时段中")
    ended = State("免责时段已结束", final=True)
    lapsed = State("逾期未报备", final=True)
    withdrawn = State("已撤回", final=True)

    advice = {
        "drafted": (
            "天气、国家大型活动、仓库维护等不可抗因素才报 (004)",
            "只报未来 7 天内开始的时段 (004)",
            "单个订单已与客户谈妥的,走紧急报备 (004)",
        ),
        "under_review": ("审核时效 24 小时 (004)",),
        "refused": ("单个订单已与客户谈妥的,走紧急报备 (004)",),
        "approved": ("只有时段内产生的订单延迟免责 (004)",),
        "in_force": ("只有时段内产生的订单延迟免责 (004)",),
    }

    file = by(
        Party.MERCHANT,
        "提交预报备",
        under(
            "JD-7",
            drafted.to(under_review, on=file_report) | refused.to(under_review, on=file_report),
            opens=window(
                "7d",
                before="begins_at",
                figure="filing_ahead",
                named="预报备提前期",
                source=read("source 004 §9 未来7天"),
                clause="JD-7",
            ),
            closes=moment("ends_at", named="报备时段结束时间"),
        ),
        form="proof",
    )
    approve = upon(
        "预报备通过",
        under(
            "JD-7",
            under_review.to(approved, on=[take_back_late_orders, exempt_orders]),
            closes=moment("begins_at", named="报备时段开始时间"),
        ),
        under(
            "JD-7",
            under_review.to(in_force, on=[take_back_late_orders, exempt_orders]),
            opens=moment("begins_at", named="报备时段开始时间"),
            closes=moment("ends_at", named="报备时段结束时间"),
        ),
        under(
            "JD-7",
            under_review.to(ended, on=[take_back_late_orders, exempt_orders]),
            opens=moment("ends_at", named="报备时段结束时间"),
        ),
    )
    refuse = upon("预报备未通过", under("JD-7", under_review.to(refused)), form="review_refusal")
    review_overdue = after(
        "24h",
        "审核超时,升级",
        under("JD-4", stays(under_review, on=escalate_review)),
        figure="review",
        named="预报备审核时限",
        clause="JD-7",
        source=stated("source 004 §9"),
        of=Party.PLATFORM,
        again=once,
    )
    begin = at(
        "begins_at",
        "报备时段开始",
        under("JD-7", approved.to(in_force)),
        named="报备时段开始时间",
        of=Party.PLATFORM,
    )
    end = at(
        "ends_at",
        "报备时段结束",
        under("JD-7", in_force.to(ended)),
        named="报备时段结束时间",
        of=Party.PLATFORM,
    )
    lapse = at(
        "ends_at",
        "逾期未报备",
        under("JD-7", drafted.to(lapsed) | refused.to(lapsed)),
        named="报备时段结束时间",
        of=Party.MERCHANT,
    )
    withdraw_report = by(
        Party.MERCHANT,
        "撤回预报备",
        under("JD-7", withdrawn.from_(drafted, refused)),
        under("JD-7", under_review.to(withdrawn, on=recall_report)),
    )
