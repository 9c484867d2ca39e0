"""The effects of a Douyin shipment watch: console tasks, and what the shop's ledger knows of a tracking number."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from activities.effects import How, LedgerStep
from cases.douyin_shipment import MOST_USES, DouyinShipmentFacts, NumberReuse
from cases.errors import CaseError
from cases.false_shipment import PriorUse, is_malformed
from cases.forms import Shipment
from cases.ledger import NumberUse
from cases.messages import ConsoleTask, EffectCall, EffectOutcome, Report
from cases.models import read
from cases.ports import Ledger
from cases.shanghai import shanghai

LOOKED_BACK: Final = timedelta(days=365)
"""How far uses of a number are looked for; which of them count is a figure of the case."""
MALFORMED_WARNING: Final = "单号格式异常,上传后会被疑似虚假发货,请先核对面单"
SHIP_TASK = ConsoleTask(
    page="抖店后台 > 订单 > 订单管理 > 待发货",
    instruction="找到该订单,点击「发货」,选择快递公司并填写案件中的物流单号",
)
CORRECT_TASK = ConsoleTask(
    page="抖店后台 > 订单 > 订单管理 > 已发货 > 订单详情",
    instruction="点击「修改物流」,把快递公司和单号改为案件中的;上传单号 24 小时后无法更改",
)
URGE_TASK = ConsoleTask(
    page="抖店后台 > 包裹中心 > 异常包裹",
    instruction="查询该包裹的停滞原因,第一时间联系快递公司处理,并把结果告知买家",
)


def warned_of_number(task: ConsoleTask) -> LedgerStep:
    """Return the step that hands a task over with what speaks against its number, before it is uploaded (DS-3)."""

    def hand_over(call: EffectCall, ledger: Ledger) -> EffectOutcome:
        try:
            warnings = list(_warnings(call, ledger))
        except CaseError:  # the task must not wait for a ledger that is away; the number is checked again afterwards
            warnings = []
        instruction = "。".join([*(f"注意:{warning}" for warning in warnings), task.instruction])
        return EffectOutcome(
            console_task=task.model_copy(update={"instruction": instruction}), said=";".join(warnings) or None
        )

    return hand_over


def check_number(call: EffectCall, ledger: Ledger) -> EffectOutcome | Report:
    """Store the use of an uploaded number, and report its earlier uses for other orders of the shop to the case (DS-3).

    It is stored before the others are looked up: of two cases that use a number at the same time, one sees the other.
    """
    parcel = _parcel(call)
    if parcel is None:
        return EffectOutcome()
    facts = _facts(call)
    ledger.use_number(
        NumberUse(
            shop_id=facts.shop_id,
            tracking_no=parcel.tracking_no,
            carrier=parcel.carrier,
            order=facts.order_id,
            consignee=facts.consignee,
            at=call.at,
            case_id=call.case_id,
        )
    )
    uses = tuple(_uses(call, parcel, ledger))[-MOST_USES:]
    if all(use.same_person and use.same_carrier for use in uses):
        return EffectOutcome()
    form = NumberReuse(tracking_no=parcel.tracking_no, uses=uses).model_dump(mode="json")
    return Report(message_id=call.key, rule="number_reused", form=form, occurred_at=call.at)


def _warnings(call: EffectCall, ledger: Ledger) -> Iterator[str]:
    parcel = _parcel(call)
    if parcel is None:
        return
    if is_malformed(parcel.tracking_no):
        yield MALFORMED_WARNING
    others = [use for use in _uses(call, parcel, ledger) if not use.same_person]
    if others:
        yield f"该单号曾于 {shanghai(others[-1].at)} 用于其他收件人,近期重复使用会被疑似虚假发货,请先核对面单"


def _uses(call: EffectCall, parcel: Shipment, ledger: Ledger) -> Iterator[PriorUse]:
    """Yield the uses of a number for other orders until it was uploaded, oldest first."""
    facts = _facts(call)
    found = ledger.numbers_used(facts.shop_id, parcel.tracking_no, call.at - LOOKED_BACK)
    for use in sorted(found, key=lambda use: use.at):
        if use.order != facts.order_id and use.at <= call.at:
            same_carrier, same_person = use.carrier == parcel.carrier, use.consignee == facts.consignee
            yield PriorUse(same_carrier=same_carrier, same_person=same_person, at=use.at)


def _parcel(call: EffectCall) -> Shipment | None:
    return None if call.form is None else read(Shipment, call.form, "form")


def _facts(call: EffectCall) -> DouyinShipmentFacts:
    return read(DouyinShipmentFacts, call.facts, "facts")


EFFECTS: Mapping[str, How] = {
    "push_tracking_number": warned_of_number(SHIP_TASK),
    "push_corrected_number": warned_of_number(CORRECT_TASK),
    "check_number": check_number,
    "urge_carrier": URGE_TASK,
}
