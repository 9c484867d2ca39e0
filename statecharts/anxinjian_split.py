"""淘宝 · 安心鉴拆单 (Anxinjian split order): rules AX-1 ... AX-12, a chart for the item and one for every order."""

from statemachine import HistoryState, State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, always, at, book, by, do, form, never, notice, stays, under, upon

AMENDED = "2026-11-27"
"""The edition of the figures since which AX-11 and AX-12 hold, and a choice can be changed (AX-5)."""

ask_choice = do(
    "ask_choice",
    "请商家与买家选定处理方式",
    unless="nothing_to_choose",
    until=("choose", "buyer_keeps", "close_choice"),
)
escalate_silence = do(
    "escalate_silence", "商家未选择,升级给平台", until=("choose", "buyer_keeps", "close_choice"), escalates=True
)
arrange_repurchase = do(
    "arrange_repurchase",
    "请商家安排其余订单退款重拍",
    unless="keeps_all",
    until=("choose", "buyer_keeps", "settle_item"),
)
tell_freight = notice("tell_freight", "买家不愿取消其余订单:全部保留,运费由商家承担,无须商家同意")
ask_platform = do(
    "ask_platform",
    "反馈平台核实未签收原因",
    until=("sign_in", "report_blocked", "found_refunded", "found_in_transit", "refund_order", "auto_refund"),
)
send_back = do("send_back", "把商品退回商家", until=("return_item",))
report_to_operations = do("report_to_operations", "反馈平台运营处理", until=("unblock", "refund_order", "auto_refund"))
charge_freight = book("charge_freight", "商家承担的运费", clause="AX-8")
record_loss = book("record_loss", "货款两失", clause="AX-9")


class AnxinjianSplit(CaseChart):
    """The item: the merchant chooses how to treat the other orders, then every order is brought to an end."""

    choosing = State("待选择处理方式", initial=True, enter=ask_choice)
    working = State("处理中")
    settled = State("已了结", final=True)
    settled_with_loss = State("已了结但有损失", final=True)

    advice = {
        "choosing": (
            "商家不承担物流费:客户只留 1 个实物订单做鉴定 (001)",
            "其余退款,重拍普通订单,由商家在千牛发货 (001)",
            "客户不想取消:其余选无需鉴定,商家承担物流费 (001)",
        ),
        "working": (
            "同一商品的拆单都选鉴定,会多扣商家鉴定费 (001)",
            "各单打出不同单号并揽收签收,会多扣物流费 (001)",
            "其余不打单或不让揽收,这些单无法确认收货 (001)",
        ),
    }

    choose = by(
        Party.MERCHANT,
        "选择处理方式",
        under("AX-5", choosing.to(working, on=arrange_repurchase), gone_in=AMENDED),
        under("AX-5", choosing.to(working, cond=form("agreed"), on=arrange_repurchase), new_in=AMENDED),
        under(
            "AX-5",
            stays(
                working,
                cond=form("agreed"),
                unless=["nothing_to_choose", "choice_acted_on"],
                on=arrange_repurchase,
            ),
            new_in=AMENDED,
        ),
        form="way",
    )
    buyer_keeps = by(
        Party.BUYER,
        "不愿取消其余订单",
        under("AX-6", choosing.to(working, on=tell_freight), new_in=AMENDED),
        under("AX-6", stays(working, unless=["nothing_to_choose", "keeps_all"], on=tell_freight), new_in=AMENDED),
    )
    close_choice = always("无需选择", under("AX-5", choosing.to(working, cond="nothing_to_choose")))
    escalate_choice = after(
        "24h",
        "商家未选择,升级",
        under("AX-10", stays(choosing, unless="choice_escalated", on=escalate_silence)),
        figure="choosing_time",
        named="商家选择时限",
        of=Party.MERCHANT,
    )
    settle_item = always(
        "全部了结",
        under("AX-7", working.to(settled, cond="all_ended", unless="any_lost")),
        under("AX-9", working.to(settled_with_loss, cond=["all_ended", "any_lost"])),
    )


class AnxinjianOrder(CaseChart):
    """One order: signed in, authenticated or waived, packed, shipped with its online waybill, confirmed."""

    class unconfirmed(State.Compound, name="未确认收货"):
        """Everything until the buyer confirms; the platform's clock of automatic receipt runs throughout."""

        awaiting_sign_in = State("待签收", initial=True)
        unverified = State("待平台核实", enter=ask_platform)

        class online(State.Compound, name="线上流程"):
            """The online steps: one may be blocked, and the order resumes there once it is unblocked."""

            signed_in = State("已签收", initial=True)
            recorded = State("已录单")
            authenticated = State("已鉴定")
            waived = State("无需鉴定")
            packed = State("已打包")
            where_it_stood = HistoryState("原处")

        blocked = State("线上受阻", enter=report_to_operations)
        waybill_printed = State("已打单")
        picked_up = State("已揽收")
        delivered = State("已送达")

    failed = State("待退回商家", enter=send_back)
    confirmed = State("已确认收货", final=True)
    cancelled = State("已退款取消", final=True)
    returned = State("已退回商家", final=True)
    refunded = State("已自动退款", final=True, enter=record_loss)

    advice = {
        "awaiting_sign_in": (
            "逐单核实 ISV(ERP)待签收订单未签收的原因 (001)",
            "联系商家:寄出前已退款,还是在路上未送达 (001)",
            "无法判断或系统无法签收:反馈平台小二 (001)",
            "没走线上流程就发给客户,收不到款也没有鉴定费 (001)",
        ),
        "unverified": ("无法判断或系统无法签收:反馈平台小二 (001)", "查明前不要线下直接发给客户 (001)"),
        "signed_in": ("无法录单时反馈平台运营,严禁线下发出 (001)",),
        "recorded": (
            "同一商品只对 1 单选鉴定通过/不通过 (001)",
            "没有实物的拆单选无需鉴定 (001)",
        ),
        "authenticated": ("用线上打单系统打面单,不要自己叫快递 (001)",),
        "waived": ("无需鉴定的面单也要物流揽收且签收 (001)", "不打单,这单就无法确认收货 (001)"),
        "packed": ("用线上打单系统打面单,不要自己叫快递 (001)",),
        "blocked": (
            "线上流程走不通,一律严禁线下发出 (001)",
            "无法录单、质检、打包:及时反馈平台运营 (001)",
            "商家催促也不能自己叫快递发出 (001)",
        ),
        "waybill_printed": ("打出面单还要让物流揽收并签收 (001)",),
        "picked_up": ("没有签收,这单就无法确认收货 (001)",),
        "delivered": ("超过自动收货时间未确认,会自动退款 (001)",),
        "refunded": ("防范:签收、录单、打单都走线上,流程不中断 (001)",),
    }

    sign_in = by(
        Party.PROVIDER,
        "签收",
        under(
            "AX-1",
            unconfirmed.awaiting_sign_in.to(unconfirmed.online.signed_in)
            | unconfirmed.unverified.to(unconfirmed.online.signed_in),
        ),
    )
    explain_unsigned = by(
        Party.PROVIDER,
        "登记未签收原因",
        under("AX-1", stays(unconfirmed.awaiting_sign_in, unconfirmed.unverified)),
        form="unsigned",
    )
    found_refunded = always(
        "发货前已退款",
        under("AX-1", cancelled.from_(unconfirmed.awaiting_sign_in, cond="refunded_before_shipping")),
        under("AX-1", cancelled.from_(unconfirmed.unverified, cond="refunded_before_shipping")),
    )
    found_unknown = always(
        "原因不明", under("AX-1", unconfirmed.awaiting_sign_in.to(unconfirmed.unverified, cond="cause_unknown"))
    )
    found_in_transit = always(
        "商品在途", under("AX-1", unconfirmed.unverified.to(unconfirmed.awaiting_sign_in, cond="in_transit"))
    )
    verify_overdue = after(
        "24h",
        "逾期未核实",
        under("AX-1", unconfirmed.awaiting_sign_in.to(unconfirmed.unverified, unless="in_transit")),
        figure="signing_check",
        named="待签收核实时限",
        of=Party.PROVIDER,
    )
    record = by(Party.PROVIDER, "录单", under("AX-2", unconfirmed.online.signed_in.to(unconfirmed.online.recorded)))
    authenticate = by(
        Party.PROVIDER,
        "鉴定",
        under(
            "AX-4",
            unconfirmed.online.recorded.to(
                unconfirmed.online.authenticated, cond=["carries_item", "none_authenticated"]
            ),
            gone_in=AMENDED,
        ),
        under(
            "AX-4",
            unconfirmed.online.recorded.to(
                unconfirmed.online.authenticated, cond=["carries_item", "none_authenticated", form("passed")]
            ),
            new_in=AMENDED,
        ),
        under(
            "AX-11",
            unconfirmed.online.recorded.to(failed, cond=["carries_item", "none_authenticated"], unless=form("passed")),
            new_in=AMENDED,
        ),
        form="verdict",
    )
    return_item = by(Party.PROVIDER, "退回商家", under("AX-11", failed.to(returned), new_in=AMENDED), form="shipment")
    waive = by(
        Party.PROVIDER,
        "无需鉴定",
        under(
            "AX-5",
            unconfirmed.online.signed_in.to(unconfirmed.online.waived, cond="keeps_all", unless="carries_item")
            | unconfirmed.online.recorded.to(unconfirmed.online.waived, cond="keeps_all", unless="carries_item"),
        ),
    )
    pack = by(
        Party.PROVIDER,
        "打包",
        under(
            "AX-2",
            unconfirmed.online.authenticated.to(unconfirmed.online.packed)
            | unconfirmed.online.waived.to(unconfirmed.online.packed),
        ),
    )
    print_waybill = by(
        Party.PROVIDER,
        "线上打单",
        under(
            "AX-2",
            unconfirmed.online.packed.to(unconfirmed.waybill_printed)
            | unconfirmed.online.waived.to(unconfirmed.waybill_printed),
        ),
        form="shipment",
    )
    report_blocked = by(
        Party.PROVIDER,
        "线上步骤受阻",
        under("AX-2", unconfirmed.blocked.from_(unconfirmed.online), form="blocked_online", gone_in=AMENDED),
        under(
            "AX-1",
            unconfirmed.blocked.from_(unconfirmed.awaiting_sign_in, unconfirmed.unverified, cond=form("at_sign_in")),
            new_in=AMENDED,
        ),
        under("AX-2", unconfirmed.blocked.from_(unconfirmed.online, unless=form("at_sign_in")), new_in=AMENDED),
        form="blocked",
    )
    unblock = upon(
        "平台已修复",
        under("AX-2", unconfirmed.blocked.to(unconfirmed.online.where_it_stood), gone_in=AMENDED),
        under(
            "AX-2",
            unconfirmed.blocked.to(unconfirmed.online.where_it_stood, cond="was_signed_in"),
            new_in=AMENDED,
        ),
        under(
            "AX-1",
            unconfirmed.blocked.to(unconfirmed.awaiting_sign_in, unless=["was_signed_in", "was_unverified"]),
            new_in=AMENDED,
        ),
        under("AX-1", unconfirmed.blocked.to(unconfirmed.unverified, cond="was_unverified"), new_in=AMENDED),
    )
    ship_offline = by(Party.PROVIDER, "线下发货", never("AX-3"))
    pick_up = upon("揽收", under("AX-7", unconfirmed.waybill_printed.to(unconfirmed.picked_up)))
    deliver = upon("送达签收", under("AX-7", unconfirmed.picked_up.to(unconfirmed.delivered)))
    confirm_receipt = by(
        Party.BUYER,
        "确认收货",
        under(
            "AX-7",
            unconfirmed.delivered.to(confirmed, unless="pays_freight")
            | unconfirmed.delivered.to(confirmed, cond="pays_freight", on=charge_freight),
        ),
    )
    refund_order = upon(
        "订单退款",
        under("AX-5", cancelled.from_(unconfirmed, cond="keeps_single", unless="carries_item"), gone_in=AMENDED),
        under("AX-12", cancelled.from_(unconfirmed, unless=["item_with_provider", "item_shipped"]), new_in=AMENDED),
        under("AX-12", failed.from_(unconfirmed, cond="item_with_provider"), new_in=AMENDED),
        under("AX-12", stays(failed, unless="refund_known"), new_in=AMENDED),
        under("AX-12", refunded.from_(unconfirmed, cond="item_shipped"), new_in=AMENDED),
    )
    auto_refund = at(
        "auto_receipt_at",
        "到期自动退款",
        under("AX-9", refunded.from_(unconfirmed)),
        named="平台记录的自动收货时间",
        of=Party.PROVIDER,
        run_by=Party.PLATFORM,
        reminders="escalate_before",
    )
