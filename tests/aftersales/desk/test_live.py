"""An open page is told that it has changed: over real HTTP, with one poll for everybody who looks at it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.login import OneUser
from aftersales.desk.access.users import User
from aftersales.desk.keys import key_of
from aftersales.desk.sections.live import POLL_SECONDS, LiveWatch
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.desk.waiting.filters import Filters
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.teamwork import Claim
from aftersales.runtime.http.http_server import listen, serving
from tests.aftersales.desk.conftest import CLERK, OpenOnDesk
from tests.aftersales.desk.test_home import NOW, listed
from tests.support.patience import PATIENCE_SECONDS
from workflows.engine.view import ActionView


@pytest.fixture(autouse=True)
def _polls_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveWatch.__init__, "__defaults__", (0.05,))


class Stream:
    """The events of a page."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def until(self, event: str) -> str:
        """Wait for an event, and return its data."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._lines:
                if line == f"event: {event}":
                    return (await anext(self._lines)).removeprefix("data: ")
        pytest.fail(f"the stream ended before {event}")

    async def end(self) -> None:
        """Wait for the end of the stream."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for _ in self._lines:
                pass


@asynccontextmanager
async def looking_at(desk: httpx2.AsyncClient, address: str, **asked: str) -> AsyncIterator[Stream]:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in {"page": address, **asked}.items())
    async with desk.stream("GET", f"/live?{query}", timeout=PATIENCE_SECONDS) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer.aiter_lines())


async def test_a_list_is_told_of_a_case_that_is_opened_and_of_a_claim(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    async with looking_at(desk, "/?shop=live-shop") as stream:
        first = await stream.until("mark")
        case_id = await open_on_desk(shop_id="live-shop")
        second = await stream.until("changed")
        ledger.claim(Claim(case_id=case_id, clerk=CLERK, at=NOW))
        third = await stream.until("changed")

    assert len({first, second, third}) == 3


async def test_a_page_is_told_of_what_changed_between_its_loading_and_its_listening(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    empty = (await desk.get("/", params={"shop": "between-shop"})).text
    mark = empty.partition('data-mark="')[2].partition('"')[0]
    await open_on_desk(shop_id="between-shop")

    async with looking_at(desk, "/?shop=between-shop", mark=mark) as stream:
        assert await stream.until("changed") != mark


async def test_a_page_that_has_not_changed_keeps_its_mark(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    case_id = await open_on_desk(shop_id="calm-shop")
    text = await listed(desk, {case_id}, shop="calm-shop")

    async with looking_at(desk, "/?shop=calm-shop") as stream:
        assert f'data-mark="{await stream.until("mark")}"' in text


async def test_a_case_is_told_of_every_event_of_its_history(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    case_id = await open_on_desk(shop_id="live-case")

    async with looking_at(desk, f"/case/{case_id}") as stream:
        await stream.until("mark")
        await environment.client.get_workflow_handle(case_id).execute_update("agree")
        await stream.until("changed")


async def test_who_looks_at_the_same_page_shares_a_poll_which_ends_with_the_last_of_them(
    services: DeskServices,
) -> None:
    watch = LiveWatch(services, pause=0.01)
    polled = 0

    async def poll() -> str:
        nonlocal polled
        polled += 1
        return "mark"

    async with watch.looking("page", poll) as one, watch.looking("page", poll) as other:
        assert one is other
        assert watch.pages_looked_at == 1
        await asyncio.wait_for(one.news.wait(), PATIENCE_SECONDS)
    assert watch.pages_looked_at == 0
    ended = polled
    await asyncio.sleep(0.05)
    assert polled == ended


async def test_a_stream_that_its_browser_has_left_polls_no_more(services: DeskServices, worker: None) -> None:
    app = make_desk(services, OneUser(CLERK))
    with listen("127.0.0.1", 0, "AFTERSALES_DESK") as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with serving(app, listener):
            async with (
                httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as browser,
                looking_at(browser, "/") as stream,
            ):
                await stream.until("mark")
                assert app.state.live.pages_looked_at == 1
            async with asyncio.timeout(PATIENCE_SECONDS):
                while app.state.live.pages_looked_at:  # noqa: ASYNC110 - it is no event of ours
                    await asyncio.sleep(0.01)


async def test_streams_end_at_once_when_the_desk_stops(services: DeskServices, worker: None) -> None:
    with listen("127.0.0.1", 0, "AFTERSALES_DESK") as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        served = serving(make_desk(services, OneUser(CLERK)), listener)
        await served.__aenter__()
        async with (
            httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as browser,
            looking_at(browser, "/") as stream,
        ):
            await stream.until("mark")
            began = asyncio.get_running_loop().time()
            stopping = asyncio.create_task(served.__aexit__(None, None, None))
            await stream.end()
            assert asyncio.get_running_loop().time() - began < 2
        await stopping


async def test_a_server_without_an_answer_is_said_to_have_none_until_it_answers(services: DeskServices) -> None:
    watch = LiveWatch(services, pause=0.01)
    answers: list[Any] = [RPCError("gone", RPCStatusCode.UNAVAILABLE, b""), "mark"]
    goes_on = asyncio.Event()

    async def poll() -> str:
        if len(answers) == 1:
            await goes_on.wait()
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, RPCError):
            raise answer
        return str(answer)

    async with watch.looking("page", poll) as page:
        await asyncio.wait_for(page.news.wait(), PATIENCE_SECONDS)
        assert (page.lost, page.mark) == (True, None)
        news = page.news
        goes_on.set()
        await asyncio.wait_for(news.wait(), PATIENCE_SECONDS)
        assert (page.lost, page.mark) == (False, "mark")


async def test_the_case_of_a_foreign_shop_has_no_mark(services: DeskServices, open_on_desk: OpenOnDesk) -> None:
    case_id = await open_on_desk(shop_id="foreign-shop")
    watch = LiveWatch(services)

    marks = [await watch.watch_case(User(name="u", shops=shops), case_id)[1]() for shops in (("own",), None)]

    assert marks[0] is None
    assert marks[1]


def test_users_who_see_other_shops_do_not_share_a_poll(services: DeskServices) -> None:
    watch = LiveWatch(services)
    one, same, other = (
        watch.watch_list(User(name=name, shops=shops), Filters())[0]
        for name, shops in (("a", ("S1",)), ("b", ("S1",)), ("c", None))
    )

    assert one == same
    assert one != other


async def test_a_page_that_is_not_kept_up_to_date_has_no_stream(desk: httpx2.AsyncClient) -> None:
    for page in ("/month", "//[", "", "elsewhere"):
        assert (await desk.get("/live", params={"page": page})).status_code == 404


async def test_a_case_is_found_by_its_address_whatever_stands_in_its_number(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    case_id = await open_on_desk(own_id="live?#%'1")
    async with looking_at(desk, f"/case/{quote(case_id)}") as stream:
        await stream.until("mark")
        ledger.claim(Claim(case_id=case_id, clerk=CLERK, at=NOW))
        await stream.until("changed")


async def test_a_fault_in_a_poll_does_not_end_it(services: DeskServices) -> None:
    watch = LiveWatch(services, pause=0.01)
    answers = iter([ZeroDivisionError("a fault of ours"), "mark"])

    async def poll() -> str:
        answer = next(answers, "mark")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with watch.looking("page", poll) as page:
        while page.mark is None:
            await asyncio.wait_for(page.news.wait(), PATIENCE_SECONDS)

    assert page.mark == "mark"


def test_a_page_is_less_than_ten_seconds_behind() -> None:
    assert POLL_SECONDS + 3 < 10


def action(rule: str, *, order: str | None = None, record: bool = False) -> ActionView:
    return ActionView(
        rule=rule, order=order, label=rule, party="merchant", record=record, clause="", fields="", costs=(), form={}
    )


@pytest.mark.parametrize(
    ("actions", "keys"),
    [
        ([action("agree"), action("refuse"), action("ship")], ["A", "R", "S"]),
        ([action("agree"), action("appeal"), action("add_evidence")], ["A", None, None]),
        ([action("advance", record=True), action("agree")], [None, "A"]),
        ([action("ship", order="1"), action("ship", order="2")], [None, None]),
        ([action("judge"), action("keep")], [None, None]),
    ],
)
def test_the_keys_of_actions_come_from_the_names_of_their_rules(
    actions: list[ActionView], keys: list[str | None]
) -> None:
    assert [key_of(each, actions) for each in actions] == keys
