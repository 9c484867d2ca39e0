"""``aftersales show`` of a case whose worker is of another release than the command."""

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import Result
from rich.cells import cell_len
from temporalio.client import Client

from cases.messages import Opening
from tests.support.rules.playing import reship
from tests.support.temporal.stand_in import stand_ins, start_stand_in
from workflows.engine.machine import CaseMachine
from workflows.engine.view import CaseSummary, CaseView, view
from workflows.registry import PROCESSES

LONG = "包裹显示已签收但买家一直没有收到请补寄一件同款同色的商品并写明承运的快递公司和运单号码以便核对" * 2

VIEW: dict[str, Any] = {
    "case_id": "douyin_reship/A1",
    "process": "douyin_reship",
    "label": "抖音补寄",
    "status": "open",
    "finished": False,
    "busy": False,
    "next": None,
    "facts": {},
    "state": ["awaiting_merchant"],
    "state_labels": ["待商家处理"],
    "needs_operator": False,
    "waits_for_operator": False,
    "deadlines": [],
    "actions": [],
    "timeline": [],
    "ignored": [],
    "ignored_in_all": 0,
    "expiries": [],
    "held": 0,
    "effects": [],
    "ledger": [],
    "reminders": [],
    "notifications": [],
    "policy": {},
}


async def shown(
    client: Client, aftersales: Callable[..., Result], view: dict[str, Any], *options: str, **surroundings: str
) -> Result:
    queue, case_id = uuid.uuid4().hex, f"douyin_reship/{uuid.uuid4().hex}"
    server = {"TEMPORAL_ADDRESS": client.service_client.config.target_host, "TEMPORAL_CONFIG_FILE": "/dev/null"}
    server |= surroundings
    await start_stand_in(client, case_id, queue, view=view)
    async with stand_ins(client, queue):
        return await asyncio.to_thread(aftersales, "show", case_id, *options, **server)


async def test_fields_that_only_a_newer_worker_knows_are_passed_over(
    client: Client, aftersales: Callable[..., Result]
) -> None:
    result = await shown(client, aftersales, {**VIEW, "invented_later": 1})
    assert (result.exit_code, "待商家处理" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ({name: value for name, value in VIEW.items() if name != "held"}, ("older release", "held")),
        (VIEW | {"status": "suspended"}, ("newer release", "status")),
        (VIEW | {"ledger": [{"clause": "DR-10", "invented_later": 1}]}, ("newer release", "invented_later")),
    ],
)
async def test_a_worker_of_another_release_is_named_as_such(
    client: Client, aftersales: Callable[..., Result], view: dict[str, Any], words: tuple[str, ...]
) -> None:
    result = await shown(client, aftersales, view)
    (line,) = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (2, "")
    assert [word for word in words if word not in line] == []
    assert "--json" in line


async def test_json_is_what_the_worker_answers_whatever_its_release_and_the_orders_other_cases(
    client: Client, aftersales: Callable[..., Result]
) -> None:
    view = {**VIEW, "status": "suspended", "invented_later": 1}
    result = await shown(client, aftersales, view, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {**view, "others": []})


def test_an_answer_without_what_later_releases_added_is_read() -> None:
    first = {"status": "open", "state": ["refused"], "label": "已拒绝", "deadline": None}
    assert CaseSummary.model_validate(first).decision is None
    assert CaseView.model_validate(VIEW).status == "open"


def full_view() -> dict[str, Any]:
    """Return what a worker answers of a new case, with as much else as a case ever shows."""
    case_id, now = f"douyin_reship/{'7301' * 5}", datetime.now(UTC).replace(microsecond=0)
    process = PROCESSES["douyin_reship"]
    case = process.open_case(Opening(facts=reship(own_id="7301" * 5, applied_at=now.isoformat(), description=LONG)))
    answer = view(CaseMachine(process, case_id, case, now=now), now).model_dump(mode="json")
    at = now.isoformat()
    step = {"effect": "reship", "rule": "ship", "order": None, "at": at, "label": LONG}
    decided = {"at": at, "rule": "agree", "label": "同意补寄", "order": "O" * 20, "serial": 1, "by": "merchant"}
    return {
        **answer,
        "timeline": [
            {"at": at, "rule": "agree", "by": "merchant", "left": [], "reached": [], "clause": "DR-1", "label": LONG}
        ],
        "decisions": [{**decided, "status": "refused", "why": LONG, "said": LONG, "actor": "赵六", "way": "desk"}],
        "effects": [{**step, "serial": 7, "status": "needs_operator", "why": LONG, "note": None, "task": None}],
        "ignored": [{"at": at, "rule": "sign", "message_id": "m" * 40, "why": LONG}],
        "advice": [LONG],
        "ledger": [{"key": "k", "case_id": case_id, "shop_id": "S1", "clause": "DR-10", "order": "6" * 20, "at": at}],
    }


@pytest.mark.parametrize("width", [60, 80])
async def test_a_narrow_terminal_shows_a_case_in_whole_lines(
    client: Client, aftersales: Callable[..., Result], width: int
) -> None:
    result = await shown(client, aftersales, full_view(), COLUMNS=str(width))

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line for line in lines if cell_len(line) > width] == []
    for whole in (f"douyin_reship/{'7301' * 5}", "待商家处理", "m" * 40, "6" * 20, "同意补寄", "还剩"):
        assert any(whole in line for line in lines), (whole, lines)
    assert "".join(result.stdout.split()).count(LONG) >= 5
