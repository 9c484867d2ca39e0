"""批量 over real HTTP: chosen, previewed, carried out once, with a result for each case."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from decimal import Decimal

import httpx2
import pytest
from openpyxl import Workbook
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.login import OneUser
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.desk.users import Role, User
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.http_server import listen, serving
from cases.errors import PlatformRefused
from tests.aftersales.desk.conftest import CLERK, OpenOnDesk
from tests.support.pages import forms_of, part_about, post
from tests.support.stage import Scene, Stage
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
    choice = await post(desk, "/batch", [("case", case_id) for case_id in cases])
    assert choice.status_code == 200, choice.text
    (form,) = forms_of(choice, "/batch")
    (act,) = [value for _, value in form.buttons if f'value="{value}">{label}(' in choice.text]
    return await post(desk, form, form.filled(act=act))


async def carried_out(desk: httpx2.AsyncClient, preview: httpx2.Response, **changed: object) -> httpx2.Response:
    (form,) = forms_of(preview, "/batch/run")
    return await results(desk, await post(desk, form, form.filled(**changed)))


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
    assert "平台拒绝 该售后单已关闭" in part_about(done, cases[7])
    assert (await view(cases[7])).state == ["awaiting_merchant"]
    assert (await view(cases[0])).decisions[0].actor == CLERK
    assert {state for case in cases[8:] for state in (await view(case)).state} == {"awaiting_shipment"}


async def test_a_second_click_and_a_restart_of_the_desk_do_nothing_twice(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, services: DeskServices, view: View
) -> None:
    case = await open_on_desk()
    preview = await chosen(desk, [case], "同意补寄")
    (form,) = forms_of(preview, "/batch/run")

    first, second = await asyncio.gather(post(desk, form, form.fields), post(desk, form, form.fields))
    assert first.url == second.url
    (carried,) = forms_of(await results(desk, first), "/batch/run")
    with listen("127.0.0.1", 0, "AFTERSALES_DESK") as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            serving(make_desk(services, OneUser(CLERK)), listener),
            httpx2.AsyncClient(base_url=address, headers={"origin": address}) as again,
        ):
            assert (await again.get(f"/batch/run/{form['token']}")).status_code == 404
            shown = await results(again, await post(again, carried, carried.fields))

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
    (form,) = forms_of(form_page, "/batch")

    lines = "3001 SF1234567890\n3002,SF1234567891\n3009 SF1234567899"
    preview = await post(desk, form, form.filled(carrier="顺丰", lines=lines, preview="1"))

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
    (form,) = forms_of(form_page, "/batch")

    fields = dict(form.filled(preview="1"))
    preview = await desk.post(form.action, data=fields, files={"file": ("订单.xlsx", written.getvalue())})

    assert "快递公司 圆通" in part_about(preview, case)
    assert "YT7654321098765" in part_about(preview, case)
    assert "李四" not in preview.text


async def test_pasted_numbers_choose_the_cases(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    by_order, by_own = await open_on_desk(order_id="5001"), await open_on_desk(order_id="5002")
    lines = f"5001\n{by_own.partition('/')[2]}\n5999\n"

    for _ in range(100):
        choice = await post(desk, "/batch", [("lines", lines)])
        if by_order in choice.text and by_own in choice.text:
            break
        await asyncio.sleep(0.1)

    assert "2 件案件" in choice.text
    assert "5999</code>:没有进行中的案件" in choice.text


async def test_cases_are_assigned_and_what_another_has_is_taken_over_in_plain_sight(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, ledger: SqlLedger
) -> None:
    first, second = await open_on_desk(), await open_on_desk()
    for clerk, cases in (("李四", [first]), ("王五", [first, second])):
        form_page = await chosen(desk, cases, "指派")
        (form,) = forms_of(form_page, "/batch")
        preview = await post(desk, form, form.filled(clerk=clerk, preview="1"))
        done = await carried_out(desk, preview)

    assert "李四 处理中" in part_about(preview, first)
    assert "2 项成功" in done.text
    assert {claim.clerk for claim in ledger.claims([first, second]).values()} == {"王五"}


class _As(OneUser):
    def __init__(self, user: User) -> None:
        self._user = user


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (User(name="实习", role=Role.VIEW), "需要「处理」权限"),
        (User(name="新人", role=Role.HANDLE, limit=Decimal("50.00")), "超出您的处理额度 50.00 元"),
        (User(name="外店", role=Role.SUPERVISE, shops=("S9",)), "没有此案件"),
    ],
)
async def test_whoever_may_not_decide_does_not_though_he_posts_another_plan(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, services: DeskServices, view: View, user: User, why: str
) -> None:
    case = await open_on_desk(order_amount="100.00")
    preview = await chosen(desk, [case], "同意补寄")
    (form,) = forms_of(preview, "/batch/run")
    with listen("127.0.0.1", 0, "AFTERSALES_DESK") as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            serving(make_desk(services, _As(user)), listener),
            httpx2.AsyncClient(base_url=address, headers={"origin": address}) as other,
        ):
            shown = await post(other, "/batch", [("case", case), ("act", "agree-NoForm")])
            done = await results(other, await post(other, form, form.fields))

    assert why in shown.text
    assert why in done.text
    assert (await view(case)).state == ["awaiting_merchant"]


@pytest.mark.parametrize("broken", [{"plan": "[{"}, {"token": "x"}, {"step": "9"}, {"step": "first"}])
async def test_a_plan_that_cannot_be_read_is_refused_in_words(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk, broken: dict[str, str]
) -> None:
    (form,) = forms_of(await chosen(desk, [await open_on_desk()], "同意补寄"), "/batch/run")

    shown = await post(desk, form, form.filled(**broken))

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
