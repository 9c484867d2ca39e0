"""抖店 · 揽收与虚假发货 (Douyin shipment watch): rules DS-1 ... DS-7, DS-9."""

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
    notice,
    once,
    read,
    stated,
    stays,
    submits,
    under,
    undo,
    upon,
    window,
)

push_tracking_number = submits("push_tracking_number", "在抖店发货并上传物流单号")
push_corrected_number = submits("push_corrected_number", "在抖店修改物流单号")
check_number = do("check_number", "核对单号是否曾用于其他收件人")
urge_carrier = do(
    "urge_carrier",
    "联系快递公司核实物流停滞原因",
    until=("scan", "correct_tracking", "clear_suspicion", "judge_false"),
)
tell_suspected_number = notice(
    "tell_suspected_number", "疑似虚假发货:单号异常、重复或近期用于其他收件人,请核对面单,在更正时限内更正"
)
tell_suspected_track = notice(
    "tell_suspected_track", "疑似虚假发货:物流去向与收货地区不符,或揽收早于支付,请联系快递公司核实"
)
tell_not_received = notice("tell_not_received", "疑似虚假发货:买家在合理期限内未收到货,请联系快递公司并告知买家")
tell_late_pickup = notice("tell_late_pickup", "揽收超时:规定时限内没有第一条揽件信息")
tell_blocked = notice("tell_blocked", "本单发货超时已超过 2 次,对应商品将被封禁")
tell_judged = notice(
    "tell_judged", "被判虚假发货:须赔付买家;批量出现,或同一订单多次被判的,商品会被下架,严重者店铺被清退"
)
tell_warning_over = notice("tell_warning_over", "平台预警已到期,未见整改完成")
tell_closed = notice("tell_closed", "订单已自动关闭,货款按原支付途径退回买家,不成功则走其他退款途径")
record_late_pickup = book("record_late_pickup", "揽收超时一次", clause="DS-1", counted=True)
charge_late_shipment = book("charge_late_shipment", "发货超时,扣除保证金", clause="DS-6", each=True)
record_blocked_product = book(
    "record_blocked_product", "第三次发货超时,商品封禁", clause="DS-6", counted=True, each=True
)
record_false_shipment = book("record_false_shipment", "虚假发货违规积分", clause="DS-5", each=True)
reverse_points = undo("reverse_points", "撤回虚假发货违规积分", entries=("record_false_shipment",), clause="DS-5")


class DouyinShipment(CaseChart):
    """From the order to the buyer's receipt: shipped in time, picked up in time, and on a track that is believed."""

    advice = {
        "awaiting_shipment": (
            "24 小时内发不了:改用阶梯发货或预售 (003)",
            "没有现货推荐用预售,发货时间最好在 7 天之内 (003)",
            "没有库存的商品及时下架,库存按实际填写 (003)",
            "用电子面单,避免物流单号重复 (003)",
            "超时每单扣保证金 10 元,至多两次,单日上限 500 元 (003)",
            "同一订单超时累计大于 2 次,商品会被封禁 (003)",
            "下单 150 天未发货未退款,订单自动关闭并退款 (003)",
        ),
        "awaiting_pickup": (
            "普通发货:下单 72 小时内要有第一条揽件信息 (003)",
            "极速、阶梯:上传单号 24 小时内要有揽件信息 (003)",
            "单号和快递公司 24 小时内可改,超过不能改 (003)",
            "改不了单号:联系买家说明,把真实单号告诉买家 (003)",
            "揽收时间不能早于订单支付时间 (003)",
        ),
        "moving": (
            "揽收后每 24 小时要有新轨迹:到达、进入、发出 (003)",
            "包裹中心看「异常包裹」,第一时间联系快递公司 (003)",
            "奖惩中心-体验中心-预警管理:预警结束前整改 (003)",
        ),
        "suspected": (
            "奖惩中心-体验中心-预警管理:预警结束前整改 (003)",
            "单号重复、轨迹与收货地址不符都算疑似 (003)",
            "单号前 30 天被不同的人用过也算疑似 (003)",
            "轨迹不更新:第一时间联系快递公司 (003)",
        ),
        "judged_false": (
            "每次计 B 类 0.1 分,每周累计不超过 2 分 (003)",
            "批量虚假发货、被投诉:商品下架,严重者关店 (003)",
            "同单多次判罚仍不整改:商品下架,店铺清退 (003)",
            "规范发货,或与用户协商退款 (003)",
        ),
        "closed_unshipped": ("款项原路退回;退不成的,平台提供其他路径 (003)",),
    }

    awaiting_shipment = State("待发货", initial=True)
    awaiting_pickup = State("待揽收")
    moving = State("运输中")
    suspected = State("疑似虚假发货")
    judged_false = State("已判虚假发货")
    delivered = State("买家已签收", final=True)
    refunded = State("已退款", final=True)
    closed_unshipped = State("超时未发货已关闭", final=True)
    watch_ended = State("监控已停止", final=True)

    picked_up_before = always(
        "上传单号前已揽收",
        under("DS-1", awaiting_pickup.to(moving, cond="picked_up", unless=["number_suspicious", "track_suspicious"])),
    )
    suspect = always(
        "疑似虚假发货",
        under(
            "DS-3",
            awaiting_pickup.to(suspected, cond="number_suspicious", on=tell_suspected_number)
            | moving.to(suspected, cond="number_suspicious", on=tell_suspected_number),
        ),
        under(
            "DS-3",
            awaiting_pickup.to(suspected, cond="track_suspicious", on=tell_suspected_track)
            | moving.to(suspected, cond="track_suspicious", on=tell_suspected_track),
        ),
    )
    upload_tracking = by(
        Party.MERCHANT,
        "发货并上传单号",
        under("DS-1", awaiting_shipment.to(awaiting_pickup, on=[push_tracking_number, check_number])),
        form="shipment",
    )
    correct_tracking = by(
        Party.MERCHANT,
        "更正物流单号",
        under(
            "DS-4",
            awaiting_pickup.to(awaiting_pickup, on=[push_corrected_number, check_number])
            | suspected.to(awaiting_pickup, on=[push_corrected_number, check_number])
            | judged_false.to(awaiting_pickup, on=[push_corrected_number, check_number]),
            closes=window(
                "24h",
                since="upload_tracking",
                figure="correcting",
                named="单号更正时限",
                source=stated("source 003 §三"),
            ),
        ),
        form="shipment",
    )
    number_reused = upon(
        "单号曾被使用",
        under("DS-3", stays(awaiting_pickup, moving)),
        form="number_reuse",
    )
    scan = upon(
        "物流更新",
        under("DS-1", stays(awaiting_shipment)),
        under("DS-1", awaiting_pickup.to(moving)),
        under("DS-2", stays(moving)),
        under("DS-2", suspected.to(moving, cond="stalled")),
        under("DS-3", stays(suspected, unless="stalled")),
        under("DS-5", stays(judged_false)),
        form="scan",
    )
    change_promise = upon(
        "承诺发货时间变更",
        under("G-1", stays(awaiting_shipment), new_in="2026-11-27"),
        form="ship_promise",
    )
    miss_shipment = at(
        "promised_ship_at",
        "发货超时",
        under("DS-6", stays(awaiting_shipment, unless="fined_twice", on=charge_late_shipment)),
        under("DS-6", stays(awaiting_shipment, cond="fined_twice", on=[record_blocked_product, tell_blocked])),
        named="承诺发货时间",
        of=Party.MERCHANT,
        again=again(
            "24h",
            times=3,
            figure="late_again_every",
            named="发货超时再次判定间隔",
            source=read("public copy of the shipping rules, 2022-06"),
        ),
    )
    miss_pickup = at(
        "pickup_due_at",
        "揽收超时",
        under(
            "DS-1",
            stays(
                awaiting_pickup,
                suspected,
                judged_false,
                unless="picked_up",
                on=[record_late_pickup, tell_late_pickup],
            ),
        ),
        named="揽收时限",
        of=Party.MERCHANT,
        again=once,
    )
    stall = after(
        "24h",
        "揽收后无更新",
        under("DS-2", moving.to(suspected, on=urge_carrier)),
        figure="silence",
        named="物流无更新时限",
        source=stated("source 003 §一, §四"),
        since="updated_at",
        reminders="stall_reminders",
        escalates=False,
        of=Party.MERCHANT,
    )
    stand_still = after(
        None,
        "轨迹长时间未动",
        under("DS-3", moving.to(suspected, on=urge_carrier)),
        figure="standing_still",
        named="轨迹停留时限",
        since="still_since",
        of=Party.MERCHANT,
    )
    not_received = after(
        None,
        "合理期限内未收到货",
        under("DS-3", suspected.from_(awaiting_pickup, moving, on=tell_not_received)),
        figure="reasonable_receipt",
        named="买家收货合理期限",
        since="waiting_since",
        of=Party.MERCHANT,
    )
    warn = upon(
        "平台预警",
        under("DS-9", stays(awaiting_shipment, awaiting_pickup, moving, suspected, judged_false)),
        form="warning",
    )
    clear_warning = upon(
        "预警解除",
        under("DS-9", stays(awaiting_shipment, awaiting_pickup, moving, suspected, judged_false, cond="warned")),
    )
    warning_over = at(
        "warned_until",
        "预警到期",
        under(
            "DS-9",
            stays(
                awaiting_shipment,
                awaiting_pickup,
                moving,
                suspected,
                judged_false,
                cond="warned",
                on=tell_warning_over,
            ),
        ),
        named="预警截止时间",
        of=Party.MERCHANT,
    )
    judge_false = upon(
        "判定虚假发货",
        under(
            "DS-5",
            judged_false.from_(awaiting_pickup, moving, suspected, on=[record_false_shipment, tell_judged]),
        ),
        form="judgement",
    )
    clear_suspicion = upon(
        "解除疑似虚假发货",
        under("DS-3", suspected.to(moving, cond="picked_up")),
        under("DS-3", suspected.to(awaiting_pickup, unless="picked_up")),
        under("DS-5", judged_false.to(moving, cond="picked_up", on=reverse_points)),
        under("DS-5", judged_false.to(awaiting_pickup, unless="picked_up", on=reverse_points)),
    )
    sign = upon("买家签收", under("DS-3", delivered.from_(awaiting_pickup, moving, suspected, judged_false)))
    refund = upon(
        "订单退款",
        under("DS-7", refunded.from_(awaiting_shipment, awaiting_pickup, moving, suspected, judged_false)),
    )
    reship = upon(
        "已补寄",
        under("G-15", watch_ended.from_(awaiting_pickup, moving, suspected, judged_false), new_in="2026-11-28"),
    )
    intercept = upon(
        "包裹已拦截",
        under("G-15", watch_ended.from_(awaiting_pickup, moving, suspected, judged_false), new_in="2026-11-28"),
    )
    close_unshipped = after(
        "150d",
        "超时未发货自动关闭",
        under("DS-7", awaiting_shipment.to(closed_unshipped, on=tell_closed)),
        figure="closing",
        named="未发货订单自动关闭时限",
        source=stated("source 003 §四"),
        since="ordered_at",
        of=Party.MERCHANT,
        run_by=Party.PLATFORM,
    )
