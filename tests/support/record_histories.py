"""Records the histories that every later version of the code must replay: ``python -m tests.support.record_histories``.

They are written to ``tests/histories``.  Record again only where a change of the workflow is meant to break open
cases, or with the name of a story that is new: ``python -m tests.support.record_histories NAME ...``.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowUpdateFailedError

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.runtime.settings import Settings
from cases.durations import parse_duration
from cases.errors import LedgerUnreachable
from cases.messages import Opening
from tests.support.life import PROCESS, Life, due, facts, settled, whole_now
from tests.support.places import HISTORIES
from tests.support.processes.claims import APPEAL, CHAT, claim_facts
from tests.support.processes.delays import CHAT as DELAY_CHAT
from tests.support.processes.delays import delay_facts
from tests.support.processes.splits import ITEM_WAY, KEEP_ALL, KEEP_SINGLE, WAIVED_WAY, form_of, split_facts
from tests.support.servers import start_server
from tests.support.stage import BUSINESS, NOT_YET, UNREACHABLE, Scene, Stage
from workflows.engine.continue_as_new import opening_record
from workflows.registry import PROCESSES
from workflows.replay.replayer import local_calls, recorded

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
CONSENT = {"kind": "buyer_consent", "url": "https://example.com/1.png"}
OPENINGS: dict[str, dict[str, str]] = {
    "silent_short_shipped": {"reason": "short_shipped"},
    "ruled_and_dismissed": {"reason": "other"},
    "out_of_stock": {"reason": "other"},
    "delay_reported_and_late": {"sent_at": "0s"},
    "delay_told_late": {"promised_ship_at": "70h"},
}
MANY = {"split_found_confirmed": 1}
POLICIES: dict[str, dict[str, list[str]]] = {"two_at_once": {"reminders_before": ["48h"]}}


async def silent_never_received(life: Life) -> None:
    """The platform has no record of what its clocks led to: facts told late could still put the case right."""
    await life.pass_time("5d")
    await life.until_state("refunded")
    await life.pass_time("8d")
    await life.until_closed()


async def silent_short_shipped(life: Life) -> None:
    await life.pass_time("7d")
    await life.until_state("lapsed")
    await life.pass_time("8d")
    await life.until_closed()


async def agreed_shipped_signed(life: Life) -> None:
    await life.reach("3h")
    await life.act("agree")
    await life.reach("30h")
    await life.act("ship", SHIPMENT)
    await life.reach("80h")
    await life.report(message_id="m1", rule="sign")
    await life.until_closed()


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


async def out_of_stock(life: Life) -> None:
    await life.act("mark_out_of_stock")
    await life.until("task", lambda seen: seen["effects"][0]["status"] == "console_task")
    await life.reach("47h")
    await life.act("agree")
    await life.act("done_by_hand")
    await life.act("refuse", {"reason": "缺货", "after_consent": True, "evidence": [CONSENT]})
    await life.report(message_id="m1", rule="withdraw")
    await life.until_closed()


async def deadline_of_the_platform(life: Life) -> None:
    await life.report(message_id="m1", deadline=(life.opened + timedelta(hours=60)).isoformat())
    await life.until("given", lambda seen: due(seen) == life.opened + timedelta(hours=60))
    life.scene.settle["auto_agree"] = settled("withdraw", occurred_at=life.opened + timedelta(hours=59))
    await life.pass_time("61h")
    await life.until_closed()


async def failing_platform(life: Life) -> None:
    """The platform refuses a decision, then does not answer the next one; its clock cannot be resolved at first."""
    life.scene.fails["agree_on_platform"] = BUSINESS
    await life.reach("1h")
    await refused(life, "agree")
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


async def refused(life: Life, rule: str, *form: Any) -> None:
    """Give a decision that is refused."""
    try:
        await life.act(rule, *form)
    except WorkflowUpdateFailedError:
        return
    raise AssertionError(f"{rule} was not refused")


async def taken_late(life: Life) -> None:
    """The platform does not answer for a while; then it has taken the decision."""
    life.scene.fails["agree_on_platform"] = UNREACHABLE
    await life.reach("1h")
    await life.act("agree")
    await refused(life, "refuse", {"reason": "已签收"})
    life.scene.fails.clear()
    await life.pass_time("10m")
    await life.until_state("awaiting_shipment")
    await life.act("ship", SHIPMENT)
    await life.report(message_id="m1", rule="sign")
    await life.until_closed()


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


async def still_open(life: Life) -> None:
    await life.reach("37h")
    await life.act("agree")
    await life.until("performed", lambda seen: not seen["busy"])


async def two_at_once(life: Life) -> None:
    """Agreeing starts an effect and a reminder in one and the same task."""
    await life.act("agree")
    await life.until("both", lambda seen: not seen["busy"] and len(seen["reminders"]) == len(life.scene.reminders))


async def outcome_recorded(life: Life) -> None:
    """The ledger is away when the case closes: its outcome waits, and is recorded once."""
    life.scene.fails["ledger"] = LedgerUnreachable("away")
    await life.report(message_id="m1", rule="withdraw")
    await life.until("closed", lambda seen: seen["finished"])
    await life.report(message_id="m2", rule="sign")
    life.scene.fails.clear()
    await life.pass_time("10m")
    await life.until_closed()


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


async def claim_agreed(life: Life) -> None:
    await life.reach("3h")
    await life.act("agree")
    await life.act("done_by_hand", {"note": "已点同意赔付"})
    await life.until_closed()


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


async def claim_unanswered(life: Life) -> None:
    await life.report(message_id="m1", rule="close_trade", form={"refunded": False})
    await life.report(message_id="m1", rule="close_trade", form={"refunded": False})
    await life.pass_time("49h")
    await life.until_state("established")
    await life.pass_time("8d")
    await life.until_closed()


async def claim_ruled_late(life: Life) -> None:
    """A ruling told after the claim was taken to stand: the compensation is reversed."""
    await life.pass_time("49h")
    await life.until_state("established")
    ruled = (life.opened + timedelta(hours=48, minutes=1)).isoformat()
    await life.report(message_id="m1", rule="overturn", occurred_at=ruled)
    await life.until_closed()


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


async def delay_told_late(life: Life) -> None:
    """The card was accepted, and the parcel shipped, before the promised time; the case is told a day later."""
    await life.reach("75h")
    await life.until("late", lambda seen: "miss_promise" in [entry["rule"] for entry in seen["timeline"]])
    shipped = (life.opened + timedelta(hours=60)).isoformat()
    await life.act("ship", {**SHIPMENT, "occurred_at": shipped})
    await life.until_closed()


async def delay_reported_and_late(life: Life) -> None:
    """A review is escalated once; approved at last, the agreed time is missed."""
    report = {"agreed_ship_at": (life.opened + timedelta(hours=90)).isoformat(), "evidence": [DELAY_CHAT]}
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


async def delay_silent(life: Life) -> None:
    await life.pass_time("7d")
    await life.until_state("not_exempt")
    await life.pass_time("8d")
    await life.until_closed()


def split_of(own_id: str, opened: datetime, many: int = 2, **receipts: str) -> dict[str, Any]:
    """Return the facts of an item opened at an instant; automatic receipt is after 10 days unless set by order."""
    facts = split_facts(many, own_id)
    for order in facts["sub_orders"]:
        receipt = parse_duration(receipts.get(order["order_id"], "10d"))
        order["auto_receipt_at"] = (opened + receipt).isoformat()
    return facts


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


async def split_found_confirmed(life: Life) -> None:
    """An order was confirmed before it was taken to be refunded: the loss is reversed."""
    await life.reach("1h")
    await walk(life, "O1", *ITEM_WAY[:-1])
    await life.pass_time("11d")
    await life.until_state("settled_with_loss")
    confirmed = (life.opened + timedelta(days=9)).isoformat()
    await life.report(message_id="late", rule="confirm_receipt", order="O1", occurred_at=confirmed)
    await life.until_closed()


CLAIM, DELAY, SPLIT = "claim_1688", "jd_delay_card", "anxinjian_split"
CLAIMS = (claim_agreed, claim_appealed_and_dismissed, claim_unanswered, claim_ruled_late)
DELAYS = (delay_accepted_and_shipped, delay_reported_and_late, delay_silent, delay_told_late)
SPLITS = (split_keep_all, split_keep_single, split_lost, split_found_confirmed)
STORIES: dict[str, Callable[[Life], Awaitable[None]]] = {
    story.__name__: story
    for story in (
        silent_never_received,
        silent_short_shipped,
        agreed_shipped_signed,
        ruled_and_dismissed,
        out_of_stock,
        deadline_of_the_platform,
        failing_platform,
        taken_late,
        dropped,
        still_open,
        two_at_once,
        outcome_recorded,
        trouble_told,
        *CLAIMS,
        *DELAYS,
        *SPLITS,
    )
}
"""Every story by its own name."""


def process_of(story: str) -> str:
    """Return the process of a story."""
    others = {CLAIM: CLAIMS, DELAY: DELAYS, SPLIT: SPLITS}
    return next((name for name, stories in others.items() if STORIES[story] in stories), PROCESS)


def file_of(story: str) -> Path:
    """Return the path of a story's history."""
    own = story.removeprefix("claim_").removeprefix("delay_").removeprefix("split_")
    return HISTORIES / f"{process_of(story)}_{own}.json"


def calls_of(history: Path) -> Path:
    """Return the path of the local calls that belong to a history, which does not show them."""
    return history.parent / "local_calls" / history.name


def opening_of(story: str, opened: datetime) -> dict[str, Any]:
    """Return the input that opens the case of a story."""
    changes = OPENINGS.get(story, {})
    process = process_of(story)
    match process:
        case "claim_1688":
            record = claim_facts(story, opened, **changes)
        case "jd_delay_card":
            record = delay_facts(opened, story, **changes)
        case "anxinjian_split":
            record = split_of(story, opened, MANY.get(story, 2), **changes)
        case _:
            record = facts(story, **changes)
    return opening_record(PROCESSES[process].open_case(Opening(facts=record, policy=POLICIES.get(story, {}))))


def scrubbed(document: Any) -> Any:
    """Return the history without traces of the machine that recorded it."""
    if isinstance(document, list):
        return [scrubbed(item) for item in document]
    if not isinstance(document, dict):
        return document
    kept = {name: scrubbed(value) for name, value in document.items() if name != "stackTrace"}
    named = {"identity": "recorder"} if "identity" in kept else {"name": "sticky"} if "normalName" in kept else {}
    return kept | named


async def record(names: list[str]) -> None:
    """Play stories and write their histories."""
    stage, settings, server = Stage(), Settings(task_queue="recording"), await start_server()
    async with make_worker(server.client, settings, Dependencies(stage, stage, stage)):
        for name in names:
            process, opened = process_of(name), whole_now()
            case_id, argument = f"{process}/{name}", opening_of(name, opened)
            with server.with_time_skipping_disabled():
                handle = await server.client.start_workflow(
                    process, argument, id=case_id, task_queue=settings.task_queue
                )
            life = Life(server, handle, stage.scenes.setdefault(case_id, Scene()), opened)
            await life.view()
            await STORIES[name](life)
            document = scrubbed(json.loads((await handle.fetch_history()).to_json()))
            text = json.dumps(document, ensure_ascii=False, indent=1)
            file_of(name).write_text(f"{text}\n", encoding="utf-8")
            calls = json.dumps(await local_calls(recorded(file_of(name))), ensure_ascii=False, indent=1)
            calls_of(file_of(name)).write_text(f"{calls}\n", encoding="utf-8")
    await server.shutdown()


if __name__ == "__main__":
    calls_of(HISTORIES / "any").parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(record(sys.argv[1:] or list(STORIES)))
