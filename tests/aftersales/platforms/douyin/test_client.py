"""Douyin's client over real HTTP: its requests, its reading of answers, and the renewal of tokens."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftersales.platforms.access import App
from aftersales.platforms.douyin.client import DouyinClient, reject_reason_code
from aftersales.platforms.douyin.records import REASONS, RESHIP, AfterSale, RejectReason
from aftersales.platforms.douyin.session import DouyinAccess, DouyinShop
from aftersales.platforms.douyin.signing import verify
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport
from cases.douyin_reship import Reason
from cases.errors import BadForm, ClockWrong, PlatformRefused, PlatformUnreachable
from cases.forms import Evidence, EvidenceKind
from tests.support.platforms.clocks import set_clock_wrong, told
from tests.support.platforms.serving import serving

SECRET = "hush-secret"  # noqa: S105  # made up
EXPIRED = {"code": 40003, "msg": "非法的参数", "sub_code": "isv.access-token-expired", "sub_msg": "access_token已过期"}
T0 = 1_768_960_800
OWN = "7012345678901234567"

Answering = Callable[[dict[str, Any]], Any]


class Fake:
    """A minimal open platform: it checks signatures and tokens, and answers as the test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.queries: list[dict[str, str]] = []
        self.bodies: list[str] = []
        self.says: dict[str, Any] = {}
        self.created = 0
        self.valid: set[str] = set()
        self.refreshes = True

    async def __call__(self, request: Request) -> Response:
        query, body = dict(request.query_params), (await request.body()).decode()
        method, params = query["method"], json.loads(body)
        self.asked.append((method, params))
        self.queries.append(query)
        self.bodies.append(body)
        assert request.url.path == f"/{method.replace('.', '/')}"
        assert verify(SECRET, query, body)
        if method.startswith("token."):
            return JSONResponse(self._token(method, params))
        if query.get("access_token") not in self.valid:
            return JSONResponse(EXPIRED)
        said = self.says.get(method, {})
        said = said(params) if callable(said) else said
        return JSONResponse(said if "code" in said else {"code": 10000, "msg": "success", "data": said})

    def _token(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if said := self.says.get(method):
            return dict(said)
        if method == "token.refresh" and not self.refreshes:
            sub = "dop.token-generate-failed:token-expired"
            return {
                "code": 50001,
                "msg": "平台处理失败",
                "sub_code": sub,
                "sub_msg": f"token已过期 {params['refresh_token']}",
            }
        self.created += 1
        self.valid.add(f"hush-a{self.created}")
        token = {
            "access_token": f"hush-a{self.created}",
            "refresh_token": f"hush-r{self.created}",
            "expires_in": 604800,
        }
        return {"code": 10000, "msg": "success", "data": token | {"shop_id": 1, "shop_name": "店", "scope": "SCOPE"}}

    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    def params(self, method: str) -> dict[str, Any]:
        """Return the parameters of the last call of a method."""
        return next(params for asked, params in reversed(self.asked) if asked == method)


@pytest.fixture(scope="module")
def running() -> Fake:
    return Fake()


@pytest_asyncio.fixture(scope="module")
async def address(running: Fake) -> AsyncIterator[str]:
    async def answer(request: Request) -> Response:
        return await running(request)

    async with serving(Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])) as address:
        yield address


@pytest_asyncio.fixture(scope="module")
async def transport() -> AsyncIterator[Transport]:
    async with Transport("抖店") as made:
        yield made


@pytest.fixture
def fake(running: Fake) -> Fake:
    running.__init__()  # type: ignore[misc]  # an unknown platform
    return running


def made(address: str, transport: Transport, folder: Path | None = None, code: str | None = None) -> DouyinClient:
    app = App(app_key="K1", app_secret=SecretStr(SECRET))
    secret_code = SecretStr(code) if code else None
    shops = tuple(DouyinShop(shop_id=shop, app_key="K1", authorization_code=secret_code) for shop in ("S1", "S2"))
    return DouyinClient(DouyinAccess(address=address, apps=(app,), shops=shops), transport, TokenStore(folder))


@pytest.fixture
def douyin(address: str, transport: Transport, fake: Fake) -> DouyinClient:
    return made(address, transport)


def record(**info: Any) -> dict[str, Any]:
    after_sale = {
        "after_sale_id": int(OWN),
        "after_sale_status": 6,
        "after_sale_type": 7,
        "apply_time": T0,
        "update_time": T0 + 60,
        "reason": "一直未收到货",
        "reason_remark": "三天没动",
        "status_deadline": T0 + 172_800,
    }
    return {
        "process_info": {
            "after_sale_info": after_sale | info,
            "arbitrate_info": {"arbitrate_id": "", "arbitrate_status": 0},
            "logistics_info": {"resend": {"tracking_no": "", "company_code": "", "logistics_time": 0}},
            "record_logs_list": None,
        },
        "order_info": {"shop_order_id": 4_711, "sku_order_infos": [{"pay_amount": 12_345}, {"pay_amount": 5}]},
    }


async def test_a_call_is_signed_and_carries_the_shops_token(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["a.b"] = {"x": 1}

    assert await douyin.call("S1", "a.b", {"b": "王<&>", "a": [{"d": 1, "c": 2}]}) == {"x": 1}

    query = fake.queries[-1]
    assert (query["app_key"], query["v"], query["sign_method"]) == ("K1", "2", "hmac-sha256")
    assert query["access_token"] == "hush-a1"  # noqa: S105
    assert abs(int(query["timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert fake.bodies[-1] == '{"a":[{"c":2,"d":1}],"b":"王<&>"}'
    assert fake.params("token.create") == {"code": "", "grant_type": "authorization_self", "shop_id": "S1"}
    assert "access_token" not in fake.queries[0]


async def test_a_shop_that_gave_a_code_is_let_in_by_it(address: str, transport: Transport, fake: Fake) -> None:
    await made(address, transport, code="hush-code").call("S1", "a.b", {})

    assert fake.params("token.create") == {"code": "hush-code", "grant_type": "authorization_code"}


async def test_a_shop_without_credentials_is_named_and_nothing_is_sent(douyin: DouyinClient, fake: Fake) -> None:
    with pytest.raises(BadForm, match="no credentials for shop: S9"):
        await douyin.call("S9", "a.b", {})
    assert fake.asked == []


async def test_calls_at_the_same_moment_obtain_one_token_a_shop(douyin: DouyinClient, fake: Fake) -> None:
    await asyncio.gather(*(douyin.call(shop, "a.b", {}) for shop in ("S1", "S2") * 10))

    assert fake.methods().count("token.create") == 2


async def test_clients_that_share_a_folder_obtain_one_token(
    address: str, transport: Transport, fake: Fake, tmp_path: Path
) -> None:
    clients = [made(address, transport, tmp_path) for _ in range(5)]
    await asyncio.gather(*(client.call("S1", "a.b", {}) for client in clients for _ in range(3)))

    assert fake.methods().count("token.create") == 1


async def test_a_token_that_expires_in_mid_run_is_renewed_once_and_nobody_notices(
    douyin: DouyinClient, fake: Fake
) -> None:
    await douyin.call("S1", "a.b", {})
    fake.valid.clear()

    assert await asyncio.gather(*(douyin.call("S1", "a.b", {}) for _ in range(10))) == [{}] * 10

    assert fake.methods().count("token.refresh") == 1
    assert fake.params("token.refresh") == {"refresh_token": "hush-r1", "grant_type": "refresh_token"}
    assert fake.created == 2


@pytest.mark.parametrize(
    "sub_code", ["isv.access-token-expired", "isv.access-token-no-existed", "isv.access-token-invalid"]
)
async def test_every_way_of_not_taking_a_token_renews_it(
    douyin: DouyinClient, fake: Fake, monkeypatch: pytest.MonkeyPatch, sub_code: str
) -> None:
    await douyin.call("S1", "a.b", {})
    fake.valid.clear()
    monkeypatch.setitem(EXPIRED, "sub_code", sub_code)

    assert await douyin.call("S1", "a.b", {}) == {}


async def test_a_refresh_token_that_is_over_too_is_replaced_by_a_new_token(douyin: DouyinClient, fake: Fake) -> None:
    await douyin.call("S1", "a.b", {})
    fake.valid.clear()
    fake.refreshes = False

    assert await douyin.call("S1", "a.b", {}) == {}
    assert fake.methods() == ["token.create", "a.b", "a.b", "token.refresh", "token.create", "a.b"]


async def test_a_token_that_is_never_taken_is_renewed_only_once(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["a.b"] = EXPIRED
    with pytest.raises(PlatformRefused, match=r"isv\.access-token-expired"):
        await douyin.call("S1", "a.b", {})
    assert fake.methods() == ["token.create", "a.b", "token.refresh", "a.b"]


async def test_a_refusal_has_codes_and_words(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["a.b"] = {
        "code": 50002,
        "msg": "业务处理失败",
        "sub_code": "isv.business-failed:7",
        "sub_msg": "售后单已关闭",
    }
    with pytest.raises(PlatformRefused, match=r"a\.b: 售后单已关闭 \(code 50002, sub_code isv\.business-failed:7\)"):
        await douyin.call("S1", "a.b", {})


@pytest.mark.parametrize("code", [20000, 20001, 60000])
@pytest.mark.parametrize("method", ["a.b", "token.create"])
async def test_a_platform_that_is_down_or_busy_is_unreachable(
    douyin: DouyinClient, fake: Fake, code: int, method: str
) -> None:
    fake.says[method] = {"code": code, "msg": "服务不可用", "sub_code": "dop.service-error"}
    with pytest.raises(PlatformUnreachable, match=f"{method}: 服务不可用 .code {code}"):
        await douyin.call("S1", "a.b", {})


@pytest.mark.parametrize("method", ["a.b", "token.create"])
@pytest.mark.parametrize("minutes", [-11, 11])
async def test_a_clock_that_douyin_does_not_take_is_our_fault_and_said_to_be(
    douyin: DouyinClient, fake: Fake, monkeypatch: pytest.MonkeyPatch, method: str, minutes: int
) -> None:
    set_clock_wrong(monkeypatch, minutes)
    fake.says[method] = {
        "code": 40003,
        "msg": "非法的参数",
        "sub_code": "isv.timestamp-invalid",
        "sub_msg": "时间戳不合法",
    }
    with structlog.testing.capture_logs() as lines, pytest.raises(ClockWrong, match=told(minutes)) as wrong:
        await douyin.call("S1", "a.b", {})

    assert "时间戳不合法" in str(wrong.value)
    assert [abs(line["seconds_ahead"] - 60 * minutes) <= 2 for line in lines] == [True]


async def test_a_refresh_that_is_unreachable_does_not_ask_for_another_token(douyin: DouyinClient, fake: Fake) -> None:
    await douyin.call("S1", "a.b", {})
    fake.valid.clear()
    fake.says["token.refresh"] = {"code": 20000, "msg": "服务不可用"}
    with pytest.raises(PlatformUnreachable):
        await douyin.call("S1", "a.b", {})
    assert fake.created == 1


@pytest.mark.parametrize(
    "said", [{"code": "10000"}, {"code": None}, {"code": 10000, "data": [1]}, {"code": 10000, "data": "x"}]
)
async def test_an_answer_without_the_platforms_form_is_not_understood(
    douyin: DouyinClient, fake: Fake, said: Any
) -> None:
    fake.says["a.b"] = said
    with pytest.raises(PlatformUnreachable, match="无法理解"):
        await douyin.call("S1", "a.b", {})


@pytest.mark.parametrize(
    "data", [{}, {"access_token": ""}, {"access_token": "hush", "expires_in": 0}, {"access_token": 1, "expires_in": 9}]
)
async def test_an_unusable_token_is_an_error(douyin: DouyinClient, fake: Fake, data: Any) -> None:
    fake.says["token.create"] = {"code": 10000, "data": data}
    with pytest.raises(PlatformUnreachable, match="no usable token"):
        await douyin.call("S1", "a.b", {})


async def test_neither_errors_nor_logs_tell_a_secret(
    address: str, transport: Transport, fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(params: dict[str, Any]) -> dict[str, Any]:
        said = f"{SECRET} {fake.queries[-1]['access_token']} {fake.queries[-1]['sign']}"
        return {"code": 50002, "msg": said, "sub_msg": said}

    shown = []
    douyin = made(address, transport, code="hush-code")
    fake.says |= {"a.b": echo, "token.create": {"code": 50001, "sub_msg": "code hush-code"}}
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(PlatformRefused) as caught:
            await douyin.call("S1", "a.b", {})
        shown.append(caught)
        del fake.says["token.create"]
        with pytest.raises(PlatformRefused) as caught:
            await douyin.call("S1", "a.b", {})
        shown.append(caught)
        fake.says["a.b"] = EXPIRED
        fake.refreshes = False
        fake.says["token.create"] = {"code": 50001, "sub_msg": "refused"}
        with pytest.raises(PlatformRefused) as caught:
            await douyin.call("S1", "a.b", {})
        shown.append(caught)

    # the platform runs in this process: its log of requests does not count
    logs = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn"))
    errors = "".join("".join(traceback.format_exception_only(error.value)) for error in shown)
    assert "***" in errors
    assert "HTTP Request" in logs
    for text in (logs, errors, repr(douyin._access)):
        assert "hush" not in text
        assert not any(query["sign"] in text for query in fake.queries)


async def test_a_record_is_read_under_names_of_ours(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.Detail"] = record()

    after_sale = await douyin.detail("S1", OWN)

    assert fake.params("afterSale.Detail") == {"after_sale_id": OWN}
    assert (after_sale.after_sale_id, after_sale.order_id, after_sale.kind, after_sale.status) == (OWN, "4711", 7, 6)
    assert (after_sale.update_time, after_sale.applied_at.timestamp()) == (T0 + 60, T0)
    assert (after_sale.reason, after_sale.description, after_sale.paid) == (
        Reason.NEVER_RECEIVED,
        "三天没动",
        Decimal("123.50"),
    )
    assert after_sale.deadline == datetime.fromtimestamp(T0 + 172_800, UTC)
    assert (after_sale.parcel, after_sale.arbitration) == (None, 0)


@pytest.mark.parametrize("missing", ["arbitrate_info", "logistics_info"])
async def test_a_record_may_leave_out_what_does_not_exist_yet(douyin: DouyinClient, fake: Fake, missing: str) -> None:
    answer = record(status_deadline=0, reason_remark=None)
    answer["process_info"][missing] = None
    fake.says["afterSale.Detail"] = answer

    after_sale = await douyin.detail("S1", OWN)

    assert (after_sale.parcel, after_sale.arbitration, after_sale.deadline, after_sale.description) == (
        None,
        0,
        None,
        "",
    )


@pytest.mark.parametrize("order", [None, {}, {"shop_order_id": None, "sku_order_infos": None}])
async def test_a_record_whose_order_we_may_not_read_is_read_without_it(
    douyin: DouyinClient, fake: Fake, order: Any
) -> None:
    fake.says["afterSale.Detail"] = record() | {"order_info": order}
    after_sale = await douyin.detail("S1", OWN)
    assert (after_sale.status, after_sale.order_id, after_sale.paid) == (6, None, None)

    del fake.says["afterSale.Detail"]["order_info"]
    assert (await douyin.detail("S1", OWN)).order_id is None


async def test_an_item_without_its_amount_leaves_what_was_paid_unknown(douyin: DouyinClient, fake: Fake) -> None:
    answer = record()
    answer["order_info"]["sku_order_infos"][1]["pay_amount"] = None
    fake.says["afterSale.Detail"] = answer
    assert (await douyin.detail("S1", OWN)).paid is None


async def test_texts_are_sent_without_characters_that_clients_write_differently(
    douyin: DouyinClient, fake: Fake
) -> None:
    spoilt = "\b第一行\u2028第二行\x00\x0c\x7f\x85 👨\u200d👩 \u2029\ud800"
    await douyin.call("S1", "a.b", {"a": [{"b": spoilt, "c": ("\x1b[1m",)}], "n": 7, "no": None})

    assert fake.params("a.b") == {"a": [{"b": "第一行\n第二行 👨\u200d👩 \n?", "c": ["[1m"]}], "n": 7, "no": None}
    assert fake.bodies[-1] == '{"a":[{"b":"第一行\\n第二行 👨\u200d👩 \\n?","c":["[1m"]}],"n":7,"no":null}'


async def test_texts_are_read_without_control_characters(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.Detail"] = record(reason_remark="\x1b[31m三天没动\x00\u2028急\x07")
    assert (await douyin.detail("S1", OWN)).description == "[31m三天没动\n急"


@pytest.mark.parametrize("field", ["apply_time", "update_time", "status_deadline"])
@pytest.mark.parametrize("value", [10**18, 10**30, -(10**18), "soon", [1], {}])
async def test_an_instant_that_is_none_is_not_understood(
    douyin: DouyinClient, fake: Fake, field: str, value: Any
) -> None:
    fake.says["afterSale.Detail"] = record(**{field: value})
    with pytest.raises(PlatformUnreachable, match=field):
        await douyin.detail("S1", OWN)


async def test_a_record_without_its_status_is_not_understood_and_not_quoted(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.Detail"] = record(after_sale_status="王小明", apply_time="王小明")
    with pytest.raises(PlatformUnreachable, match="after_sale_status") as caught:
        await douyin.detail("S1", OWN)
    assert "王小明" not in "".join(traceback.format_exception_only(caught.value))
    with pytest.raises(ValidationError) as bare:
        AfterSale.model_validate(fake.says["afterSale.Detail"])
    assert "王小明" not in str(bare.value)


@pytest.mark.parametrize(
    "said",
    [
        {"code": 40004, "sub_code": "isv.parameter-invalid:11000", "sub_msg": "参数错误，售后单ID错误"},
        {"code": 50002, "sub_code": "isv.business-failed:10002", "sub_msg": "返回内容为空"},
        {"code": 10000, "data": None},
        {"code": 10000, "data": {"process_info": {"after_sale_info": None}}},
    ],
)
async def test_a_record_that_does_not_exist_is_not_found(douyin: DouyinClient, fake: Fake, said: Any) -> None:
    fake.says["afterSale.Detail"] = said

    assert await douyin.find("S1", OWN) is None
    with pytest.raises(PlatformRefused, match=f"no such after-sale: {OWN}"):
        await douyin.detail("S1", OWN)


async def test_a_shop_that_is_not_let_in_is_not_taken_for_a_missing_record(douyin: DouyinClient, fake: Fake) -> None:
    for said in (
        {"code": 30001, "msg": "操作权限不足", "sub_msg": "授权不存在"},
        {"code": 50002, "sub_code": "isv.business-failed:12000", "sub_msg": "无效的店铺ID"},
        {"code": 40004, "sub_code": "isv.parameter-invalid:11003", "sub_msg": "数据不存在"},
    ):
        fake.says["afterSale.Detail"] = said
        with pytest.raises(PlatformRefused, match=str(said["code"])):
            await douyin.find("S1", OWN)


async def test_g_7_an_invalid_after_sale_is_refused_by_operate_and_not_tried_again_as_if_the_platform_were_busy(
    douyin: DouyinClient, fake: Fake
) -> None:
    invalid = {"code": 20000, "msg": "系统错误", "sub_code": "isp.service-error:10000", "sub_msg": "存在无效的售后单"}
    fake.says["afterSale.operate"] = invalid
    with pytest.raises(PlatformRefused, match="存在无效的售后单"):
        await douyin.operate_reship("S1", OWN, T0, agree=True)
    fake.says["afterSale.operate"] = invalid | {"sub_code": "isp.service-error:10002"}
    with pytest.raises(PlatformUnreachable):
        await douyin.operate_reship("S1", OWN, T0, agree=True)
    fake.says["afterSale.Detail"] = invalid  # of Detail the same sub-code is a fault inside the platform
    with pytest.raises(PlatformUnreachable):
        await douyin.find("S1", OWN)


@pytest.mark.parametrize(
    ("text", "reason"),
    [*REASONS.items(), (" 少发 ", Reason.SHORT_SHIPPED), ("质量问题", Reason.OTHER), ("", Reason.OTHER)],
)
async def test_dr_1_the_platforms_words_choose_the_reason(
    douyin: DouyinClient, fake: Fake, text: str, reason: Reason
) -> None:
    fake.says["afterSale.Detail"] = record(reason=text)

    assert (await douyin.detail("S1", OWN)).reason == reason


def row(number: int, update_time: int) -> dict[str, Any]:
    info = {"aftersale_id": str(number), "aftersale_status": 6, "aftersale_type": 7, "update_time": update_time}
    return {"aftersale_info": info | {"apply_time": T0}, "order_info": None}  # which our application may not read


def pages(rows: list[dict[str, Any]], move: Callable[[int], None] | None = None) -> Answering:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        begin, size = params["page"] * params["size"], params["size"]
        page = {"items": rows[begin : begin + size] or None, "has_more": begin + size < len(rows), "total": len(rows)}
        if move:
            move(params["page"])
        return page

    return answer


async def changed(douyin: DouyinClient) -> list[str]:
    since, until = datetime.fromtimestamp(T0, UTC), datetime.fromtimestamp(T0 + 900, UTC)
    return [row.after_sale_id async for row in douyin.changed("S1", RESHIP, since, until)]


async def test_what_changed_is_listed_page_by_page(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.List"] = pages([row(number, T0 + number) for number in range(250)])

    assert await changed(douyin) == [str(number) for number in range(250)]

    asked = [params for method, params in fake.asked if method == "afterSale.List"]
    assert [params.pop("page") for params in asked] == [0, 1, 2]
    assert asked[0] == {
        "aftersale_type": 7,
        "update_start_time": T0,
        "update_end_time": T0 + 900,
        "size": 100,
        "order_by": ["update_time asc"],
    }


async def test_nothing_changed_is_an_empty_list(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.List"] = pages([])

    assert await changed(douyin) == []


async def test_what_leaves_the_list_while_it_is_read_hides_nothing(douyin: DouyinClient, fake: Fake) -> None:
    rows = [row(number, T0 + number) for number in range(250)]

    def move(page: int) -> None:
        if page == 0 and len(rows) == 250:
            del rows[0]

    fake.says["afterSale.List"] = pages(rows, move)

    assert await changed(douyin) == [str(number) for number in (*range(100), *range(101, 201), 100, *range(201, 250))]


async def test_a_list_that_promises_more_and_gives_nothing_ends(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.List"] = {"items": [], "has_more": True, "total": 9}

    assert await changed(douyin) == []


REJECTS = [(7001, "商品已正常送达"), (7002, "已签收"), (7003, "其他"), (7004, "已签收,有物流记录")]


def rejects(*entries: tuple[int, str]) -> list[RejectReason]:
    return [RejectReason(reject_reason_code=code, reason=reason) for code, reason in entries]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("已签收", 7002),
        ("买家已签收", 7002),
        ("已签收,有物流记录", 7004),
        ("已签收,有物流记录,见附件", 7004),
        ("缺货", 7003),
        ("", 7003),
    ],
)
def test_dr_14_a_refusal_is_given_the_platforms_own_reason(text: str, code: int) -> None:
    assert reject_reason_code(rejects(*REJECTS), text) == code


@pytest.mark.parametrize("word", ["其他", "其它", "Other", " other "])
def test_dr_14_other_is_known_by_its_name(word: str) -> None:
    assert reject_reason_code(rejects((1, word), (2, "已签收")), "缺货") == 1


def test_dr_14_without_another_the_last_reason_is_taken() -> None:
    assert reject_reason_code(rejects((1, "已签收"), (2, "")), "缺货") == 2
    assert reject_reason_code([], "缺货") is None


async def test_to_agree_sends_the_time_of_the_record_that_was_read(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.operate"] = {"items": [{"aftersale_id": OWN, "status_code": 0, "status_msg": ""}]}

    await douyin.operate_reship("S1", OWN, T0, agree=True)

    assert fake.params("afterSale.operate") == {"type": 501, "items": [{"aftersale_id": OWN, "update_time": T0}]}


async def test_dr_14_to_refuse_sends_reason_code_and_evidence(douyin: DouyinClient, fake: Fake) -> None:
    items = [{"reject_reason_code": code, "reason": reason, "evidence_need": "N"} for code, reason in REJECTS]
    fake.says["afterSale.rejectReasonCodeList"] = {"items": items}
    piece = Evidence(kind=EvidenceKind.WAYBILL_PHOTO, url="https://e/1.png", note="面单")

    await douyin.operate_reship("S1", OWN, T0, agree=False, reason="买家已签收", evidence=[piece])

    assert fake.params("afterSale.rejectReasonCodeList") == {"aftersale_id": int(OWN)}
    params = fake.params("afterSale.operate")
    assert params["type"] == 502
    assert params["items"] == [
        {
            "aftersale_id": OWN,
            "reason": "买家已签收",
            "remark": "买家已签收",
            "evidence": [{"type": 1, "url": "https://e/1.png", "desc": "面单"}],
            "reject_reason_code": 7002,
            "update_time": T0,
        }
    ]


async def test_an_item_that_was_not_carried_out_is_a_refusal(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.operate"] = {"items": [{"aftersale_id": OWN, "status_code": 7, "status_msg": "已关闭"}]}
    with pytest.raises(PlatformRefused, match=r"已关闭 \(status_code 7\)"):
        await douyin.operate_reship("S1", OWN, T0, agree=True)


async def test_a_parcel_that_cannot_be_stopped_is_a_refusal_with_the_platforms_reason(
    douyin: DouyinClient, fake: Fake
) -> None:
    refused = {"is_success": False, "unavailable_reason_code": 3, "unavailable_reason": "包裹已签收"}
    results = [{"tracking_no": "SF9", "is_success": True}, {"tracking_no": "SF1", **refused}]
    fake.says["afterSale.applyLogisticsIntercept"] = {"intercept_results": results, "success_count": 1}

    with pytest.raises(PlatformRefused, match=r"包裹已签收 \(unavailable_reason_code 3\)"):
        await douyin.intercept("S1", OWN, "shunfeng", "SF1")


async def test_an_answer_without_the_parcel_to_be_stopped_is_not_understood(douyin: DouyinClient, fake: Fake) -> None:
    fake.says["afterSale.applyLogisticsIntercept"] = {"intercept_results": None}

    with pytest.raises(PlatformUnreachable, match="SF1"):
        await douyin.intercept("S1", OWN, "shunfeng", "SF1")


async def test_other_methods_are_asked_in_the_platforms_own_words(douyin: DouyinClient, fake: Fake) -> None:
    await douyin.fill_logistics("S1", OWN, "shunfeng", "SF1")
    await douyin.submit_evidence("S1", OWN, "说明", ["https://e/1.png"])
    fake.says["afterSale.applyLogisticsIntercept"] = {"intercept_results": [{"tracking_no": "SF1", "is_success": True}]}
    await douyin.intercept("S1", OWN, "shunfeng", "SF1")

    assert fake.asked[1:] == [
        (
            "afterSale.fillLogistics",
            {"aftersale_id": int(OWN), "send_type": 1, "company_code": "shunfeng", "tracking_no": "SF1"},
        ),
        ("afterSale.submitEvidence", {"aftersale_id": int(OWN), "comment": "说明", "evidence": ["https://e/1.png"]}),
        (
            "afterSale.applyLogisticsIntercept",
            {
                "after_sale_id": int(OWN),
                "op_from": 1,
                "intercept_targets": [{"company_code": "shunfeng", "tracking_no": "SF1"}],
            },
        ),
    ]


async def test_a_parcels_stations_are_read(douyin: DouyinClient, fake: Fake) -> None:
    node = {"content": "已揽收", "timestamp": str(T0), "state": "GOT", "site_name": "杭州"}
    fake.says["logistics.trackNoRouteDetail"] = {"route__node_list": [node]}

    (node,) = await douyin.track("S1", "shunfeng", "SF1")

    assert fake.params("logistics.trackNoRouteDetail") == {"logistics_code": "shunfeng", "track_no": "SF1"}
    assert (node.content, node.at, node.site_name) == ("已揽收", datetime.fromtimestamp(T0, UTC), "杭州")


async def test_more_than_four_pieces_at_once_and_ids_that_are_none_are_not_sent(
    douyin: DouyinClient, fake: Fake
) -> None:
    with pytest.raises(BadForm, match="at most 4 pieces"):
        await douyin.submit_evidence("S1", OWN, "", ["https://e"] * 5)
    with pytest.raises(BadForm, match="is a number: 'A1'"):
        await douyin.fill_logistics("S1", "A1", "shunfeng", "SF1")
    assert fake.asked == []


def test_half_a_character_is_not_passed_on() -> None:
    after_sale = AfterSale.model_validate(record(reason_remark=" 漏发\ud83d "))

    assert after_sale.description == "漏发?"
