"""A presale shortage to its end, under virtual time, in the example scenarios: JD-8, JD-9 and JD-14."""

from aftersales.files.documents import read_document
from tests.support.places import EXAMPLES
from tests.support.rules.playing import HOUR, LOOKED_AT, Perform, Played

FOLDER = EXAMPLES / "scenarios"


async def play(perform: Perform, name: str) -> Played:
    assert name in LOOKED_AT
    return await perform(read_document(FOLDER / f"{name}.yaml").data)


async def test_jd_9_a_deletion_needs_consent_and_then_returns_the_deposit_twofold(perform: Perform) -> None:
    played = await play(perform, "jd_presale_shortage_paid_and_deleted")
    assert (played.failed, played.state, played.status) == ([], "terminated", "closed")
    assert played.refused == [(3 * HOUR, "file_deletion")]
    assert "buyer_consent" in played.result["refused"][0]["error"]
    assert played.ledger == [("JD-9", "100.00", "expected")]
    tasks = ["negotiate", "call_buyer", "request_deletion", "return_deposit"]
    assert [effect for _, effect, status in played.effects if effect in tasks and status == "done"] == tasks


async def test_jd_9_an_accepted_arrival_is_the_deadline_that_the_merchant_is_reminded_of(perform: Perform) -> None:
    played = await play(perform, "jd_presale_shortage_arrival_accepted")
    assert (played.failed, played.state, played.ledger) == ([], "shipped", [])
    assert [(at, rule) for at, rule in played.fired if rule == "buyer_silent"] == [(25 * HOUR, "buyer_silent")]
    assert ("urge_buyer", "done") in [(effect, status) for _, effect, status in played.effects]
    assert played.clauses[-1] == "JD-8"


async def test_jd_9_jd_14_a_deletion_refused_after_the_promised_time_is_late_at_once(perform: Perform) -> None:
    played = await play(perform, "jd_presale_shortage_deletion_refused")
    assert (played.failed, played.state, played.ledger) == ([], "late", [("JD-14", None, "expected")])
    assert played.fired[-2:] == [(125 * HOUR, "refuse_deletion"), (125 * HOUR, "miss_shipping")]
