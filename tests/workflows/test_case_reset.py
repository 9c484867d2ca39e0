"""A reset changes nothing that happened: what is applied again counts when it was given (G-11)."""

import asyncio
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.client.decision_client import SentDecision, decide
from aftersales.runtime.client.sender_header import with_sender
from cases.messages import EffectCall, Opening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.processes.claims import APPEAL, CHAT, claim_facts
from tests.support.processes.delays import DELAY, SHIPMENT, delay_facts
from tests.support.rules.stage import Stage
from tests.support.temporal.early_ends import reset_by_hand
from tests.support.temporal.life import eventually, facts, fired, whole_now
from workflows.engine.arrivals import MESSAGES_AT_ONCE
from workflows.engine.sender import InputSender
from workflows.opening import start_case
from workflows.registry import PROCESSES
from workflows.replay.replayer import replay

HOUR = timedelta(hours=1)
NOW = whole_now()


EARLIER = InputSender(name="小王", way="command", at=NOW - 2 * HOUR)
"""Whoever gave inputs that are handled long after, as all are after a reset."""


@pytest_asyncio.fixture
async def client(environment: WorkflowEnvironment) -> Client:
    """A client of its own: its cases have real time."""
    target = environment.client.service_client.config.target_host
    return await Client.connect(target, data_converter=pydantic_data_converter)


def happened(seen: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the timeline without the instants at which this run was told of it, and its own numbers."""
    own = ("told", "input")
    return [{name: value for name, value in entry.items() if name not in own} for entry in seen["timeline"]]


def taken_before(key: str, effect: str, rule: str, at: datetime) -> EffectCall:
    """Return the call by which the platform took a decision when it was given."""
    process, own_id, *_ = key.split("/")
    return EffectCall(
        key=key,
        case_id=f"{process}/{own_id}",
        process=process,
        shop_id="S1",
        effect=effect,
        label=effect,
        rule=rule,
        at=at,
        facts={},
    )


async def test_g_11_a_parcel_shipped_in_time_is_still_in_time_after_a_reset(
    worker: None, client: Client, stage: Stage
) -> None:
    own_id = uuid.uuid4().hex[:12]
    facts = delay_facts(NOW - 4 * HOUR, own_id, sent_at="0s", promised_ship_at="10d", proposed_ship_at="3h")
    handle: Any = await start_case(client, "tests", DELAY, Opening(facts=facts))
    scene = stage.scenes[handle.id]
    accepted = (NOW - 3 * HOUR).isoformat()
    given = with_sender(client, EARLIER, timed=False).get_workflow_handle(handle.id)

    async def late() -> bool:
        return (await given.query("view"))["state"] == ["late"]

    await given.signal("report", {"message_id": "m1", "rule": "accept", "occurred_at": accepted})
    await eventually("the agreed time has passed", late)
    key = f"{handle.id}/push_tracking_number/k1"
    scene.calls.append(taken_before(key, "push_tracking_number", "ship", NOW - 2 * HOUR))
    answer = await given.execute_update("ship", SHIPMENT, id="k1")
    assert answer["state"] == ["shipped_on_time"]
    await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    before = await given.query("view")
    assert before["timeline"][-1]["at"] == (NOW - 2 * HOUR).isoformat().replace("+00:00", "Z")

    await reset_by_hand(client, handle.id)
    again: Any = client.get_workflow_handle(handle.id)
    assert (await asyncio.wait_for(again.result(), PATIENCE_SECONDS))["state"] == ["shipped_on_time"]
    after = await again.query("view")
    for unchanged in ("state", "decisions", "ledger"):
        assert after[unchanged] == before[unchanged], unchanged
    assert happened(after) == happened(before)
    assert fired(after) == ["sent_before", "accept", "ship"]
    assert scene.performed == ["push_tracking_number"]  # the platform was asked again under the same key
    assert len({ending.key for ending in scene.endings}) == 1
    assert {outcome.key for outcome in scene.outcomes} == {ending.key for ending in scene.endings}


@pytest.mark.parametrize("ignored", [0, 2 * MESSAGES_AT_ONCE])
async def test_g_11_a_decision_that_a_message_had_made_possible_is_still_taken_after_a_reset(
    worker: None, client: Client, stage: Stage, ignored: int
) -> None:
    facts = claim_facts(uuid.uuid4().hex[:12], NOW - 4 * HOUR)
    handle: Any = await start_case(client, "tests", PROCESSES["claim_1688"], Opening(facts=facts))
    given = with_sender(client, EARLIER, timed=False).get_workflow_handle(handle.id)
    for number in range(ignored):
        await given.signal("report", {"message_id": f"i{number}", "rule": "unheard_of"})
    appealed = (NOW - 3 * HOUR).isoformat()
    await given.signal("report", {"message_id": "m1", "rule": "appeal", "form": APPEAL, "occurred_at": appealed})
    serial = (await given.execute_update("add_evidence", {"evidence": [CHAT]}, id="k1"))["serial"]
    await given.execute_update("done_by_hand", {"serial": serial}, id="k2")

    async def taken() -> Any:
        seen = await client.get_workflow_handle(handle.id).query("view")
        return seen if fired(seen) == ["appeal", "add_evidence"] and not seen["busy"] else None

    before = await eventually("the evidence is added", taken)
    await reset_by_hand(client, handle.id)
    after = await eventually("the evidence is added again", taken)
    assert happened(after) == happened(before)
    assert [one["status"] for one in after["decisions"]] == ["taken"]
    assert len(after["ignored"]) == len(before["ignored"])
    await replay(await client.get_workflow_handle(handle.id).fetch_history())


async def test_g_11_what_was_done_by_hand_stays_done_after_a_reset_that_numbers_the_steps_anew(
    worker: None, client: Client, stage: Stage
) -> None:
    facts = claim_facts(uuid.uuid4().hex[:12], NOW - 51 * HOUR)
    handle: Any = await start_case(client, "tests", PROCESSES["claim_1688"], Opening(facts=facts))
    operator = with_sender(client, EARLIER, timed=False)

    async def established() -> bool:
        return fired(await handle.query("view")) == ["platform_decides"]

    async def taken() -> Any:
        seen = await client.get_workflow_handle(handle.id).query("view")
        return seen if fired(seen) == ["appeal", "add_evidence"] and not seen["busy"] else None

    await eventually("nobody has appealed in time, as far as is known", established)
    appealed = {"message_id": "m1", "rule": "appeal", "form": APPEAL, "occurred_at": (NOW - 10 * HOUR).isoformat()}
    await operator.get_workflow_handle(handle.id).signal("report", appealed)
    await eventually("the appeal is known", lambda: _has_fired(handle, "appeal"))
    filed = await decide(operator, SentDecision(handle.id, "add_evidence", {"evidence": [CHAT]}, "k1"))
    done = {"serial": filed["serial"]}
    await decide(operator, SentDecision(handle.id, "done_by_hand", done, "k2", step="k1"))
    before = await eventually("the evidence is added", taken)

    await reset_by_hand(client, handle.id)

    after = await eventually("the evidence is added again", taken)
    assert happened(after) == happened(before)
    assert [one["status"] for one in after["decisions"]] == ["taken"]
    assert after["decisions"][0]["serial"] != filed["serial"]  # else nothing was shown
    await replay(await client.get_workflow_handle(handle.id).fetch_history())


async def _has_fired(handle: Any, rule: str) -> bool:
    return rule in fired(await handle.query("view"))


STEP = timedelta(minutes=20)
ECHO = timedelta(seconds=3)
"""How long after a decision the platform's message about it comes."""
SKEW = timedelta(seconds=5)
"""How far the clocks of the desk and of the gateway are apart."""
SHIPPED = {"carrier": "SF", "tracking_no": "SF1234567890123"}
REFUSED = {"reason": "商品已正常送达", "evidence": [CHAT]}
Step = tuple[str | None, str, dict[str, Any] | None]
"""The call by which a decision is submitted, which the platform's message then confirms; None if it only happens."""
JOURNEYS: dict[str, list[Step]] = {
    "shipped": [("agree_on_platform", "agree", None), ("push_tracking_number", "ship", SHIPPED)],
    "modified": [
        ("refuse_on_platform", "refuse", REFUSED),
        (None, "modify", {"reason": "never_received"}),
        ("agree_on_platform", "agree", None),
        (None, "withdraw", None),
    ],
    "agreed_in_console": [(None, "agree", None), ("push_tracking_number", "ship", SHIPPED)],
}


@pytest.mark.parametrize("skew", [-SKEW, 0 * SKEW, SKEW], ids=["gateway_behind", "same_clock", "gateway_ahead"])
@pytest.mark.parametrize("journey", JOURNEYS)
async def test_g_11_decisions_and_the_messages_about_them_stand_as_they_did_after_a_reset(
    worker: None, client: Client, stage: Stage, journey: str, skew: timedelta
) -> None:
    at, reason = NOW - 4 * HOUR, "short_shipped" if journey == "modified" else "never_received"
    opening = Opening(facts=facts(uuid.uuid4().hex[:12], applied_at=at.isoformat(), reason=reason))
    handle: Any = await start_case(client, "tests", PROCESSES["douyin_reship"], opening)

    def by(told: InputSender) -> Any:
        return with_sender(client, told, timed=False).get_workflow_handle(handle.id)

    for number, (call, rule, form) in enumerate(JOURNEYS[journey]):
        at += STEP
        if call is not None:
            stage.scenes[handle.id].calls.append(taken_before(f"{handle.id}/{call}/k{number}", call, rule, at))
            sender = InputSender(name="小王", way="desk", at=at)
            await by(sender).execute_update(rule, args=[form], id=f"k{number}")
        message = {"message_id": f"m{number}", "rule": rule, "form": form, "occurred_at": at.isoformat()}
        await by(InputSender(way="message", at=at + ECHO + skew)).signal("report", message)

    rules = [rule for _, rule, _ in JOURNEYS[journey]]

    async def stands() -> Any:
        seen = await client.get_workflow_handle(handle.id).query("view")
        return seen if fired(seen) == rules and not seen["busy"] else None

    before = await eventually(f"it has gone through {rules}", stands)
    await reset_by_hand(client, handle.id)
    after = await eventually(f"it has gone through {rules} again", stands)
    assert happened(after) == happened(before)
    assert [one["status"] for one in after["decisions"]] == [one["status"] for one in before["decisions"]]
    assert after["ledger"] == before["ledger"]
    await replay(await client.get_workflow_handle(handle.id).fetch_history())


async def test_g_11_a_decision_that_the_platforms_answer_about_a_clock_had_made_possible_is_still_taken_after_a_reset(
    worker: None, client: Client, stage: Stage
) -> None:
    applied, shipped = NOW - 120 * HOUR, NOW - HOUR
    opening = Opening(facts=facts(uuid.uuid4().hex[:12], applied_at=applied.isoformat(), reason="short_shipped"))
    handle: Any = await start_case(client, "tests", PROCESSES["douyin_reship"], opening)

    async def at_rest(state: str) -> Any:
        seen = await client.get_workflow_handle(handle.id).query("view")
        return seen if seen["state"] == [state] and not seen["busy"] else None

    await eventually("the platform has agreed, and nobody has shipped", lambda: at_rest("overdue"))
    key = f"{handle.id}/push_tracking_number/k1"
    stage.scenes[handle.id].calls.append(taken_before(key, "push_tracking_number", "ship", shipped))
    sender = InputSender(name="小王", way="desk", at=shipped)
    given = with_sender(client, sender, timed=False).get_workflow_handle(handle.id)
    await given.execute_update("ship", args=[SHIPPED], id="k1")
    before = await eventually("it is shipped", lambda: at_rest("in_transit"))

    await reset_by_hand(client, handle.id)

    after = await eventually("it is shipped again", lambda: at_rest("in_transit"))
    assert fired(before) == ["auto_agree", "miss_shipment", "ship"]
    assert happened(after) == happened(before)
    assert [one["status"] for one in after["decisions"]] == ["taken"]
    await replay(await client.get_workflow_handle(handle.id).fetch_history())
