"""Records the histories that every later version of the code must replay: ``python -m tests.record_histories``.

They are written to ``tests/histories``.  Record anew only where a change of the workflow is meant to break open
cases, or with the name of a story that is new: ``python -m tests.record_histories NAME ...``.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from activities.registry import World
from cases.douyin_reship import ReshipPolicy
from runtime.settings import Settings
from tests.life import PROCESS, Life, due, facts, settled, whole_now
from tests.servers import start_server
from tests.stage import BUSINESS, Scene, Stage
from worker import make_worker

HISTORIES = Path(__file__).parent / "histories"
SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
CONSENT = {"kind": "buyer_consent", "url": "https://example.com/1.png"}
OPENINGS: dict[str, dict[str, str]] = {
    "silent_short_shipped": {"reason": "short_shipped"},
    "ruled_and_dismissed": {"reason": "other"},
    "out_of_stock": {"reason": "other"},
}
POLICIES: dict[str, dict[str, list[str]]] = {"two_at_once": {"reminders_before": ["48h"]}}


async def silent_never_received(life: Life) -> None:
    await life.pass_time("5d")
    await life.until_closed()


async def silent_short_shipped(life: Life) -> None:
    await life.pass_time("7d")
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
    await life.act("refuse", {"reason": "缺货", "after_consent": True, "evidence": [CONSENT]})
    await life.act("done_by_hand")
    await life.report(message_id="m1", rule="withdraw")
    await life.until_closed()


async def deadline_of_the_platform(life: Life) -> None:
    await life.report(message_id="m1", deadline=(life.opened + timedelta(hours=60)).isoformat())
    await life.until("given", lambda seen: due(seen) == life.opened + timedelta(hours=60))
    life.scene.settle["auto_agree"] = settled("withdraw", occurred_at=life.opened + timedelta(hours=59))
    await life.pass_time("61h")
    await life.until_closed()


async def failing_platform(life: Life) -> None:
    life.scene.fails["agree_on_platform"] = BUSINESS
    await life.reach("1h")
    await life.act("agree")
    await life.until("stuck", lambda seen: seen["needs_operator"])
    await life.act("done_by_hand", {"note": "后台已同意"})
    life.scene.fails["settle"] = BUSINESS
    await life.reach("50h")
    await life.until("stuck", lambda seen: seen["needs_operator"])
    life.scene.fails.clear()
    await life.act("retry_effect")
    await life.until_closed()


async def still_open(life: Life) -> None:
    await life.reach("37h")
    await life.act("agree")
    await life.until("performed", lambda seen: not seen["busy"])


async def two_at_once(life: Life) -> None:
    """Agreeing starts an effect and a reminder in one and the same task."""
    await life.act("agree")
    await life.until("both", lambda seen: not seen["busy"] and len(seen["reminders"]) == len(life.scene.reminders))


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
        still_open,
        two_at_once,
    )
}


def scrubbed(document: Any) -> Any:
    """Without the traces of the machine that it was recorded on."""
    if isinstance(document, list):
        return [scrubbed(each) for each in document]
    if not isinstance(document, dict):
        return document
    kept = {name: scrubbed(value) for name, value in document.items() if name != "stackTrace"}
    named = {"identity": "recorder"} if "identity" in kept else {"name": "sticky"} if "normalName" in kept else {}
    return kept | named


async def record(names: list[str]) -> None:
    """Live through stories and write down their histories."""
    stage, settings, server = Stage(), Settings(task_queue="recording"), await start_server()
    async with make_worker(server.client, settings, World(stage, stage, stage)):
        for name in names:
            case_id, opened = f"{PROCESS}/{name}", whole_now()
            policy = ReshipPolicy.resolve(POLICIES.get(name, {})).model_dump(mode="json")
            given = {"facts": facts(name, **OPENINGS.get(name, {})), "policy": policy}
            with server.with_time_skipping_disabled():
                handle = await server.client.start_workflow(PROCESS, given, id=case_id, task_queue=settings.task_queue)
            life = Life(server, handle, stage.scenes.setdefault(case_id, Scene()), opened)
            await life.view()
            await STORIES[name](life)
            document = scrubbed(json.loads((await handle.fetch_history()).to_json()))
            text = json.dumps(document, ensure_ascii=False, indent=1)
            (HISTORIES / f"{PROCESS}_{name}.json").write_text(f"{text}\n", encoding="utf-8")
    await server.shutdown()


if __name__ == "__main__":
    HISTORIES.mkdir(exist_ok=True)
    asyncio.run(record(sys.argv[1:] or list(STORIES)))
