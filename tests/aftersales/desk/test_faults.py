"""What the desk shows while something that it needs is away, and that no fault of ours is a blank page."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.client import Client, RetryConfig
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.login import OneUser
from aftersales.desk.gate import PAGE_HEADERS
from aftersales.desk.handling.case_reading import CaseReader
from aftersales.desk.services import DeskServices
from aftersales.ledger.store import SqlLedger
from tests.aftersales.desk.conftest import CLERK, OpenOnDesk, browsing, token_in
from tests.aftersales.desk.test_home import listed
from tests.support.pages.posted_forms import form_with, forms_of
from tests.support.programs.cut_line import CutLine, line_to
from workflows.engine import search_attributes as sa

PAGES = ("/", "/case/douyin_reship/1", "/tasks")
QUICK = RetryConfig(max_retries=1)


def told(shown: httpx2.Response) -> str:
    """Return what an answer says in words, having checked that it is a page of the desk with its headers."""
    assert {name: shown.headers.get(name) for name in PAGE_HEADERS} == PAGE_HEADERS
    assert 'lang="zh-CN"' in shown.text
    words = shown.text.partition('role="alert"')[2].partition("</p>")[0].partition(">")[2]
    assert words
    assert " / " not in words
    return words


async def connected(line: CutLine, environment: WorkflowEnvironment) -> Client:
    """Connect by a line, as the desk is connected but with less patience."""
    return await Client.connect(line.address, data_converter=environment.client.data_converter, retry_config=QUICK)


async def test_without_temporal_every_page_says_so(services: DeskServices, environment: WorkflowEnvironment) -> None:
    async with line_to(environment.client.service_client.config.target_host) as line:
        client = await connected(line, environment)
        async with browsing(replace(services, client=client), OneUser(CLERK)) as browser:
            assert (await browser.get("/")).status_code == 200
            line.cut()
            for path in PAGES:
                shown = await browser.get(path)
                assert shown.status_code == 503, path
                assert told(shown).startswith("后台服务现在连不上")
            assert (await browser.get("/month")).status_code == 200
            assert (await browser.get("/healthz")).text == "ok"
            ready = await browser.get("/readyz")
            assert (ready.status_code, ready.text) == (503, "not ok")


async def test_a_decision_that_temporal_did_not_answer_for_is_asked_about_again(
    services: DeskServices, worker: None, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await open_on_desk()
    async with line_to(environment.client.service_client.config.target_host) as line:
        client = await connected(line, environment)
        async with browsing(replace(services, client=client), OneUser(CLERK)) as browser:
            shown = await browser.get(f"/case/{case_id}", params={"rule": "agree"})
            browser.headers["x-csrf-token"] = token_in(shown)
            form = form_with(shown, "确认同意补寄")
            line.cut()
            lost = await form.post(browser)
            assert lost.status_code == 503
            again = await form.post(browser, **{"desk-again": "1"})

    assert again.status_code == 202
    assert form_with(again, "再查询").fields["desk-id"] == form.fields["desk-id"]


async def test_without_the_ledger_cases_are_listed_shown_and_decided(
    services: DeskServices, worker: None, open_on_desk: OpenOnDesk, tmp_path: Path
) -> None:
    case_id = await open_on_desk()
    away = SqlLedger("postgresql+psycopg://nobody@127.0.0.1:9/none")
    async with browsing(replace(services, ledger=away), OneUser(CLERK)) as browser:
        listed = await browser.get("/", params={"search": "no-such-order"})
        shown = await browser.get(f"/case/{case_id}", params={"rule": "agree"})
        browser.headers["x-csrf-token"] = token_in(shown)
        sent = await form_with(shown, "确认同意补寄").post(browser)
        noted = await browser.post(f"/case/{case_id}", data={"desk-do": "note", "desk-note": "x"})
        month = await browser.get("/month")
        missing = await browser.get("/case/douyin_reship/nobody")

    assert listed.status_code == 200
    assert "账本数据库连不上" in listed.text
    assert "账本数据库连不上" in shown.text
    assert {form.words for form in forms_of(shown)} == {"确认同意补寄"}
    assert "已生效" in sent.text
    for refused in (noted, month):
        assert refused.status_code == 503
        assert told(refused) == "账本数据库现在连不上,请稍后再试"
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "没有这个页面"),
        ("GET", "/tasks/", 404, "没有这个页面"),
        ("GET", "/static/none.css", 404, "没有这个页面"),
        ("PUT", "/batch", 405, "没有这个页面,什么也没有做"),
    ],
)
async def test_what_is_no_page_is_said_to_be_none(
    desk: httpx2.AsyncClient, method: str, path: str, status: int, words: str
) -> None:
    shown = await desk.request(method, path)

    assert shown.status_code == status
    assert told(shown) == words


async def test_without_a_worker_cases_are_listed_and_said_to_be_unread(
    desk: httpx2.AsyncClient, environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CaseReader._read, "__defaults__", (timedelta(seconds=0.5),))
    known: list[Any] = [
        SearchAttributePair(sa.SHOP, "unread-shop"),
        SearchAttributePair(sa.WAITS_FOR, "商家"),
        SearchAttributePair(sa.STATE, "待商家处理"),
        SearchAttributePair(sa.DEADLINE, datetime.now(UTC) + timedelta(hours=1)),
    ]
    case_id = f"douyin_reship/{uuid.uuid4().hex}"
    attributes = TypedSearchAttributes(known)
    handle = await environment.client.start_workflow(
        "douyin_reship", id=case_id, task_queue="no-worker", search_attributes=attributes
    )
    try:
        text = await listed(desk, {case_id}, shop="unread-shop")
        shown = await desk.get(f"/case/{case_id}")
        sent = await desk.post(f"/case/{case_id}", data={"desk-do": "decide", "desk-rule": "agree"})
        batch = await desk.post("/batch", data={"case": case_id})
    finally:
        await handle.terminate()

    assert "待商家处理" in text
    assert "1 件案件的详情还没有读到" in text
    for answer in (shown, sent):
        assert answer.status_code == 503
        assert told(answer).startswith("案件现在没有应答")
    assert "现在读不到,请稍后再试" in batch.text
