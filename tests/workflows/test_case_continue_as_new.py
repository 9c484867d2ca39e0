"""A long case continues in a new run with its whole state."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.runtime.settings import Settings
from tests.support.rules.stage import UNREACHABLE, Scene, Stage
from tests.support.temporal.life import Life, Open, at, due, fired
from tests.support.temporal.servers import start_server
from workflows.engine.search_attributes import KEYS
from workflows.engine.sender import InputSender

SUGGESTED_AFTER = 52
"""Events after which this server suggests to continue as new."""


@pytest_asyncio.fixture
async def short_of_history(stage: Stage, settings: Settings) -> AsyncIterator[WorkflowEnvironment]:
    flag = f"limit.historyCount.suggestContinueAsNew={SUGGESTED_AFTER}"
    server = await start_server("--dynamic-config-value", flag)
    async with make_worker(server.client, settings, Dependencies(stage, stage, stage)):
        yield server
    await server.shutdown()


async def fill(life: Life) -> list[str]:
    """Make the history long enough, with messages that change nothing; return their ids."""
    runs = len(await life.histories())  # more than one where waiting has filled a history already
    ids: list[str] = []
    for number in range(SUGGESTED_AFTER):
        ids.append(f"fill{runs}-{number}")
        await life.report(message_id=ids[-1], rule="sign")
        await life.view()  # one workflow task per query
        if len(await life.histories()) > runs:
            return ids
    raise AssertionError("no new run was begun")


def kept(seen: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in seen.items() if name not in ("ignored", "ignored_in_all")}


async def test_a_new_run_knows_everything_and_goes_on(short_of_history: WorkflowEnvironment, opening: Open) -> None:
    scene = Scene(fails={"agree_on_platform": UNREACHABLE})
    life = await opening(of=short_of_history, scene=scene, reason="other")
    own_deadline = life.opened + timedelta(hours=70)
    await life.act("mark_out_of_stock")
    await life.report(message_id="m1", deadline=(life.opened + timedelta(hours=40)).isoformat())
    await life.act("agree", key="k1", sender=InputSender(name="小王", way="command"))
    await life.report(message_id="m2", deadline=own_deadline.isoformat())
    await life.pass_time("61m")
    before = await life.until(
        "stuck, and notified",
        lambda seen: (
            due(seen) == own_deadline
            and [notification["delivered"] for notification in seen["notifications"]] == [True] * 2
        ),
    )
    assert [effect["status"] for effect in before["effects"]] == ["console_task", "needs_operator"]
    described = await life.handle.describe()

    sent = await fill(life)

    after = await life.view()
    assert kept(after) == kept(before)
    assert [message["message_id"] for message in after["ignored"]] == sent
    again = await life.environment.client.get_workflow_handle(life.id).describe()
    assert again.run_id != described.run_id
    mine = {pair.key.name: pair.value for pair in described.typed_search_attributes if pair.key in KEYS}
    assert {pair.key.name: pair.value for pair in again.typed_search_attributes}.items() >= mine.items()

    await life.report(message_id="m2", deadline=(life.opened + timedelta(hours=1)).isoformat())
    assert due(await life.view()) == own_deadline  # a message seen before the new run changes nothing (G-3)
    scene.fails.clear()
    await life.act("retry_effect")
    seen = await life.until("taken", lambda seen: seen["effects"][1]["status"] == "done")
    assert [call.key for call in scene.calls] == [f"{life.id}/agree_on_platform/k1"]
    assert due(seen) == at(seen, "agree") + timedelta(hours=48)
    await life.pass_time("48h")
    seen = await life.until("missed", lambda seen: seen["state"] == ["overdue"] and not seen["busy"])
    assert fired(seen) == ["mark_out_of_stock", "agree", "miss_shipment"]
    assert [entry["actor"] for entry in seen["timeline"]] == [None, "小王", None]
    assert (await life.act("agree", key="k1"))["decision"] == "taken"  # its answer is found, nothing is done again
    assert fired(await life.view()) == fired(seen)
    assert len({effect["serial"] for effect in seen["effects"]}) == len(seen["effects"])
    assert await life.wedged() == []


async def test_g_13_who_decided_and_how_outlives_a_new_run_and_reaches_the_ledger(
    short_of_history: WorkflowEnvironment, opening: Open
) -> None:
    life = await opening(of=short_of_history)
    await life.act("agree", sender=InputSender(name="小王", way="desk"))
    await fill(life)
    await life.act("ship", {"carrier": "SF", "tracking_no": "SF1"}, sender=InputSender(name="老李", way="command"))
    await life.report(message_id="m1", rule="sign")
    await life.until_over()
    seen = await life.view()
    who = [(entry["rule"], entry["actor"], entry["way"]) for entry in seen["timeline"]]
    assert who == [("agree", "小王", "desk"), ("ship", "老李", "command"), ("sign", None, "web_ui")]
    assert [(given["rule"], given["actor"], given["way"]) for given in seen["decisions"]] == who[:2]
    kept = life.scene.records[-1].decisions
    assert [(given.rule, given.actor, given.way) for given in kept] == who[:2]


async def test_g_11_a_new_run_can_still_go_back_to_what_an_earlier_one_was_told(
    short_of_history: WorkflowEnvironment, opening: Open
) -> None:
    life = await opening(of=short_of_history)
    await life.reach("96h")
    seen = await life.until_closed()
    assert seen["state"] == ["refunded"]
    await life.until_recorded("refunded")
    await fill(life)
    shipped = life.opened + timedelta(hours=95)
    await life.report(message_id="m1", rule="ship", occurred_at=shipped.isoformat())
    seen = await life.until_state("in_transit")
    assert fired(seen) == ["auto_agree", "ship"]
    assert [entry["status"] for entry in seen["ledger"]] == ["reversed", "reversed"]
    assert await life.wedged() == []


async def test_dr_10_a_new_run_does_not_book_an_order_twice(
    short_of_history: WorkflowEnvironment, opening: Open
) -> None:
    life = await opening(of=short_of_history, reason="other")
    await life.view()
    await life.reach("96h")
    await life.until("overdue", lambda seen: seen["state"] == ["overdue"] and not seen["busy"])
    await fill(life)
    await life.report(message_id="again", rule="modify", form={"reason": "other"})
    await life.until_state("awaiting_merchant")
    await life.pass_time("97h")
    seen = await life.until("overdue", lambda seen: fired(seen).count("miss_shipment") == 2 and not seen["busy"])
    assert [entry["clause"] for entry in seen["ledger"]] == ["DR-10", "DR-11"]
    assert len(life.scene.entries) == 2
