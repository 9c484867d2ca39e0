"""An item split over orders as its operator meets it: costs before the choice, updates and tasks that name an order."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.settings import Settings
from cases.plain_text import as_markdown
from tests.support.histories.taobao import split_of, until_task, walk
from tests.support.processes.splits import ITEM_WAY, KEEP_ALL, KEEP_SINGLE
from tests.support.rules.stage import Stage
from tests.support.temporal.life import Life, fired, whole_now
from workflows.replay.replayer import replay

OpenSplit = Callable[[], Awaitable[Life]]


@pytest.fixture
def open_split(worker: None, environment: WorkflowEnvironment, settings: Settings, stage: Stage) -> OpenSplit:
    async def opened() -> Life:
        own_id, began = uuid4().hex[:12], whole_now()
        case_id = f"anxinjian_split/{own_id}"
        with environment.with_time_skipping_disabled():
            handle = await environment.client.start_workflow(
                "anxinjian_split", {"facts": split_of(began, own_id, 3)}, id=case_id, task_queue=settings.task_queue
            )
        life = Life(environment, handle, stage.scenes[case_id], began)
        await life.view()
        return life

    return opened


async def refusal(life: Life, rule: str, form: dict[str, Any] | None = None) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await life.act(rule, form)
    return str(refused.value.cause)


async def shown(life: Life) -> str:
    """Return the details that the Web UI shows."""
    metadata: WorkflowMetadata = await life.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


async def test_ax_8_what_either_way_costs_is_told_before_it_is_chosen(open_split: OpenSplit) -> None:
    life = await open_split()
    (choose,) = [action for action in (await life.view())["actions"] if action["rule"] == "choose"]
    assert choose["order"] is None
    costs = {cost["choice"]: (cost["amount"], cost["clause"]) for cost in choose["costs"]}
    assert costs == {"keep_single": ("0.00", "AX-8"), "keep_all": ("24.00", "AX-8")}
    details = await shown(life)
    assert "待签收 `awaiting_sign_in`:O1、O2、O3" in details
    costs_said = (f"{as_markdown(cost['choice'])}:{as_markdown(cost['note'])} (AX-8)" for cost in choose["costs"])
    assert all(cost in details for cost in costs_said)


async def test_an_update_and_a_task_name_their_order(open_split: OpenSplit) -> None:
    life = await open_split()
    unnamed, unknown = await refusal(life, "sign_in"), await refusal(life, "sign_in", {"order": "O9"})
    assert all("O1, O2, O3" in refusal for refusal in (unnamed, unknown))
    assert "'O9'" in unknown
    task = await until_task(life, "ask_choice")
    assert task["order"] is None
    await life.act("choose", KEEP_ALL)
    answer = await life.act("sign_in", {"order": "O2"})
    assert answer["state"] == ["working", "O1.awaiting_sign_in", "O2.signed_in", "O3.awaiting_sign_in"]
    await life.act("report_blocked", {"order": "O2", "step": "record"})
    task = await until_task(life, "report_to_operations", "O2")
    assert "反馈平台运营处理 O2" in await shown(life)
    await walk(life, "O2", "unblock")
    seen = await life.until("mended", lambda seen: "O2.signed_in" in seen["state"])
    done = {effect["effect"]: (effect["order"], effect["status"], effect["note"]) for effect in seen["effects"]}
    assert done == {"ask_choice": (None, "done", None), "report_to_operations": ("O2", "done", None)}


async def test_a_whole_life_replays(open_split: OpenSplit) -> None:
    life = await open_split()
    await life.act("choose", KEEP_SINGLE)
    for order in ("O2", "O3"):
        await walk(life, order, "refund_order")
    await walk(life, "O1", *ITEM_WAY)
    assert {name: value for name, value in (await life.until_over()).items() if value is not None} == {
        "status": "closed",
        "state": ["settled"],
        "label": "已了结",
    }
    seen = await life.view()
    assert fired(seen) == ["choose", "refund_order", "refund_order", *ITEM_WAY, "settle_item"]
    assert [entry["order"] for entry in seen["timeline"]] == [None, "O2", "O3", *["O1"] * len(ITEM_WAY), None]
    assert (await life.wedged(), seen["ledger"]) == ([], [])
    for history in await life.histories():
        await replay(history)
