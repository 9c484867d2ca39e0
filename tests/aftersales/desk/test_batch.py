"""批量 over real HTTP: chosen, previewed, carried out once, with a result for each case."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx2
import pytest
from openpyxl import Workbook
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.access.login import Login, OneUser
from aftersales.desk.access.users import Role, User
from aftersales.desk.batch.batch_plan import MOST_BATCH_STEPS, BatchStep, steps_as_text
from aftersales.desk.handling.deciding import new_update_id
from aftersales.desk.services import DeskServices
from aftersales.ledger.store import SqlLedger
from cases.errors import PlatformRefused
from tests.aftersales.desk.conftest import CLERK, As, OpenOnDesk, browsing, token_in
from tests.support.pages.posted_forms import PageForm, forms_of, part_about
from tests.support.rules.stage import Scene, Stage
from workflows.engine.view import CaseView

View = Callable[[str], Awaitable[CaseView]]


@pytest.fixture
def view(environment: WorkflowEnvironment) -> View:
    async def read(case_id: str) -> CaseView:
        handle = environment.client.get_workflow_handle(case_id)
        seen: CaseView = await handle.query("view", result_type=CaseView)
        return seen

    return read


async def chosen(desk: httpx2.AsyncClient, cases: list[str], label: str) -> httpx2.Response:
    """Tick cases and press the button of what to do."""
    choice = await desk.post("/batch", data={"case": cases})
    assert choice.status_code == 200, choice.text
    (form,) = forms_to(choice, "/batch")
    return await form.choose(desk, f"{label}(")


def forms_to(page: httpx2.Response, action: str) -> list[PageForm]:
    return [form for form in forms_of(page) if form.action == action]


async def carried_out(desk: httpx2.AsyncClient, preview: httpx2.Response, **changed: list[str]) -> httpx2.Response:
    (form,) = forms_to(preview, "/batch/run")
    return await results(desk, await form.post(desk, **changed))


@asynccontextmanager
async def another_desk(services: DeskServices, login: Login) -> AsyncIterator[httpx2.AsyncClient]:
    async with browsing(services, login) as browser:
        browser.headers["x-csrf-token"] = token_in(await browser.get("/case/none/none"))
        yield browser


async def results(desk: httpx2.AsyncClient, shown: httpx2.Response) -> httpx2.Response:
    for _ in range(200):
        assert shown.status_code == 200, shown.text
        if "办完了" in shown.text:
            return shown
        await asyncio.sleep(0.05)
        shown = await desk.get(str(shown.url))
    pytest.fail("the batch did not end")


async def test_twenty_cases_are_agreed_to_of_which_the_platform_refuses_one(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage, view: View
) -> None:
    cases = await asyncio.gather(*(open_on_desk(order_id=f"20{number}") for number in range(20)))
    stage.scenes[cases[7]] = Scene(fails={"agree_on_platform": PlatformRefused("该售后单已关闭")})

    preview = await chosen(desk, list(cases), "同意补寄")
    assert "20</b> 项可办" in preview.text
    assert (await view(cases[0])).state == ["awaiting_merchant"]
    done = await carried_out(desk, preview)

    assert "19 项成功" in done.text
    assert "1 项没有办成" in done.text
    assert "订单 207 :" in part_about(done, cases[7])
    assert "平台拒绝:该售后单已关闭" in part_about(done, cases[7])
    assert f'href="/case/{cases[7]}?sent=agree.' in done.text  # where it is tried again
    assert (await view(cases[7])).state == ["awaiting_merchant"]
    assert (await view(cases[0])).decisions[0].actor == CLERK
    assert {state for case in cases[8:] for state in (await view(case)).state} == {"awaiting_shipment"}


async def test_a_second_click_and_a_restart_of_the_desk_do_nothing_twice(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, services: DeskServices, view: View
) -> None:
    case = await open_on_desk()
    preview = await chosen(desk, [case], "同意补寄")
    (form,) = forms_to(preview, "/batch/run")

    first, second = await asyncio.gather(form.post(desk), form.post(desk))
    assert first.url == second.url
    (carried,) = forms_to(await results(desk, first), "/batch/run")
    async with another_desk(services, OneUser(CLERK)) as again:
        assert (await again.get(f"/batch/run/{form.fields['token']}")).status_code == 404
        shown = await results(again, await carried.post(again))

    assert "1 项成功" in shown.text
    decided = (await view(case)).decisions
    assert [decision.label for decision in decided] == ["同意补寄"]


async def test_the_preview_says_what_cannot_be_done_and_why(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    ready, agreed = await open_on_desk(order_amount="88.00"), await open_on_desk()
    await carried_out(desk, await chosen(desk, [agreed], "同意补寄"))

    preview = await chosen(desk, [ready, agreed, "douyin_reship/nobody"], "同意补寄")

    assert "待商家处理" in part_about(preview, ready)
    assert "88.00 元" in part_about(preview, ready)
    assert "不能办:现在不能同意补寄;可做:" in part_about(preview, agreed)
    assert "douyin_reship/nobody</code>:没有此案件" in preview.text


async def test_rows_that_are_unticked_are_left_alone(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, view: View
) -> None:
    first, second = await open_on_desk(), await open_on_desk()
    preview = await chosen(desk, [first, second], "同意补寄")

    done = await carried_out(desk, preview, step=["1"])

    assert "1 项成功" in done.text
    assert [(await view(case)).state for case in (first, second)] == [["awaiting_merchant"], ["awaiting_shipment"]]


async def shippable(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, orders: list[str]) -> list[str]:
    cases = [await open_on_desk(order_id=order) for order in orders]
    await carried_out(desk, await chosen(desk, cases, "同意补寄"))
    return cases


async def test_parcels_are_shipped_with_pasted_lines_of_order_and_number(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage
) -> None:
    first, second, third = await shippable(desk, open_on_desk, ["3001", "3002", "3003"])
    form_page = await chosen(desk, [first, second, third], "补寄发货")
    (form,) = forms_to(form_page, "/batch")

    lines = "3001 SF1234567890\n3002,SF1234567891\n3009 SF1234567899"
    preview = await form.post(desk, carrier="顺丰", lines=lines, preview="1")

    assert "SF1234567890" in part_about(preview, first)
    assert "表里没有此案件的一行;快递单号:必填" in part_about(preview, third)
    assert "没有用上:3009" in preview.text
    done = await carried_out(desk, preview)
    assert "2 项成功" in done.text
    (sent,) = [call for call in stage.scenes[second].calls if call.effect == "push_tracking_number"]
    assert (sent.form or {}) == {"carrier": "顺丰", "tracking_no": "SF1234567891"}


async def test_parcels_are_shipped_with_an_uploaded_workbook_of_which_only_known_columns_are_kept(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    (case,) = await shippable(desk, open_on_desk, ["4001"])
    book = Workbook()
    book.active.append(["收件人", "订单编号", "物流公司", "运单号"])
    book.active.append(["李四", "'4001", "圆通", "YT7654321098765"])
    written = io.BytesIO()
    book.save(written)
    form_page = await chosen(desk, [case], "补寄发货")
    (form,) = forms_to(form_page, "/batch")

    fields = {name: value for name, value in form.fields.items() if name != "file"} | {"preview": "1"}
    preview = await desk.post(form.action, data=fields, files={"file": ("订单.xlsx", written.getvalue())})

    assert "快递公司 圆通" in part_about(preview, case)
    assert "YT7654321098765" in part_about(preview, case)
    assert "李四" not in preview.text


async def test_pasted_numbers_choose_the_cases(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    by_order, by_own = await open_on_desk(order_id="5001"), await open_on_desk(order_id="5002")
    lines = f"5001\n{by_own.partition('/')[2]}\n5999\n"

    for _ in range(100):
        choice = await desk.post("/batch", data={"lines": lines})
        if by_order in choice.text and by_own in choice.text:
            break
        await asyncio.sleep(0.1)

    assert "2 件案件" in choice.text
    assert "5999</code>:没有进行中的案件" in choice.text
    (act,) = re.findall(r'name="act" value="(agree-[^"]+)"', choice.text)
    carried = {"case": [by_order, by_own], "lines": lines, "left": "5999\t没有进行中的案件", "act": act}
    plan = await desk.post("/batch", data=carried)
    assert "2</b> 项可办" in plan.text
    assert plan.text.count("<code>5999</code>") == 1
    assert "没有用上" not in plan.text  # it has been said that it is left out


async def test_cases_are_assigned_and_what_another_has_is_taken_over_in_plain_sight(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    first, second = await open_on_desk(), await open_on_desk()
    for clerk, cases in (("李四", [first]), ("王五", [first, second])):
        form_page = await chosen(desk, cases, "指派")
        (form,) = forms_to(form_page, "/batch")
        preview = await form.post(desk, clerk=clerk, preview="1")
        done = await carried_out(desk, preview)

    assert "李四 处理中" in part_about(preview, first)
    assert "2 项成功" in done.text
    assert {claim.clerk for claim in ledger.claims([first, second]).values()} == {"王五"}


@pytest.mark.parametrize(
    ("user", "why", "refused"),
    [
        (User(name="实习", role=Role.VIEW), "需要「处理」权限", "您的权限是「查看」,不能处理案件"),
        (User(name="新人", role=Role.HANDLE, limit=Decimal("50.00")), *["超出您的处理额度 50.00 元"] * 2),
        (User(name="外店", role=Role.SUPERVISE, shops=("S9",)), *["没有此案件"] * 2),
    ],
)
async def test_whoever_may_not_decide_does_not_though_he_posts_another_plan(
    desk: httpx2.AsyncClient,
    open_on_desk: OpenOnDesk,
    services: DeskServices,
    view: View,
    user: User,
    why: str,
    refused: str,
) -> None:
    case = await open_on_desk(order_amount="100.00")
    preview = await chosen(desk, [case], "同意补寄")
    (form,) = forms_to(preview, "/batch/run")
    async with another_desk(services, As(user)) as other:
        shown = await other.post("/batch", data={"case": case, "act": "agree-NoForm"})
        answer = await form.post(other)
        done = answer if answer.status_code == 403 else await results(other, answer)

    assert why in shown.text
    assert refused in done.text
    assert (await view(case)).state == ["awaiting_merchant"]


async def test_the_largest_batch_is_taken_in_and_carried_out_to_its_end(desk: httpx2.AsyncClient) -> None:
    steps = [
        BatchStep(
            case_id=f"douyin_reship/none-{number}", rule="agree", update_id=new_update_id("agree"), seen="0" * 400
        )
        for number in range(MOST_BATCH_STEPS)
    ]
    ticked = [str(number) for number in range(len(steps))]
    plan = {"token": "0" * 32, "act": "agree-NoForm", "label": "同意", "plan": steps_as_text(steps), "step": ticked}

    done = await results(desk, await desk.post("/batch/run", data=plan, follow_redirects=True))

    assert f"{MOST_BATCH_STEPS} 项没有办成" in done.text


@pytest.mark.parametrize("broken", [{"plan": "[{"}, {"token": "x"}, {"step": "9"}, {"step": "first"}])
async def test_a_plan_that_cannot_be_read_is_refused_in_words(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, broken: dict[str, str]
) -> None:
    (form,) = forms_to(await chosen(desk, [await open_on_desk()], "同意补寄"), "/batch/run")

    shown = await form.post(desk, **broken)

    assert shown.status_code == 422
    assert "重新预览" in shown.text or "什么也没有做" in shown.text


async def test_the_list_has_a_box_for_every_case(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    case = await open_on_desk(shop_id="pick-shop")
    for _ in range(100):
        home = await desk.get("/", params={"shop": "pick-shop"})
        if case in home.text:
            break
        await asyncio.sleep(0.1)

    assert f'name="case" value="{case}" form="batch"' in home.text
    assert '<form method="post" action="/batch" id="batch"' in home.text
