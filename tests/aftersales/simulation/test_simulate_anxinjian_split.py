"""An Anxinjian item and its orders to their end, under virtual time, in the example scenarios."""

from aftersales.files.documents import read_document
from tests.support.places import EXAMPLES
from tests.support.rules.playing import DAY, HOUR, LOOKED_AT, Perform, Played

FOLDER = EXAMPLES / "scenarios"


async def play(perform: Perform, name: str) -> Played:
    assert name in LOOKED_AT
    return await perform(read_document(FOLDER / f"{name}.yaml").data)


def of(played: Played, order: str | None) -> list[str]:
    """Return the rules that fired on an order, or on the item if it is None."""
    return [entry["rule"] for entry in played.result["timeline"] if entry["order"] == order]


def booked(played: Played) -> list[tuple[str, str | None, str | None]]:
    return [(entry["clause"], entry["amount"], entry["order"]) for entry in played.result["ledger"]]


async def test_ax_3_ax_4_ax_7_ax_8_all_orders_are_kept(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_keep_all")
    assert (played.failed, played.state, played.status) == ([], "settled", "closed")
    assert of(played, None) == ["choose", "settle_item"]
    shipped = ["print_waybill", "pick_up", "deliver", "confirm_receipt"]
    assert of(played, "O1") == ["sign_in", "record", "authenticate", "pack", *shipped]
    assert of(played, "O2") == ["sign_in", "record", "waive", "report_blocked", "unblock", "pack", *shipped]
    assert of(played, "O3") == ["explain_unsigned", "sign_in", "record", "waive", *shipped]
    (waived,) = [entry for entry in played.result["timeline"] if (entry["rule"], entry["order"]) == ("waive", "O2")]
    assert waived == {
        "at": 6 * HOUR,
        "rule": "waive",
        "by": "provider",
        "from": ["O2.recorded"],
        "to": ["O2.waived"],
        "clause": "AX-5",
        "order": "O2",
    }
    assert played.refused == [(HOUR, "ship_offline"), (6 * HOUR, "authenticate")]
    offline, second = (entry["error"] for entry in played.result["refused"])
    assert all(text in offline for text in ("无法确认收货", "收不到货款", "自动退款", "鉴定费 ¥30.00 不产生", "AX-3"))
    assert "再鉴定一单将多扣鉴定费 ¥30.00 (AX-4)" in second
    assert played.ignored == [(81 * HOUR, "m8")]
    assert "O3.picked_up" in played.result["ignored"][0]["why"]
    assert booked(played) == [("AX-8", "12.00", "O2"), ("AX-8", "12.00", "O3")]


async def test_ax_9_an_order_is_lost_after_two_reminders(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_lost")
    assert (played.failed, played.state, played.status) == ([], "settled_with_loss", "closed")
    assert played.reminders == [(5 * DAY, 8 * DAY), (7 * DAY, 8 * DAY)]
    assert played.fired[-2:] == [(8 * DAY, "auto_refund"), (8 * DAY, "settle_item")]
    assert played.clauses[-2:] == ["AX-9", "AX-9"]
    assert played.ignored == [(8 * DAY, "m4")]
    assert booked(played) == [("AX-9", None, "O2")]


async def test_ax_6_ax_10_silence_is_escalated_and_to_keep_all_without_consent_is_refused(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_silent")
    assert (played.failed, played.state) == ([], "settled")
    assert of(played, None) == ["escalate_choice", "choose", "settle_item"]
    assert played.fired[2] == (DAY, "escalate_choice")
    assert played.reminders == [(12 * HOUR, DAY), (22 * HOUR, DAY)]
    assert played.refused == [(2 * HOUR, "waive"), (30 * HOUR, "choose"), (31 * HOUR, "waive")]
    _, without_consent, not_kept = (entry["error"] for entry in played.result["refused"])
    assert "全部保留须登记商家同意承担运费 ¥12.00(freight_consent),未同意不能选 (AX-6)" in without_consent
    assert "已定为全部保留 (keeps_all)" in not_kept
    assert of(played, "O2") == ["sign_in", "refund_order"]
    assert [(effect, status) for _, effect, status in played.effects] == [
        ("ask_choice", "done"),
        ("escalate_silence", "done"),
        ("arrange_repurchase", "done"),
    ]
    assert booked(played) == []


async def test_g_1_g_2_ax_9_the_platforms_deadline_and_answer_count(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_platform")
    assert (played.failed, played.state, played.status) == ([], "settled", "closed")
    assert played.fired[-2:] == [(12 * DAY, "confirm_receipt"), (12 * DAY, "settle_item")]
    assert played.reminders == [(7 * DAY, 10 * DAY), (9 * DAY, 10 * DAY), (11 * DAY, 12 * DAY)]
    assert booked(played) == []


async def test_ax_5_ax_6_the_buyer_will_not_cancel_and_the_merchant_pays_the_freight(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_buyer_keeps")
    assert (played.failed, played.state, played.refused) == ([], "settled", [])
    assert of(played, None) == ["choose", "buyer_keeps", "settle_item"]
    assert booked(played) == [("AX-8", "12.00", "O2")]


async def test_ax_5_a_choice_is_changed_until_an_order_was_refunded(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_changed_choice")
    assert (played.failed, played.state, played.refused) == ([], "settled", [(5 * HOUR, "choose")])
    assert "choice_acted_on" in played.result["refused"][0]["error"]
    assert of(played, None) == ["choose", "choose", "settle_item"]


async def test_ax_11_what_fails_is_sent_back_without_loss_however_long_it_takes(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_returned")
    assert (played.failed, played.state, played.refused) == ([], "settled", [(5 * HOUR, "pack")])
    assert of(played, "O1") == ["sign_in", "record", "authenticate", "refund_order", "return_item"]
    assert ("send_back", "done") in [(effect, status) for _, effect, status in played.effects]
    assert booked(played) == []


async def test_ax_1_ax_12_a_refund_while_the_item_is_with_the_provider_is_no_loss(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_refunded_with_provider")
    assert (played.failed, played.state, played.refused) == ([], "settled", [(8 * HOUR, "print_waybill")])
    assert of(played, "O2") == ["report_blocked", "refund_order"]
    assert booked(played) == []


async def test_ax_12_a_refund_after_the_item_was_picked_up_is_a_loss(perform: Perform) -> None:
    played = await play(perform, "anxinjian_split_refunded_after_pick_up")
    assert (played.failed, played.state) == ([], "settled_with_loss")
    assert played.fired[-2:] == [(30 * HOUR, "refund_order"), (30 * HOUR, "settle_item")]
    assert booked(played) == [("AX-9", None, "O1")]
