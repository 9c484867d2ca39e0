"""Decide a toy on the desk, and tell which of its pages know of it, though no line of the desk is about toys."""

from pathlib import Path

import httpx2
from temporalio.client import Client

from aftersales.desk.access.login import OneUser
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings
from tests.support.pages.posted_forms import form_with, forms_of
from tests.support.patience import PATIENCE_SECONDS
from tests.support.temporal.life import eventually

CASE = "/case/toy/7"


async def decided_on_the_desk(client: Client, settings: Settings, folder: Path) -> list[str]:
    """Agree to the toy by its page; return the pages that show it, with its Chinese names."""
    known: list[str] = []
    with SqlLedger(folder / "desk.sqlite3") as ledger, listen("127.0.0.1", 0) as listener:
        app = make_desk(DeskServices(client, ledger, settings), OneUser("张三"))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        headers = {"origin": address}
        async with (
            serving(app, listener),
            httpx2.AsyncClient(base_url=address, headers=headers, timeout=PATIENCE_SECONDS) as browser,
        ):

            def note(name: str, shown: httpx2.Response, *words: str) -> httpx2.Response:
                assert shown.status_code == 200, shown.text
                known.extend([name] if all(word in shown.text for word in words) else [])
                return shown

            async def is_listed() -> bool:
                return "toy/7" in (await browser.get("/")).text

            await eventually("the toy is listed", is_listed)
            browser.headers["x-csrf-token"] = (await browser.get("/")).text.partition('token" content="')[2][:64]
            note(
                "list", await browser.get("/", params={"process": "toy", "state": "待处理"}), "玩具", ">同意", "待处理"
            )
            note("tasks", await browser.get("/tasks"), ">玩具<")
            choice = note("batch", await browser.post("/batch", data={"lines": "7"}), "玩具 7", "同意(1)")
            (act,) = [form for form in forms_of(choice) if form.choices]
            note("plan", await act.choose(browser, "同意"), "玩具 7", "1</b> 项可办")
            note("month", await browser.get("/month"), "玩具")
            panel = note("case", await browser.get(CASE, params={"rule": "agree"}), "玩具编号", "之后:已同意")
            note("decision", await form_with(panel, "确认同意").post(browser), "已生效", "已同意", "张三(工作台)")
            async with browser.stream("GET", "/live", params={"page": CASE}) as live:
                async for line in live.aiter_lines():
                    if line.startswith("event: mark"):
                        known.append("live")
                        break
    return known
