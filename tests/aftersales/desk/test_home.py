"""待办 over real HTTP: order, counts, filters and search."""

import asyncio
import html
import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from sqlalchemy import insert
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.users import Role, User
from aftersales.desk.handling import case_reading
from aftersales.desk.sections import listing
from aftersales.desk.sections.rows import tone_of
from aftersales.desk.waiting import waiting
from aftersales.desk.waiting.waiting import WaitingCases
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.tables import CLAIMS, OUTCOMES
from aftersales.ledger.teamwork import Claim
from cases.ledger import NumberUse
from tests.aftersales.desk.conftest import CLERK, Browse, OpenOnDesk
from tests.support.records.booking import ended, november, recorded
from tests.support.rules.stage import BUSINESS, Stage
from tests.support.temporal.listed import are_listed, list_case
from workflows.engine import search_attributes as sa

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)


async def listed(desk: httpx2.AsyncClient, wanted: set[str], **parameters: str) -> str:
    """The page, once the server's list has the cases: it is brought up to date a moment after they are opened."""
    for _ in range(100):
        shown = await desk.get("/", params=parameters)
        assert shown.status_code == 200
        if all(f'data-case="{case_id}"' in shown.text for case_id in wanted):
            return shown.text
        await asyncio.sleep(0.1)
    pytest.fail(f"not listed: {wanted}")


def applied(hours_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours_ago)).replace(microsecond=0).isoformat()


async def opened(open_on_desk: OpenOnDesk, shop: str, *hours_ago: float, **fields: Any) -> list[str]:
    return [await open_on_desk(shop_id=shop, applied_at=applied(hours), **fields) for hours in hours_ago]


async def test_the_nearest_deadline_comes_first(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    late, soon, calm = await opened(open_on_desk, "order-shop", 47, 40, 1)

    text = await listed(desk, {late, soon, calm}, shop="order-shop")

    places = [text.index(f'data-case="{case_id}"') for case_id in (late, soon, calm)]
    assert places == sorted(places)
    assert text.count("tone-late") == 1
    assert "超时未处理" in text or "到期:" in text


async def test_counters_are_filters(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    late, soon, calm = await opened(open_on_desk, "count-shop", 47, 40, 1)
    await listed(desk, {late, soon, calm}, shop="count-shop")

    text = await listed(desk, {late}, shop="count-shop", group="2h")

    assert soon not in text
    assert "&lt;2h <b>1</b>" in text
    assert "&lt;12h <b>2</b>" in text
    assert "&lt;24h <b>2</b>" in text


async def test_a_case_is_found_by_its_order_and_by_its_own_number(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    wanted = await open_on_desk(shop_id="search-shop", order_id="7001")
    other = await open_on_desk(shop_id="search-shop", order_id="7002")
    await listed(desk, {wanted, other}, shop="search-shop")

    for number in ("7001", wanted.partition("/")[2]):
        text = await listed(desk, {wanted}, search=number)
        assert other not in text


async def test_the_cases_of_a_clerk_are_those_that_he_has_claimed(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    mine, other = await opened(open_on_desk, "claim-shop", 1, 2)
    ledger.claim(Claim(case_id=mine, clerk=CLERK, at=NOW))

    text = await listed(desk, {mine}, clerk=CLERK)

    assert other not in text
    assert f"{CLERK} 处理中" in text


async def test_filters_that_cannot_be_read_are_named_and_left_out(desk: httpx2.AsyncClient) -> None:
    shown = await desk.get("/", params={"least": "much", "page": "0"})
    for amount in ("1e400", "1e-7", "NaN", "-1", "Infinity"):
        odd = await desk.get("/", params={"least": amount})
        assert "筛选条件有误,已忽略:金额" in odd.text, amount

    assert shown.status_code == 200
    assert "筛选条件有误" in shown.text
    assert "金额、页码" in shown.text


@pytest.mark.parametrize(
    ("seconds", "waits_for", "tone"),
    [
        (-1, "商家", "late"),
        (7199, "商家", "late"),
        (7200, "商家", "soon"),
        (43199, "商家", "soon"),
        (43200, "商家", "today"),
        (86399, "服务商", "today"),
        (86400, "商家", "calm"),
        (3600, "买家", "theirs"),
        (3600, "平台", "theirs"),
    ],
)
def test_a_clock_is_red_orange_yellow_or_grey(seconds: int, waits_for: str, tone: str) -> None:
    assert tone_of(NOW + timedelta(seconds=seconds), waits_for, NOW) == tone


async def test_what_has_ended_early_and_what_several_orders_may_do_is_said_in_chinese(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, environment: WorkflowEnvironment
) -> None:
    fees = {"authentication_fee": "20.00", "freight_fee": "12.00"}
    orders = [{"order_id": f"33019{name}", "carries_item": name == "1"} for name in ("1", "2")]
    shop = {"provider_id": "P1", "merchant_id": "chinese-shop", "item_id": "I-home-1"}
    split = await open_on_desk("anxinjian_split", **shop, **fees, sub_orders=orders)
    (early,) = await opened(open_on_desk, "chinese-shop", 1)
    await environment.client.get_workflow_handle(early).terminate("by mistake")

    text = await listed(desk, {split, early}, shop="chinese-shop")

    assert f"异常终止,没有人计时,也不能处理;请管理员运行 aftersales revive {early} 恢复" in text
    assert "(订单 …0191)" in text
    assert "terminated" not in text


async def test_what_nobody_could_do_comes_before_every_deadline_and_the_clocks_of_others_come_last(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    own_id = uuid.uuid4().hex[:12]
    stage.scenes[f"douyin_reship/{own_id}"].fails["settle"] = BUSINESS
    (failed,) = await opened(open_on_desk, "first-shop", 49, own_id=own_id)
    late, task, theirs = await opened(open_on_desk, "first-shop", 47, 2, 3)
    await desk.post(f"/case/{task}", data={"desk-do": "decide", "desk-rule": "mark_out_of_stock"})
    await desk.post(f"/case/{theirs}", data={"desk-do": "decide", "desk-rule": "refuse", "reason": "已补发"})
    for _ in range(50):
        text = await listed(desk, {failed, late, task, theirs}, shop="first-shop")
        if all(words in text for words in ("先处理", "等别人", "控制台任务 <b>1</b>")):
            break

    shown = [failed, "按截止时间", late, task, "等别人", theirs]
    assert sorted(shown, key=text.index) == shown
    assert "平台未办成 <b>1</b>" in text
    assert "没有办成" in text or "售后单已关闭" in text


async def test_filters_leave_what_fits_all_of_them_and_stay_in_the_address_of_counters_and_pages(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    dear = await open_on_desk(shop_id="fit-shop", order_amount="300.00")
    cheap = await open_on_desk(shop_id="fit-shop", order_amount="20.00")
    await listed(desk, {dear, cheap}, shop="fit-shop")
    fitting = {
        "shop": "fit-shop",
        "platform": "douyin",
        "process": "douyin_reship",
        "state": "待商家处理",
        "least": "300",
    }

    text = await listed(desk, {dear}, **fitting)

    assert cheap not in text
    assert f"/?{urlencode({**fitting, 'group': '24h'})}".replace("&", "&amp;") in text
    for other in ({"platform": "jd"}, {"process": "claim_1688"}, {"state": "待补寄发货"}, {"least": "300.01"}):
        none = await desk.get("/", params={**fitting, **other})
        assert dear not in none.text, other


async def test_a_case_is_found_by_the_number_of_its_parcel(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    case_id = await open_on_desk(shop_id="parcel-shop", order_id="8001")
    use = {"shop_id": "parcel-shop", "tracking_no": "SF8001", "carrier": "顺丰", "order": "8001"}
    ledger.use_number(NumberUse(**use, at=NOW, case_id=case_id))

    text = await listed(desk, {case_id}, search="SF8001")

    assert text.count("data-case=") == 1


async def test_what_does_not_fit_on_a_page_is_on_the_next(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await opened(open_on_desk, "paged-shop", 30, 3)
    await listed(desk, {first, second}, shop="paged-shop")
    monkeypatch.setattr(listing, "CASES_ON_A_PAGE", 1)

    begin = await listed(desk, {first}, shop="paged-shop")
    assert second not in begin
    (following,) = re.findall(r'href="([^"]*page=2[^"]*)"', begin)
    end = (await desk.get(html.unescape(following))).text
    assert second in end
    assert first not in end


async def test_a_later_page_begins_where_the_one_before_ended_however_many_are_due_in_a_second(
    desk: httpx2.AsyncClient, environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = [datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours) for hours in (1, 3, 3, 3, 3, 30, 900)]
    shop = uuid.uuid4().hex
    dated = [await list_case(environment.client, shop, each) for each in due]
    undated = [await list_case(environment.client, shop) for _ in range(3)]
    await are_listed(environment.client, shop, len(dated) + len(undated))
    monkeypatch.setattr(listing, "CASES_ON_A_PAGE", 2)
    wanted: list[int] = []
    nearest = WaitingCases.nearest

    async def counted(own: WaitingCases, group: Any, number: int, after: Any = None) -> Any:
        wanted.append(number)
        return await nearest(own, group, number, after)

    monkeypatch.setattr(WaitingCases, "nearest", counted)
    address, pages = f"/?shop={shop}", list[str]()
    while address:
        pages.append((await desk.get(address)).text)
        address = html.unescape(next(iter(re.findall(r'href="([^"]*)">下一页', pages[-1])), ""))

    shown = [re.findall('data-case="([^"]+)"', page) for page in pages]
    assert [len(page) for page in shown] == [2] * 5
    assert len({case_id for page in shown for case_id in page}) == 10
    assert shown[0][0] == dated[0]
    assert [shown[2][1], shown[3][0]] == dated[5:]
    assert {shown[3][1], *shown[4]} == {*undated}
    assert wanted == [3, 4, 6, 4, 11]
    (before,) = re.findall(r'href="([^"]*)">上一页', pages[3])
    assert re.findall('data-case="([^"]+)"', (await desk.get(html.unescape(before))).text) == shown[2]
    assert all("after=" not in found for page in pages for found in re.findall(r'href="([^"]*group=[^"]*)"', page))


async def test_a_filter_for_a_shop_that_nobody_has_named_stays_chosen_and_is_counted(
    desk: httpx2.AsyncClient, browse: Browse
) -> None:
    text = (await desk.get("/", params={"shop": "unnamed", "least": "1", "page": "2"})).text

    assert '<option value="unnamed" selected>unnamed</option>' in text
    assert "更多条件(已设 2 项)" in text
    stranger = await browse(User(name="外店", shops=("elsewhere",)))
    assert '<option value="unnamed"' not in (await stranger.get("/", params={"shop": "unnamed"})).text


async def test_a_search_that_finds_nothing_open_lists_the_newest_cases_that_have_ended(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger, environment: WorkflowEnvironment
) -> None:
    own_id, order = uuid.uuid4().hex[:12], uuid.uuid4().hex[:12]
    case_id = await open_on_desk(shop_id="S1", own_id=own_id, order_id=order)
    await listed(desk, {case_id}, search=order)
    await environment.client.get_workflow_handle(case_id).signal("report", {"rule": "withdraw"})
    ledger.record(recorded(ended(own_id, process="douyin_reship", closed_at=november(5, 9, 30))))

    text = await listed(desk, set(), search=order)
    for _ in range(100):
        if "data-ended" in text:
            break
        await asyncio.sleep(0.1)
        text = await listed(desk, set(), search=order)

    shown = text.partition("<h2>已结束</h2>")[2].partition("</ul>")[0]
    assert "没有进行中的案件" in text
    assert "这里没有待办" not in text
    assert f'<a href="/case/{case_id}">' in shown
    assert "旗舰店" in shown
    assert order in shown
    assert "11-05 09:30 结束" in shown
    assert "data-case=" not in text
    assert "这里没有待办" in (await desk.get("/", params={"search": f"{order}9"})).text


async def test_of_many_ended_cases_ten_are_listed_and_none_beside_an_open_one(
    desk: httpx2.AsyncClient, environment: WorkflowEnvironment, browse: Browse
) -> None:
    shop, order = uuid.uuid4().hex, uuid.uuid4().hex
    over = [await list_case(environment.client, shop, orders=[order], waits_for=None) for _ in range(12)]
    await are_listed(environment.client, shop, len(over))

    ids = re.findall('data-ended="([^"]+)"', (await desk.get("/", params={"search": order})).text)
    assert len(ids) == 10
    assert set(ids) < {*over}
    stranger = await browse(User(name="外店", shops=("elsewhere",)))
    assert "data-ended" not in (await stranger.get("/", params={"search": order})).text
    open_one = await list_case(environment.client, shop, orders=[order])
    assert "data-ended" not in await listed(desk, {open_one}, search=order)


@pytest.mark.parametrize(
    ("user", "offered"),
    [
        (User(name="实习", role=Role.VIEW), False),
        (User(name="李四", role=Role.HANDLE, limit=Decimal("99.99")), False),
        (User(name="李四", role=Role.HANDLE, limit=Decimal(100)), True),
        (User(name="李四", role=Role.HANDLE, shops=("offer-shop",)), True),
    ],
    ids=["looks", "below the amount", "up to the amount", "of the shop"],
)
async def test_a_row_offers_only_what_its_user_may_do(
    browse: Browse, open_on_desk: OpenOnDesk, user: User, *, offered: bool
) -> None:
    (case_id,) = await opened(open_on_desk, "offer-shop", 1, order_amount="100.00")
    browser = await browse(user)

    for _ in range(50):
        text = await listed(browser, {case_id}, shop="offer-shop")
        row = text.partition(f'data-case="{case_id}"')[2].partition("</li>")[0]
        if "到期:" in row:
            break
        await asyncio.sleep(0.1)

    assert "到期:" in row
    assert (f'href="/case/{case_id}?rule=agree"' in row) is offered
    assert ("?rule=" in row) is offered


async def test_what_could_not_be_read_counts_neither_as_failed_nor_as_a_task_and_is_said_to_be_unread(
    desk: httpx2.AsyncClient, environment: WorkflowEnvironment
) -> None:
    shop = uuid.uuid4().hex
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=30)
    case_id = await list_case(environment.client, shop, due, needs_operator=True)
    await are_listed(environment.client, shop, 1)

    text = await listed(desk, {case_id}, shop=shop)
    assert "平台未办成 <b>0</b>" in text
    assert "控制台任务 <b>0</b>" in text
    assert '<p id="unread"' in text
    for group in ("failed", "tasks", "2h"):
        alone = (await desk.get("/", params={"shop": shop, "group": group})).text
        assert "1 件案件的详情还没有读到" in alone, group
        assert case_id not in alone


async def test_more_cases_that_wait_for_a_person_than_are_read_are_counted_and_said(
    desk: httpx2.AsyncClient, environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = uuid.uuid4().hex
    due = [datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours) for hours in (50, 3, 40, 5)]
    cases = [await list_case(environment.client, shop, each, needs_operator=True) for each in due]
    await are_listed(environment.client, shop, len(cases))
    found = WaitingCases(environment.client, f"{sa.SHOP.name} = '{shop}'")
    assert [case.id for case in (await found.needing_operator()).listed] == [cases[at] for at in (1, 3, 2, 0)]
    assert "没有算进" not in (await desk.get("/", params={"shop": shop})).text
    monkeypatch.setattr(waiting, "MOST_ATTENTION", 3)

    few = await found.needing_operator()

    assert ([case.id for case in few.listed], few.more) == ([cases[at] for at in (1, 3, 2)], 1)
    text = (await desk.get("/", params={"shop": shop})).text
    assert "另有 1 件没有算进「平台未办成」和「控制台任务」" in text
    assert text.count("data-case=") == 4


async def test_that_not_all_that_ended_early_is_listed_is_said(
    desk: httpx2.AsyncClient, environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_ENDED_EARLY", 1)
    shop = uuid.uuid4().hex
    cases = [await list_case(environment.client, shop) for _ in range(2)]
    await environment.client.get_workflow_handle(cases[0]).terminate("by mistake")
    assert "只列出其中一部分" not in await listed(desk, {*cases}, shop=shop)

    await environment.client.get_workflow_handle(cases[1]).terminate("by mistake")
    for _ in range(100):
        text = (await desk.get("/", params={"shop": shop})).text
        if "只列出其中一部分" in text:
            break
        await asyncio.sleep(0.1)

    assert "异常终止的案件太多,只列出其中一部分" in text


async def test_what_waits_for_a_person_is_read_first_and_comes_first_though_it_is_read_late(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_id = uuid.uuid4().hex[:12]
    stage.scenes[f"douyin_reship/{own_id}"].fails["settle"] = BUSINESS
    late = await opened(open_on_desk, "late-shop", 47, 46)
    (failed,) = await opened(open_on_desk, "late-shop", 49, own_id=own_id)
    (task,) = await opened(open_on_desk, "late-shop", 2)
    await desk.post(f"/case/{task}", data={"desk-do": "decide", "desk-rule": "mark_out_of_stock"})
    for _ in range(100):
        text = await listed(desk, {failed, task, *late}, shop="late-shop")
        if "平台未办成 <b>1</b>" in text and "控制台任务 <b>1</b>" in text:
            break
        await asyncio.sleep(0.1)
    monkeypatch.setattr(case_reading, "UNCHANGED_SECONDS", 0)
    monkeypatch.setattr(case_reading, "FRESH_SECONDS", 0)
    monkeypatch.setattr(case_reading.CaseReader, "_keep", lambda _, __, seen, ___=None: seen)
    monkeypatch.setattr(listing, "READ_SECONDS", 0)
    monkeypatch.setattr(listing, "LATE_ROWS_SECONDS", 10)
    asked: list[list[str]] = []
    read_some = case_reading.CaseReader.read_some

    async def noted(own: Any, case_ids: Any, *others: Any) -> Any:
        asked.append(list(case_ids))
        return await read_some(own, case_ids, *others)

    monkeypatch.setattr(case_reading.CaseReader, "read_some", noted)

    text = (await desk.get("/", params={"shop": "late-shop"})).text

    assert asked[0][:2] == [failed, task]
    assert "平台未办成 <b>1</b>" in text
    assert [failed, *late] == re.findall('data-case="([^"]+)"', text)[:3]
    assert text.index("先处理") < text.index(failed) < text.index("按截止时间")


async def test_what_a_clerk_claimed_and_has_ended_makes_no_search_longer(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    mine, other = await opened(open_on_desk, "busy-shop", 1, 2)
    ledger.claim(Claim(case_id=mine, clerk=CLERK, at=NOW))
    over = [ended(f"{number:06}") for number in range(1000)]
    claims = [Claim(case_id=each.case_id, clerk=CLERK, at=NOW + timedelta(hours=1)).model_dump() for each in over]
    with ledger._writing.begin() as connection:
        connection.execute(insert(CLAIMS), claims)
        connection.execute(insert(OUTCOMES), [each.model_dump() | {"day": NOW.date()} for each in over])

    text = await listed(desk, {mine}, clerk=CLERK, shop="busy-shop")

    assert other not in text
    assert ledger.claimed_by(CLERK) == [mine]
