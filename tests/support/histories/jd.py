"""Stories of JD: cards, watches of shipments, presale shortages, advance reports, and abnormal orders."""

from datetime import datetime, timedelta
from typing import Any

from cases.ledger import ToldFact
from tests.support.histories.story import FIRST_EDITION, Stories
from tests.support.processes.abnormal_orders import FILED, REJECTED, abnormal_facts
from tests.support.processes.advance_reports import PROOF, advance_facts
from tests.support.processes.delays import CHAT, delay_facts
from tests.support.processes.jd_shipments import PARCEL, watch_facts
from tests.support.processes.jd_shipments import PROOF as PHONE_PROOF
from tests.support.processes.shortages import shortage_facts
from tests.support.temporal.life import Life
from workflows.engine.sender import FROM_A_CASE

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
REFUSAL = {"reason": "凭证不清晰"}

OLD_DELAYS = Stories("jd_delay_card", delay_facts, prefix="delay_", edition=FIRST_EDITION)
DELAYS = OLD_DELAYS.amended()
WATCHES = Stories("jd_shipment", watch_facts, prefix="watch_")
EARLIER_WATCHES = Stories(
    "jd_shipment",
    lambda opened, own_id: watch_facts(opened - timedelta(hours=30), own_id),
    prefix="watch_",
)
SHORTAGES = Stories("jd_presale_shortage", shortage_facts, prefix="shortage_")
ADVANCES = Stories("jd_advance_report", advance_facts, prefix="advance_")
ABNORMAL_ORDERS = Stories("jd_abnormal_order", abnormal_facts, prefix="abnormal_")


@OLD_DELAYS.story()
async def delay_accepted_and_shipped(life: Life) -> None:
    await life.until("task", lambda seen: seen["effects"] and seen["effects"][0]["status"] == "console_task")
    await life.act("done_by_hand")
    await life.reach("1h")
    await life.act("card_sent", {"sent_at": (life.opened + timedelta(minutes=30)).isoformat()})
    await life.reach("20h")
    await life.report(message_id="m1", rule="accept")
    await life.until_state("approved")
    await life.reach("300h")
    await life.act("ship", SHIPMENT)
    await life.until_closed()


@OLD_DELAYS.story(sent_at="0s")
async def delay_reported_and_late(life: Life) -> None:
    """A review is escalated once; approved at last, the agreed time is missed."""
    report = {"agreed_ship_at": (life.opened + timedelta(hours=90)).isoformat(), "evidence": [CHAT]}
    await life.reach("1h")
    await life.report(message_id="m1", rule="decline")
    await life.until_state("declined")
    await life.act("file_emergency_report", report)
    await life.act("done_by_hand")
    await life.reach("30h")
    await life.until("escalated", lambda seen: seen["effects"][-1]["status"] == "console_task")
    await life.act("done_by_hand")
    await life.report(message_id="m2", rule="approve_report")
    await life.until_state("approved")
    await life.reach("91h")
    await life.act("ship", SHIPMENT)
    await life.until_closed()


@OLD_DELAYS.story()
async def delay_silent(life: Life) -> None:
    await life.pass_time("7d")
    await life.until_state("not_exempt")
    await life.pass_time("8d")
    await life.until_closed()


@OLD_DELAYS.story(promised_ship_at="70h")
async def delay_told_late(life: Life) -> None:
    """The card was accepted, and the parcel shipped, before the promised time; the case is told a day later."""
    await life.reach("75h")
    await life.until("late", lambda seen: "miss_promise" in [entry["rule"] for entry in seen["timeline"]])
    shipped = (life.opened + timedelta(hours=60)).isoformat()
    await life.act("ship", {**SHIPMENT, "occurred_at": shipped})
    await life.until_closed()


@DELAYS.story(sent_at="0s", promised_ship_at="20h")
async def delay_approved_after_the_promise(life: Life) -> None:
    """A report called back and filed again is approved after the promise: the late order is taken back.

    OPENINGS: sent_at 0s, promised_ship_at 20h.
    """
    report = {"agreed_ship_at": (life.opened + timedelta(hours=90)).isoformat(), "evidence": [CHAT]}
    await life.reach("1h")
    await life.act("file_emergency_report", report)
    await life.act("done_by_hand")
    await life.until_state("emergency_review")
    await life.act("recall_report")
    await life.act("done_by_hand")
    await life.until_state("awaiting_buyer")
    await life.act("file_emergency_report", report)
    await life.act("done_by_hand")
    await life.reach("21h")
    await life.until("late", lambda seen: "miss_promise" in [entry["rule"] for entry in seen["timeline"]])
    await life.report(message_id="m1", rule="approve_report")
    await life.until_state("approved")
    await life.act("ship", SHIPMENT)
    await life.until_closed()


@DELAYS.story(sent_at="0s")
async def delay_later_time_refused(life: Life) -> None:
    """From an approval a later time is asked for and refused; the approval in force stays.  OPENINGS: sent_at 0s."""
    await life.reach("1h")
    await life.report(message_id="m1", rule="accept")
    await life.until_state("approved")
    later = {"agreed_ship_at": (life.opened + timedelta(days=25)).isoformat(), "evidence": [CHAT]}
    await life.act("file_emergency_report", later)
    await life.act("done_by_hand")
    await life.report(message_id="m2", rule="refuse_report", form=REFUSAL)
    await life.until_state("approved")
    await life.reach("300h")
    await life.act("ship", SHIPMENT)
    await life.until_closed()


@WATCHES.story()
async def watch_picked_up_in_time(life: Life) -> None:
    """The number is uploaded and the parcel picked up in time: nothing is entered."""
    await life.reach("20h")
    await life.act("upload_tracking", PARCEL)
    await life.until_state("awaiting_pickup")
    await life.reach("40h")
    await life.report(message_id="m1", rule="pick_up")
    await life.until_closed()


@WATCHES.story()
async def watch_late_exempt_and_late_again(life: Life) -> None:
    """A late order is taken back by an accepted card, and counts again at the agreed time."""
    await life.reach("30h")
    await life.until("late", lambda seen: "miss_upload" in [entry["rule"] for entry in seen["timeline"]])
    agreed = (life.opened + timedelta(hours=60)).isoformat()
    await life.report(message_id="m1", rule="exempt", form={"by": "card", "until": agreed})
    await life.until("exempt", lambda seen: "exempt" in [entry["rule"] for entry in seen["timeline"]])
    await life.reach("61h")
    await life.act("upload_tracking", PARCEL)
    await life.report(message_id="m2", rule="pick_up")
    await life.until_closed()


@WATCHES.story()
async def watch_pickup_told_late(life: Life) -> None:
    """The carrier's instant of the pickup was in time: the late order is reversed."""
    await life.reach("2h")
    await life.act("upload_tracking", PARCEL)
    await life.reach("50h")
    await life.until("late", lambda seen: "miss_pickup" in [entry["rule"] for entry in seen["timeline"]])
    picked_up = (life.opened + timedelta(hours=47)).isoformat()
    await life.report(message_id="m1", rule="pick_up", occurred_at=picked_up)
    await life.until_closed()


@WATCHES.story()
async def watch_phone_cancel(life: Life) -> None:
    """A cancellation on the phone is reported in the console, refused, reported again and exempted."""
    await life.reach("20h")
    await life.act("report_phone_cancel", PHONE_PROOF)
    await life.act("done_by_hand")
    await life.report(message_id="m1", rule="refuse_report", form=REFUSAL)
    await life.reach("26h")
    await life.act("report_phone_cancel", PHONE_PROOF)
    await life.act("done_by_hand")
    await life.report(message_id="m2", rule="exempt", form={"by": "phone_cancel"})
    await life.reach("72h")
    await life.report(message_id="m3", rule="cancel_order")
    await life.until_closed()


def _card_accepted(opened: datetime, order: str) -> ToldFact:
    """Return what the card of an order told when it was accepted, three hours before the watch is opened."""
    return ToldFact(
        key=f"jd_delay_card/{order}/exempt_by_card/1",
        process="jd_shipment",
        shop_id="S1",
        order=order,
        rule="exempt",
        form={"by": "card", "until": (opened + timedelta(hours=60)).isoformat()},
        occurred_at=opened - timedelta(hours=3),
        told_by=f"jd_delay_card/{order}",
    )


@EARLIER_WATCHES.story(told=_card_accepted)
async def watch_exempt_at_its_opening(life: Life) -> None:
    """An order that is late already is exempt when its watch is opened; the card tells it again, and it counts once."""
    await life.until("exempt", lambda seen: "exempt" in [entry["rule"] for entry in seen["timeline"]])
    told = _card_accepted(life.opened, life.id.partition("/")[2])
    again = told.model_dump(mode="json", include={"rule", "form", "occurred_at"})
    await life.report(sender=FROM_A_CASE, message_id=told.key, **again)
    await life.reach("59h")
    await life.act("upload_tracking", PARCEL)
    await life.report(message_id="m1", rule="pick_up")
    await life.until_closed()


def _waits_for_a_person(seen: dict[str, Any]) -> bool:
    """Return whether a console task waits (None is no task)."""
    return any(effect["status"] == "console_task" for effect in seen["effects"])


@SHORTAGES.story()
async def shortage_deleted(life: Life) -> None:
    """The balance is paid while they negotiate; the order is deleted with the buyer's consent."""
    await life.until("task", _waits_for_a_person)
    await life.reach("2h")
    await life.report(message_id="m1", rule="pay_balance")
    await life.until_state("calling")
    await life.until("task", _waits_for_a_person)
    await life.act("done_by_hand", {"note": "已电话联系"})
    await life.act("file_deletion", {"evidence": [{"kind": "buyer_consent", "url": "https://example.com/chat.png"}]})
    await life.act("done_by_hand", {"note": "已提交"})
    await life.report(message_id="m2", rule="approve_deletion")
    await life.until_state("terminated")
    await life.until("task", _waits_for_a_person)
    await life.act("done_by_hand", {"note": "已双倍返还"})
    await life.until_closed()


@SHORTAGES.story(paid=True)
async def shortage_arrival_missed(life: Life) -> None:
    """The buyer answers only once asked again; the accepted arrival is missed, and then told to have been met."""
    await life.reach("1h")
    arrival = (life.opened + timedelta(days=9)).isoformat()
    call = {"kind": "call_record", "url": "https://example.com/call.mp3"}
    await life.act("tell_arrival", {"arrival_at": arrival, "evidence": [call]})
    await life.reach("30h")
    await life.report(message_id="m1", rule="accept_arrival")
    await life.until_state("must_ship")
    await life.pass_time("200h")
    await life.until_state("late")
    shipped = (life.opened + timedelta(days=8)).isoformat()
    await life.act("ship", {"carrier": "JDL", "tracking_no": "JD1", "occurred_at": shipped})
    await life.until_closed()


@SHORTAGES.story(paid=True)
async def shortage_never_called(life: Life) -> None:
    await life.pass_time("7d")
    await life.until_state("late")
    await life.pass_time("8d")
    await life.until_closed()


@ADVANCES.story()
async def advance_filed_and_in_force(life: Life) -> None:
    """Filed before the period, escalated once, approved in time; the period begins and ends."""
    await life.reach("1h")
    await life.act("file", PROOF)
    await life.act("done_by_hand", {"note": "已提交预报备"})
    await life.until_state("under_review")
    await life.reach("26h")
    await life.until("escalated", lambda seen: seen["effects"][-1]["status"] == "console_task")
    await life.act("done_by_hand")
    await life.reach("40h")
    await life.report(message_id="m1", rule="approve")
    await life.until_state("approved")
    await life.pass_time("5d")
    await life.until_state("ended")
    await life.pass_time("8d")
    await life.until_closed()


@ADVANCES.story(begins_at="10d", ends_at="12d")
async def advance_too_early(life: Life) -> None:
    """Refused before its window opens; filed in it, refused by the platform, and given up."""
    await life.reach("1h")
    await life.refused("file", PROOF)
    await life.reach("80h")
    await life.act("file", PROOF)
    await life.act("done_by_hand")
    await life.until_state("under_review")
    await life.report(message_id="m1", rule="refuse", form={"reason": "凭证不清晰"})
    await life.until_state("refused")
    await life.act("withdraw_report")
    await life.until_closed()


@ADVANCES.story(begins_at="-24h", ends_at="30h")
async def advance_approved_after_the_period(life: Life) -> None:
    """A review under way goes on after the period: its orders are exempt all the same."""
    await life.reach("29h")
    await life.act("file", PROOF)
    await life.act("done_by_hand")
    await life.until_state("under_review")
    await life.reach("60h")
    await life.report(message_id="m1", rule="approve")
    await life.until_closed()


@ADVANCES.story()
async def advance_silent(life: Life) -> None:
    """Nobody files: it lapses when the period ends."""
    await life.pass_time("121h")
    await life.until_state("lapsed")
    await life.pass_time("8d")
    await life.until_closed()


@ABNORMAL_ORDERS.story()
async def abnormal_deleted(life: Life) -> None:
    """A report is rejected and filed again; the order is deleted."""
    await life.reach("1h")
    await life.act("file", FILED)
    await life.act("done_by_hand")
    await life.until_state("filed")
    await life.reach("20h")
    await life.report(message_id="m1", rule="reject", form=REJECTED)
    await life.act("file", FILED)
    await life.act("done_by_hand")
    await life.report(message_id="m2", rule="approve")
    await life.until_closed()


@ABNORMAL_ORDERS.story(kind="malicious")
async def abnormal_malicious(life: Life) -> None:
    """The platform's warning ends unheard; the order is shipped, and nobody files any more."""
    await life.pass_time("25h")
    await life.until("told", lambda seen: "warning_ends" in [entry["rule"] for entry in seen["timeline"]])
    await life.act("ship", SHIPMENT)
    await life.act("give_up")
    await life.until_closed()
