"""Stories of 1688: claims, and anomalies of parcels."""

from datetime import timedelta

from tests.support.histories.story import FIRST_EDITION, Stories
from tests.support.processes.anomalies import REPORT, anomaly_facts
from tests.support.processes.claims import APPEAL, CHAT, claim_facts
from tests.support.temporal.life import Life

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}

OLD_CLAIMS = Stories(
    "claim_1688",
    lambda opened, own_id, **changes: claim_facts(own_id, opened, **changes),
    prefix="claim_",
    edition=FIRST_EDITION,
)
CLAIMS = OLD_CLAIMS.amended()
ANOMALIES = Stories(
    "anomaly_1688", lambda opened, own_id, **changes: anomaly_facts(own_id, opened, **changes), prefix="anomaly_"
)


@OLD_CLAIMS.story()
async def claim_agreed(life: Life) -> None:
    await life.reach("3h")
    await life.act("agree")
    await life.act("done_by_hand", {"note": "已点同意赔付"})
    await life.until_closed()


@OLD_CLAIMS.story()
async def claim_appealed_and_dismissed(life: Life) -> None:
    await life.reach("40h")
    await life.act("appeal", APPEAL)
    await life.report(message_id="m1", rule="close_trade", form={"refunded": True})
    await life.act("done_by_hand")
    await life.reach("50h")
    await life.act("add_evidence", {"evidence": [CHAT]})
    await life.act("done_by_hand")
    await life.report(message_id="m2", rule="overturn")
    await life.until_closed()


@OLD_CLAIMS.story()
async def claim_unanswered(life: Life) -> None:
    await life.report(message_id="m1", rule="close_trade", form={"refunded": False})
    await life.report(message_id="m1", rule="close_trade", form={"refunded": False})
    await life.pass_time("49h")
    await life.until_state("established")
    await life.pass_time("8d")
    await life.until_closed()


@OLD_CLAIMS.story()
async def claim_ruled_late(life: Life) -> None:
    """A ruling told after the claim was taken to stand: the compensation is reversed."""
    await life.pass_time("49h")
    await life.until_state("established")
    ruled = (life.opened + timedelta(hours=48, minutes=1)).isoformat()
    await life.report(message_id="m1", rule="overturn", occurred_at=ruled)
    await life.until_closed()


@CLAIMS.story(status="established", violation="refused_to_ship")
async def claim_approved_at_once(life: Life) -> None:
    """Opened by an edition that knows the status: closed at once, with the compensation."""
    await life.until_closed()


@ANOMALIES.story()
async def anomaly_reported(life: Life) -> None:
    await life.reach("2h")
    await life.act("tell_buyer", {"note": "旺旺留言未读,电话无人接听"})
    await life.refused("file_report", {"reason": "联系不上买家", "evidence": []})
    await life.reach("5h")
    await life.act("file_report", REPORT)
    await life.act("done_by_hand")
    await life.until_closed()


@ANOMALIES.story()
async def anomaly_refunded_told_late(life: Life) -> None:
    """Nobody acted in 24 h; then the refund is told, which had been made in time."""
    await life.pass_time("25h")
    await life.until_state("claim_expected")
    await life.act("refund", {"occurred_at": (life.opened + timedelta(hours=20)).isoformat()})
    await life.until_state("refunded")
    await life.until_closed()


@ANOMALIES.story(kind="stalled")
async def anomaly_worsened(life: Life) -> None:
    """A stalled parcel turns out to be lost, and is shipped again within 24 h of that."""
    await life.until("tasks", lambda seen: len(seen["effects"]) == 2)
    await life.reach("1h")
    await life.act("urge_carrier", {"note": "网点答复今晚发出"})
    await life.reach("60h")
    await life.report(message_id="m1", rule="worsen", form={"kind": "lost"})
    await life.report(message_id="m1", rule="worsen", form={"kind": "lost"})
    await life.reach("80h")
    await life.act("replace_tracking", SHIPMENT)
    await life.act("done_by_hand")
    await life.until_closed()


@ANOMALIES.story(kind="stalled")
async def anomaly_watched(life: Life) -> None:
    await life.pass_time("11d")
    await life.until_state("watch_ended")
    await life.pass_time("8d")
    await life.until_closed()
