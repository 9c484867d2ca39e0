"""Stories of Douyin: reships, watches of shipments, and interceptions."""

from datetime import timedelta

from cases.errors import LedgerUnreachable, PlatformRefused
from tests.support.histories.story import FIRST_EDITION, Stories
from tests.support.processes.interceptions import COMPLAINT, LOST, NEAR, interception_facts
from tests.support.processes.shipments import HUB, MALFORMED, OTHER_PARCEL, PARCEL, THERE, shipment_facts
from tests.support.rules.stage import BUSINESS, NOT_YET, UNREACHABLE
from tests.support.temporal.life import Life, due, facts, settled

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
CONSENT = {"kind": "buyer_consent", "url": "https://example.com/1.png"}

OLD_RESHIPS = Stories(
    "douyin_reship",
    lambda opened, own_id, **changes: facts(own_id, applied_at=opened.isoformat(), **changes),
    edition=FIRST_EDITION,
)
RESHIPS = OLD_RESHIPS.amended()
SHIPMENTS = Stories("douyin_shipment", shipment_facts, prefix="shipment_")
INTERCEPTIONS = Stories(
    "douyin_interception", lambda _, own_id, **changes: interception_facts(own_id, **changes), prefix="interception_"
)


@OLD_RESHIPS.story()
async def silent_never_received(life: Life) -> None:
    """The platform has no record of what its clocks led to: facts told late could still put the case right."""
    await life.pass_time("5d")
    await life.until_state("refunded")
    await life.pass_time("8d")
    await life.until_closed()


@OLD_RESHIPS.story(reason="short_shipped")
async def silent_short_shipped(life: Life) -> None:
    await life.pass_time("7d")
    await life.until_state("lapsed")
    await life.pass_time("8d")
    await life.until_closed()


@OLD_RESHIPS.story()
async def agreed_shipped_signed(life: Life) -> None:
    await life.reach("3h")
    await life.act("agree")
    await life.reach("30h")
    await life.act("ship", SHIPMENT)
    await life.reach("80h")
    await life.report(message_id="m1", rule="sign")
    await life.until_closed()


@OLD_RESHIPS.story(reason="other")
async def ruled_and_dismissed(life: Life) -> None:
    await life.reach("1h")
    await life.act("refuse", {"reason": "已签收"})
    await life.report(message_id="m1", rule="modify", form={"reason": "other"})
    await life.until_state("awaiting_merchant")
    await life.act("refuse", {"reason": "已签收"})
    await life.report(message_id="m2", rule="request_intervention")
    await life.until_state("arbitration")
    await life.act("submit_evidence", {"evidence": [CONSENT]})
    await life.report(message_id="m2", rule="request_intervention")
    await life.report(message_id="m3", rule="rule_dismiss")
    await life.until_closed()


@OLD_RESHIPS.story(reason="other")
async def out_of_stock(life: Life) -> None:
    await life.act("mark_out_of_stock")
    await life.until("task", lambda seen: seen["effects"][0]["status"] == "console_task")
    await life.reach("47h")
    await life.act("agree")
    await life.act("done_by_hand")
    await life.act("refuse", {"reason": "缺货", "after_consent": True, "evidence": [CONSENT]})
    await life.report(message_id="m1", rule="withdraw")
    await life.until_closed()


@OLD_RESHIPS.story()
async def deadline_of_the_platform(life: Life) -> None:
    await life.report(message_id="m1", deadline=(life.opened + timedelta(hours=60)).isoformat())
    await life.until("given", lambda seen: due(seen) == life.opened + timedelta(hours=60))
    life.scene.settle["auto_agree"] = settled("withdraw", occurred_at=life.opened + timedelta(hours=59))
    await life.pass_time("61h")
    await life.until_closed()


@OLD_RESHIPS.story()
async def failing_platform(life: Life) -> None:
    """The platform refuses a decision, then does not answer the next one; its clock cannot be resolved at first."""
    life.scene.fails["agree_on_platform"] = BUSINESS
    await life.reach("1h")
    await life.refused("agree")
    life.scene.fails = {"agree_on_platform": UNREACHABLE}
    await life.act("agree")
    await life.pass_time("2h")
    await life.until("stuck", lambda seen: seen["needs_operator"])
    await life.act("done_by_hand", {"note": "后台已同意"})
    await life.until_state("awaiting_shipment")
    life.scene.fails = {"settle": BUSINESS}
    await life.reach("60h")
    await life.until("stuck", lambda seen: seen["needs_operator"])
    life.scene.fails.clear()
    life.scene.settle["miss_shipment"] = settled("withdraw")
    await life.act("retry_effect")
    await life.until_closed()


@OLD_RESHIPS.story()
async def taken_late(life: Life) -> None:
    """The platform does not answer for a while; then it has taken the decision."""
    life.scene.fails["agree_on_platform"] = UNREACHABLE
    await life.reach("1h")
    await life.act("agree")
    await life.refused("refuse", {"reason": "已签收"})
    life.scene.fails.clear()
    await life.pass_time("10m")
    await life.until_state("awaiting_shipment")
    await life.act("ship", SHIPMENT)
    await life.report(message_id="m1", rule="sign")
    await life.until_closed()


@OLD_RESHIPS.story()
async def dropped(life: Life) -> None:
    """The platform's clock runs out while a decision is being submitted; its record decides."""
    life.scene.fails["refuse_on_platform"] = UNREACHABLE
    life.scene.settle["auto_agree"] = settled("auto_agree")
    await life.reach("47h30m")
    await life.act("refuse", {"reason": "已签收"})
    await life.reach("49h")
    await life.until("dropped", lambda seen: seen["decisions"][0]["status"] == "dropped")
    life.scene.fails.clear()
    await life.report(message_id="m1", rule="withdraw")
    await life.until_closed()


@OLD_RESHIPS.story()
async def still_open(life: Life) -> None:
    await life.reach("37h")
    await life.act("agree")
    await life.until("performed", lambda seen: not seen["busy"])


@OLD_RESHIPS.story(policy={"reminders_before": ["48h"]})
async def two_at_once(life: Life) -> None:
    """Agreeing starts an effect and a reminder in one and the same task."""
    await life.act("agree")
    await life.until("both", lambda seen: not seen["busy"] and len(seen["reminders"]) == len(life.scene.reminders))


@OLD_RESHIPS.story()
async def outcome_recorded(life: Life) -> None:
    """The ledger is away when the case closes: its outcome waits, and is recorded once."""
    life.scene.fails["ledger"] = LedgerUnreachable("away")
    await life.report(message_id="m1", rule="withdraw")
    await life.until("closed", lambda seen: seen["finished"])
    await life.report(message_id="m2", rule="sign")
    life.scene.fails.clear()
    await life.pass_time("10m")
    await life.until_closed()


@OLD_RESHIPS.story()
async def trouble_told(life: Life) -> None:
    """A step waits twice: operators are notified of the first time, late, but not of the second, soon over."""
    life.scene.fails = {"agree_on_platform": UNREACHABLE, "notify": NOT_YET}
    await life.act("agree")
    await life.pass_time("70m")
    await life.until("on its way", lambda seen: seen["notifications"])
    life.scene.fails.pop("notify")
    await life.pass_time("6m")
    await life.until("notified", lambda seen: seen["notifications"][0]["delivered"])
    life.scene.fails["notify"] = NOT_YET
    await life.act("retry_effect")
    await life.pass_time("70m")
    await life.until("on its way", lambda seen: len(seen["notifications"]) == len(["first", "second"]))
    await life.act("done_by_hand")
    await life.until("called off", lambda seen: seen["notifications"][1]["delivered"] is False)
    life.scene.fails.clear()
    await life.report(message_id="m1", rule="withdraw")
    await life.until_closed()


@RESHIPS.story()
async def evidence_asked(life: Life) -> None:
    """The platform waits for evidence, and then for more of it; the last piece comes too late."""
    await life.reach("1h")
    await life.act("refuse", {"reason": "已签收"})
    until = [(life.opened + timedelta(hours=hours)).isoformat() for hours in (26, 50)]
    await life.report(message_id="m1", rule="ask_evidence", form={"until": until[0]})
    await life.reach("20h")
    await life.act("submit_evidence", {"evidence": [CONSENT]})
    await life.report(message_id="m2", rule="ask_evidence", form={"until": until[1]})
    await life.reach("51h")
    await life.act("submit_evidence", {"evidence": [CONSENT]})
    await life.report(message_id="m3", rule="rule_refund")
    await life.until_closed()


@RESHIPS.story(reason="short_shipped")
async def agreed_after_refusal(life: Life) -> None:
    """The merchant agrees after all, ships, and corrects the number in the console."""
    await life.reach("1h")
    await life.act("refuse", {"reason": "重量无误"})
    await life.reach("40h")
    await life.act("agree")
    await life.reach("50h")
    await life.act("ship", SHIPMENT)
    await life.reach("73h")
    await life.act("correct_tracking", {**SHIPMENT, "tracking_no": "SF2"})
    await life.act("done_by_hand", {"note": "后台已修改"})
    await life.report(message_id="m1", rule="sign")
    await life.until_closed()


@RESHIPS.story(policy={"late_again_every": "24h"}, reason="other")
async def untrue_number(life: Life) -> None:
    """The number is found untrue and nothing was shipped: it is late, and judged again a day later."""
    await life.act("agree")
    await life.reach("10h")
    await life.act("ship", SHIPMENT)
    await life.reach("30h")
    await life.report(message_id="m1", rule="number_found_untrue", form={"shipped": False})
    await life.until_state("overdue")
    await life.reach("56h")
    await life.act("ship", {**SHIPMENT, "tracking_no": "SF2"})
    await life.report(message_id="m2", rule="sign")
    await life.until_closed()


@RESHIPS.story(policy={"reminders_before": ["12h"]})
async def notices_put_off(life: Life) -> None:
    """Notices wait until quiet hours end; they have begun again when the first is sent, and one robot refuses it."""
    life.scene.channels = {"day": None, "night": life.opened + timedelta(hours=40)}
    life.scene.puts_off = {"night": life.opened + timedelta(hours=41)}
    await life.reach("40h")
    await life.until("put off", lambda _: not life.scene.puts_off)
    life.scene.fails["night"] = PlatformRefused("机器人拒绝 / the bot refused")
    await life.reach("42h")
    await life.until("told", lambda seen: seen["reminders"][0]["why"])
    life.scene.fails.clear()
    life.scene.channels["night"] = life.opened + timedelta(hours=48)
    await life.report(message_id="m1", rule="withdraw", occurred_at=(life.opened + timedelta(hours=42)).isoformat())
    await life.until("closed", lambda seen: seen["status"] == "closed")
    await life.reach("48h")
    await life.until_over()


@SHIPMENTS.story()
async def shipment_delivered(life: Life) -> None:
    """The platform warns and is satisfied; the parcel stalls, moves on and is received."""
    until = (life.opened + timedelta(hours=20)).isoformat()
    await life.report(message_id="w1", rule="warn", form={"until": until})
    await life.reach("10h")
    await life.act("upload_tracking", PARCEL)
    await life.act("done_by_hand", {"note": "已发货"})
    await life.until_state("awaiting_pickup")
    await life.report(message_id="w2", rule="clear_warning")
    await life.reach("20h")
    await life.report(message_id="t1", rule="scan", form=HUB)
    await life.until_state("moving")
    await life.reach("45h")
    await life.until_state("suspected")
    await life.report(message_id="t2", rule="scan", form=THERE)
    await life.until_state("moving")
    await life.report(message_id="m1", rule="sign")
    await life.until_closed()


@SHIPMENTS.story()
async def shipment_late_and_closed(life: Life) -> None:
    """Late three times, and never shipped; the order closes."""
    await life.pass_time("5d")
    await life.until("blocked", lambda seen: len(seen["timeline"]) == len(["48h", "72h", "96h"]))
    await life.pass_time("146d")
    await life.until_state("closed_unshipped")
    await life.pass_time("8d")
    await life.until_closed()


@SHIPMENTS.story()
async def shipment_judged_and_cleared(life: Life) -> None:
    """A malformed number is corrected; the platform judges the new one false, and takes that back with its points."""
    await life.reach("1h")
    await life.act("upload_tracking", MALFORMED)
    await life.act("done_by_hand")
    await life.until_state("suspected")
    await life.reach("5h")
    await life.act("correct_tracking", OTHER_PARCEL)
    await life.act("done_by_hand")
    await life.until_state("awaiting_pickup")
    await life.reach("73h")
    await life.until("not picked up", lambda seen: seen["timeline"][-1]["rule"] == "miss_pickup")
    await life.report(message_id="j1", rule="judge_false", form={"reason": "物流轨迹异常"})
    await life.until_state("judged_false")
    picked_up = (life.opened + timedelta(hours=70)).isoformat()
    await life.report(message_id="t1", rule="scan", form=HUB, occurred_at=picked_up)
    await life.report(message_id="j2", rule="clear_suspicion")
    await life.until_state("moving")
    await life.report(message_id="m1", rule="refund")
    await life.until_closed()


@SHIPMENTS.story()
async def shipment_number_reused(life: Life) -> None:
    """The case is told that its number was used for another person, as its own look into the ledger would tell it."""
    await life.reach("1h")
    await life.act("upload_tracking", PARCEL)
    await life.act("done_by_hand")
    await life.until_state("awaiting_pickup")
    uploaded = (await life.view())["timeline"][-1]["at"]
    use = {"same_carrier": True, "same_person": False, "at": life.opened.isoformat()}
    form = {"tracking_no": PARCEL["tracking_no"], "uses": [use]}
    await life.report(message_id="n1", rule="number_reused", form=form, occurred_at=uploaded)
    await life.until_state("suspected")
    await life.report(message_id="m1", rule="refund")
    await life.until_closed()


@INTERCEPTIONS.story(agreement_signed=False)
async def interception_signed_and_returned(life: Life) -> None:
    """The shop signs the agreement, changes its mind about the parcel, and gets it back at an unknown fee."""
    await life.act("sign_agreement")
    await life.act("done_by_hand", {"note": "已签署"})
    await life.act("choose_parcel", {"tracking_no": "SF1"})
    await life.act("reconsider")
    await life.act("choose_parcel", {"tracking_no": "YT2"})
    await life.act("confirm")
    await life.until_state("intercepting")
    await life.reach("3h")
    await life.report(message_id="m1", rule="intercept_succeeds")
    await life.report(message_id="m2", rule="sign", form={"tracking_no": "SF1"})
    await life.reach("70h")
    await life.act("arrive")
    await life.until_closed()


@INTERCEPTIONS.story()
async def interception_compensated(life: Life) -> None:
    """The parcel is lost on its way back; the carrier pays less than was expected."""
    await life.act("choose_parcel", {"tracking_no": "SF1"})
    await life.act("confirm")
    await life.report(message_id="m1", rule="intercept_succeeds")
    await life.report(message_id="m2", rule="refund_succeeds")
    await life.reach("80h")
    await life.act("lose", LOST)
    await life.act("complain", COMPLAINT)
    await life.act("done_by_hand")
    await life.until_state("complaint")
    await life.reach("200h")
    await life.report(message_id="m3", rule="compensate", form={"amount": "640.00"})
    await life.until_closed()


@INTERCEPTIONS.story(parcels=[NEAR])
async def interception_too_late(life: Life) -> None:
    """The only parcel goes out for delivery while the platform does not answer the interception."""
    life.scene.fails["intercept_parcel"] = UNREACHABLE
    await life.act("choose_parcel", {"tracking_no": "SF1"})
    await life.act("confirm")
    await life.pass_time("5m")
    await life.report(message_id="m1", rule="out_for_delivery", form={"tracking_no": "SF1"})
    await life.until_closed()
