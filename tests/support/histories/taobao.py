"""Stories of Taobao: splits of items into several orders."""

from datetime import datetime, timedelta
from typing import Any

from cases.durations import parse_duration
from tests.support.histories.story import FIRST_EDITION, Stories
from tests.support.processes.splits import ITEM_WAY, KEEP_ALL, KEEP_SINGLE, WAIVED_WAY, form_of, split_facts
from tests.support.temporal.life import Life


def split_of(opened: datetime, own_id: str, many: int = 2, **receipts: str) -> dict[str, Any]:
    """Return the facts of an item opened at an instant; automatic receipt is after 10 days unless set by order."""
    facts = split_facts(many, own_id)
    for order in facts["sub_orders"]:
        receipt = parse_duration(receipts.get(order["order_id"], "10d"))
        order["auto_receipt_at"] = (opened + receipt).isoformat()
    return facts


OLD_SPLITS = Stories("anxinjian_split", split_of, prefix="split_", edition=FIRST_EDITION)
SPLITS = OLD_SPLITS.amended()


async def walk(life: Life, order: str, *rules: str) -> None:
    """Do several things with an order, one after the other; what the platform sees happens then is reported."""
    for rule in rules:
        if rule in ("pick_up", "deliver", "unblock", "refund_order", "confirm_receipt"):
            await life.report(message_id=f"{order} {rule}", rule=rule, order=order)
        else:
            await life.act(rule, {**form_of(rule, order), "order": order})


async def until_task(life: Life, effect: str, order: str | None = None) -> dict[str, Any]:
    """Until an operator has a console task; the effect as the case shows it."""
    wanted = effect, order, "console_task"

    def matching(seen: dict[str, Any]) -> list[dict[str, Any]]:
        return [effect for effect in seen["effects"] if (effect["effect"], effect["order"], effect["status"]) == wanted]

    return matching(await life.until(effect, matching))[0]


@OLD_SPLITS.story()
async def split_keep_all(life: Life) -> None:
    """A blocked order resumes where it was; both orders are confirmed, one of them at the merchant's freight."""
    await until_task(life, "ask_choice")
    await life.reach("1h")
    await life.act("choose", KEEP_ALL)
    await walk(life, "O1", *ITEM_WAY[:3])
    await walk(life, "O2", *WAIVED_WAY[:3], "report_blocked")
    await until_task(life, "report_to_operations", "O2")
    await life.reach("5h")
    await walk(life, "O2", "unblock", *WAIVED_WAY[3:5])
    await walk(life, "O1", *ITEM_WAY[3:5])
    await life.reach("60h")
    await walk(life, "O1", *ITEM_WAY[5:])
    await walk(life, "O2", *WAIVED_WAY[5:])
    await life.until_closed()


@OLD_SPLITS.story()
async def split_keep_single(life: Life) -> None:
    """Nobody chooses for a day; then the other order is refunded, and bought again."""
    await walk(life, "O1", "sign_in")
    await walk(life, "O2", "sign_in")
    await life.reach("25h")
    await until_task(life, "escalate_silence")
    await life.act("choose", KEEP_SINGLE)
    task = await until_task(life, "arrange_repurchase")
    await life.act("done_by_hand", {"serial": task["serial"], "note": "商家已告知买家"})
    await walk(life, "O2", "refund_order")
    await walk(life, "O1", *ITEM_WAY[1:])
    await life.until_closed()


@OLD_SPLITS.story()
async def split_lost(life: Life) -> None:
    """Both orders are refunded automatically, one of them at a later deadline of the platform."""
    await life.act("choose", KEEP_ALL)
    await walk(life, "O1", "sign_in")
    await walk(life, "O2", "sign_in")
    await life.report(message_id="m1", order="O2", deadline=(life.opened + timedelta(days=12)).isoformat())
    await life.pass_time("13d")
    await life.until_state("settled_with_loss")
    await life.pass_time("8d")
    await life.until_closed()


@OLD_SPLITS.story(many=1)
async def split_found_confirmed(life: Life) -> None:
    """An order was confirmed before it was taken to be refunded: the loss is reversed."""
    await life.reach("1h")
    await walk(life, "O1", *ITEM_WAY[:-1])
    await life.pass_time("11d")
    await life.until_state("settled_with_loss")
    confirmed = (life.opened + timedelta(days=9)).isoformat()
    await life.report(message_id="late", rule="confirm_receipt", order="O1", occurred_at=confirmed)
    await life.until_closed()


@SPLITS.story()
async def split_failed_and_returned(life: Life) -> None:
    """The item fails; the platform refunds both orders, and the item goes back without a loss."""
    await life.act("choose", KEEP_SINGLE)
    await walk(life, "O1", "sign_in", "record")
    await life.act("authenticate", {"verdict": "fail", "order": "O1"})
    task = await until_task(life, "send_back", "O1")
    await walk(life, "O1", "refund_order")
    await walk(life, "O2", "refund_order")
    await life.reach("240h")
    await life.act("done_by_hand", {"serial": task["serial"], "note": "已寄出"})
    await walk(life, "O1", "return_item")
    await life.until_closed()


@SPLITS.story()
async def split_buyer_keeps(life: Life) -> None:
    """The choice is changed, then the buyer will not cancel: all are kept, and freight is due without consent."""
    await life.act("choose", KEEP_ALL)
    await life.reach("1h")
    await life.act("choose", KEEP_SINGLE)
    await until_task(life, "arrange_repurchase")
    await life.report(message_id="m1", rule="buyer_keeps")
    await walk(life, "O1", *ITEM_WAY)
    await walk(life, "O2", *WAIVED_WAY)
    await life.until_closed()


@SPLITS.story()
async def split_blocked_at_sign_in(life: Life) -> None:
    """An order that cannot be signed in returns where it stood; the refund of the item at the provider is no loss."""
    await life.act("choose", KEEP_ALL)
    await life.act("report_blocked", {"order": "O2", "step": "sign_in"})
    await until_task(life, "report_to_operations", "O2")
    await life.reach("30h")
    await walk(life, "O2", "unblock", "sign_in", "waive")
    await walk(life, "O1", *ITEM_WAY[:4])
    await walk(life, "O1", "refund_order")
    await walk(life, "O2", "refund_order")
    await walk(life, "O1", "return_item")
    await life.until_closed()


@SPLITS.story()
async def split_refunded_after_pick_up(life: Life) -> None:
    """Refunded while on its way to the buyer, the item is lost."""
    await life.act("choose", KEEP_SINGLE)
    await walk(life, "O2", "refund_order")
    await walk(life, "O1", *ITEM_WAY[:6])
    await walk(life, "O1", "refund_order")
    await life.until_state("settled_with_loss")
    await life.until_closed()
