"""1688 · 发货异常预警 (shipping-anomaly warning): rule CL-11."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, by, do, notice, stated, stays, submits, tell, under, upon

ask_carrier = do("ask_carrier", "催促物流公司更新物流轨迹", unless="needs_solution", until=("urge_carrier", "worsen"))
inform_buyer = do("inform_buyer", "与买家沟通物流停滞", unless="needs_solution", until=("tell_buyer", "worsen"))
refund_buyer = submits("refund_buyer", "联系买家并退款")
update_tracking_number = submits("update_tracking_number", "换单号补发,在平台更新单号")
file_anomaly_report = submits("file_anomaly_report", "在后台提交异常报备")
tell_of_worsening = notice("tell_of_worsening", "物流停滞已变为异常,须在 24 小时内退款或换单号补发")
tell_of_claim = notice("tell_of_claim", "预警未在时限内处理,预计会被发起理赔")
tell_claim = tell(
    "tell_claim",
    "告知本单理赔:预警未在时限内处理",
    process="claim_1688",
    rule="link_anomaly",
    unless="opened_before_linking",
)


class Anomaly1688(CaseChart):
    """Refund, ship again or report within 24 h, or expect a claim; a stalled track is watched until it moves."""

    advice = {
        "warned": (
            "丢件、破损、买家要求退款、拒收:预警后 24 小时内联系买家退款或换单号补发,换单后在平台更新单号 (000)",
            "轨迹停滞:催促物流公司更新下一节点,并及时和买家沟通 (000)",
            "联系不上买家、无法退款或换单号补发的,及时报备 (000)",
        ),
    }

    warned = State("已预警待处理", initial=True, enter=[ask_carrier, inform_buyer])
    refunded = State("已退款", final=True)
    reshipped = State("已换单号补发", final=True)
    reported = State("已报备", final=True)
    recovered = State("物流已恢复", final=True)
    claim_expected = State("预计被理赔", final=True, enter=[tell_of_claim, tell_claim])
    watch_ended = State("观察期满", final=True)

    refund = by(
        Party.MERCHANT,
        "退款",
        under("CL-11", warned.to(refunded, unless="stalled", on=refund_buyer)),
    )
    replace_tracking = by(
        Party.MERCHANT,
        "换单号补发",
        under("CL-11", warned.to(reshipped, unless="stalled", on=update_tracking_number)),
        form="shipment",
    )
    urge_carrier = by(Party.MERCHANT, "已催促物流公司", under("CL-11", stays(warned)), form="follow_up")
    tell_buyer = by(Party.MERCHANT, "已与买家沟通", under("CL-11", stays(warned)), form="follow_up")
    file_report = by(
        Party.MERCHANT,
        "联系不上买家,报备",
        under("CL-11", warned.to(reported, on=file_anomaly_report)),
        form="anomaly_report",
    )
    track_moves = upon("物流轨迹更新", under("CL-11", warned.to(recovered)))
    worsen = upon(
        "停滞变为异常",
        under("CL-11", stays(warned, cond="stalled", on=tell_of_worsening)),
        form="worsening",
    )
    expect_claim = after(
        "24h",
        "超时未处理",
        under("CL-11", warned.to(claim_expected, unless="stalled")),
        since="solution_needed_at",
        figure="handling",
        named="预警处理时限",
        source=stated("source 000 第四步"),
        of=Party.MERCHANT,
    )
    end_watch = after(
        "10d",
        "停滞观察期满",
        under("CL-11", warned.to(watch_ended, cond="stalled")),
        figure="watching",
        named="停滞观察时长",
        of=Party.PLATFORM,
    )
