"""Whatever is posted, and wherever: who only looks changes nothing, and a foreign shop's cases do not exist."""

import re
from typing import Any

import httpx2
import pytest
import structlog
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.users import Role, User
from aftersales.desk.batch.batch_plan import BatchStep, steps_as_text
from aftersales.desk.handling.deciding import new_update_id
from aftersales.ledger.store import SqlLedger
from tests.aftersales.desk.conftest import Browse, OpenOnDesk
from tests.aftersales.desk.test_home import listed
from tests.aftersales.desk.test_tasks import card
from workflows.engine.view import CaseView

LOOKER = User(name="实习", role=Role.VIEW)
STRANGER = User(name="外店", role=Role.SUPERVISE, shops=("elsewhere",))
ALLOWED = {200, 303, 403, 404, 409, 422}


def posts_about(case_id: str, rule: str) -> list[tuple[str, dict[str, Any]]]:
    """Return every form of the desk that would change something about a case."""
    step = {"desk-serial": "1"}
    decision = {"desk-do": "decide", "desk-rule": rule, "desk-id": new_update_id(rule), "desk-sure": "1"}
    posts: list[tuple[str, dict[str, Any]]] = [
        (f"/case/{case_id}", decision),
        (f"/case/{case_id}", {"desk-do": "decide", "desk-rule": "done_by_hand", **step}),
        (f"/case/{case_id}", {"desk-do": "decide", "desk-rule": "retry_effect", **step}),
        (f"/case/{case_id}", {"desk-do": "claim"}),
        (f"/case/{case_id}", {"desk-do": "claim", "desk-claim": "release"}),
        (f"/case/{case_id}", {"desk-do": "note", "desk-note": "x"}),
        ("/tasks", {"desk-case": case_id, **step}),
    ]
    for act, argument in ((rule, None), ("done_by_hand", {"serial": 1}), ("assign", {"clerk": "实习"})):
        steps = [BatchStep(case_id=case_id, rule=act, argument=argument, update_id=new_update_id(act))]
        token = f"{len(posts):032x}"
        posts.append(
            ("/batch/run", {"token": token, "act": act, "label": act, "plan": steps_as_text(steps), "step": "0"})
        )
    return posts


@pytest.mark.parametrize("user", [LOOKER, STRANGER], ids=["looks", "of another shop"])
async def test_nothing_is_changed_by_whoever_may_not(
    browse: Browse, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment, ledger: SqlLedger, user: User
) -> None:
    cases = {await open_on_desk(): "agree", await card(open_on_desk, "S1"): "use_card"}
    browser = await browse(user)

    async def seen(case_id: str) -> dict[str, Any]:
        view = await environment.client.get_workflow_handle(case_id).query("view", result_type=CaseView)
        return view.model_dump(include={"state", "timeline", "decisions", "effects"})

    for case_id, rule in cases.items():
        before = await seen(case_id)
        for path, posted in posts_about(case_id, rule):
            answer = await browser.post(path, data=posted, follow_redirects=True)
            assert answer.status_code in ALLOWED, (path, posted)
            if user is STRANGER and path != "/batch/run":
                assert answer.status_code == 404, (path, posted)
        assert await seen(case_id) == before
    assert ledger.claims(list(cases)) == {}
    assert [note for case_id in cases for note in ledger.notes(case_id)] == []


async def test_no_page_shows_a_stranger_anything_of_a_foreign_shop(
    browse: Browse, desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    case_id = await open_on_desk(shop_id="secret-shop", order_id="secret-order", description="secret-words")
    task = await card(open_on_desk, "secret-shop")
    await desk.post(f"/case/{case_id}", data={"desk-do": "note", "desk-note": "secret-note"})
    browser = await browse(STRANGER)
    await listed(desk, {case_id, task}, shop="secret-shop")

    for number in (case_id, task):
        shown = [
            await browser.get(path)
            for path in (
                "/",
                "/?shop=secret-shop",
                "/?search=secret-order",
                "/?group=tasks",
                "/?group=2h",
                "/tasks?shop=secret-shop",
                "/month?shop=secret-shop",
                "/month",
                f"/case/{number}",
                f"/case/{number}?rule=agree&sent={new_update_id('agree')}",
                f"/tasks?sent={new_update_id('done_by_hand')}&of={number}",
            )
        ]
        shown += [
            await browser.post("/batch", data={"case": number}),
            await browser.post("/batch", data={"lines": "secret-order"}),
        ]
        for answer in shown:
            own_words = re.sub(r'value="[^"]*"|data-mark="\w*"', "", answer.text)
            for word in ("secret-words", "secret-note", "待商家处理", "1 件", "100.00"):
                assert word not in own_words, (str(answer.url), word)
            assert not re.search(r"<b>[1-9]\d*</b>", own_words), str(answer.url)


async def test_what_is_searched_decided_and_noted_is_not_logged(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, caplog: pytest.LogCaptureFixture
) -> None:
    case_id = await open_on_desk(description="秘密-words")
    caplog.set_level("DEBUG", logger="uvicorn")
    caplog.set_level("DEBUG", logger="desk")
    with structlog.testing.capture_logs() as lines:
        await desk.get("/", params={"search": "13800138000", "clerk": "秘密-clerk"})
        await desk.get("/month", params={"month": "秘密-month"})
        await desk.post(f"/case/{case_id}", data={"desk-do": "note", "desk-note": "秘密-note"})
        await desk.post(f"/case/{case_id}", data={"desk-do": "decide", "desk-rule": "refuse", "reason": "秘密-reason"})
        await desk.post("/batch", data={"lines": "秘密-line 13800138000"})
        await desk.post("/batch", files={"file": ("秘密-file.xlsx", b"13800138000")})

    logged = caplog.text + repr(lines)
    assert "秘密" not in logged
    assert "13800138000" not in logged
