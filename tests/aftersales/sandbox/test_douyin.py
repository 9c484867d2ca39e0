"""The sandbox answers Douyin's methods as Douyin does: refusals in the envelope, over HTTP 200."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from aftersales.sandbox.douyin import codes, transitions
from aftersales.sandbox.douyin.codes import RefusalCode
from tests.support.platforms.sandboxes import Caller, sandbox_at_work

PARCEL = {"company_code": "shunfeng", "tracking_no": "SF1"}
UNKNOWN = "0123456789abcdef"
T0 = "2026-01-05T09:00:00+08:00"


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox_at_work() as caller:
        yield caller


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[Caller]:
    """For tests that change nothing: a server costs more than a call; its clock is a day ahead."""
    async with sandbox_at_work() as caller:
        caller.sandbox.advance(86400)
        yield caller


def apply(caller: Caller, reason: str = "其他", shop_id: str = "1001") -> str:
    return caller.sandbox.apply(shop_id, reason, 12345, remark="少了一件").after_sale_id


def said(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["code"], answer["sub_code"]


def no(refusal: RefusalCode) -> tuple[int, str]:
    return refusal.code, refusal.sub_code


async def detail(caller: Caller, own: str) -> dict[str, Any]:
    return await caller.data("afterSale.Detail", {"after_sale_id": own})


async def operating(caller: Caller, own: str, kind: int = 501, **item: Any) -> dict[str, Any]:
    params = {"type": kind, "items": [{"aftersale_id": own, **item}]}
    return await caller.call("afterSale.operate", params, access_token=await caller.token())


async def operate(caller: Caller, own: str, kind: int = 501, **item: Any) -> None:
    answer = await operating(caller, own, kind, **item)
    assert answer["data"] == {"items": [{"aftersale_id": int(own), "status_code": 0, "status_msg": ""}]}, answer


async def test_a_detail_shows_the_record_with_numbers_for_ids(caller: Caller) -> None:
    own = apply(caller, "一直未收到货")
    record = caller.sandbox.record(own)
    assert record is not None
    data = await detail(caller, own)
    info = data["process_info"]["after_sale_info"]
    assert (info["after_sale_id"], info["after_sale_status"], info["after_sale_type"]) == (int(own), 6, 7)
    assert (info["reason"], info["reason_remark"]) == ("一直未收到货", "少了一件")
    assert info["status_deadline"] - info["apply_time"] == 48 * 3600
    assert data["process_info"]["arbitrate_info"]["arbitrate_status"] == 0
    assert data["process_info"]["logistics_info"]["resend"]["tracking_no"] == ""
    assert data["order_info"]["shop_order_id"] == int(record.order_id)
    assert data["order_info"]["sku_order_infos"][0]["pay_amount"] == 12345


async def test_a_wrong_signature_is_refused(caller: Caller) -> None:
    own, token = apply(caller), await caller.token()
    asked = {"after_sale_id": own}
    wrong: list[dict[str, str]] = [
        {"secret": "second"},
        {"body": '{"after_sale_id":"1"}'},
        {"sign": "0" * 64},
        {"sign": ""},
        {"method": "afterSale.List"},
        {"v": "1"},
    ]
    for query in wrong:
        answer = await caller.call("afterSale.Detail", asked, access_token=token, **query)
        assert said(answer) == no(codes.SIGNATURE_WRONG), query
    assert (await caller.call("afterSale.Detail", asked, access_token=token))["code"] == 10000


@pytest.mark.parametrize(("late", "taken"), [(-590, True), (590, True), (-620, False), (620, False)])
@pytest.mark.parametrize("unit", [1, 1000])
async def test_a_timestamp_counts_for_ten_minutes_of_real_time(
    shared: Caller, late: int, unit: int, *, taken: bool
) -> None:
    stamp = str((int(time.time()) + late) * unit)
    params = {"code": "", "grant_type": "authorization_self", "shop_id": "1001"}
    answer = await shared.call("token.create", params, timestamp=stamp)
    assert said(answer) == ((10000, "") if taken else no(codes.TIMESTAMP_WRONG))


@pytest.mark.parametrize("stamp", ["", "now", "²", "-5", "9" * 400])
async def test_a_timestamp_that_is_none_is_refused(shared: Caller, stamp: str) -> None:
    assert said(await shared.call("token.create", {}, timestamp=stamp)) == no(codes.TIMESTAMP_WRONG)


async def test_who_calls_must_be_known(caller: Caller) -> None:
    own, token = apply(caller), await caller.token()
    asked = {"after_sale_id": own}
    assert said(await caller.call("afterSale.Detail", asked, app_key="K9")) == no(codes.APP_MISSING)
    assert said(await caller.call("afterSale.Detail", asked)) == no(codes.TOKEN_MISSING)
    for unknown in (UNKNOWN, "令牌", token.upper()):
        answer = await caller.call("afterSale.Detail", asked, access_token=unknown)
        assert said(answer) == no(codes.TOKEN_UNKNOWN)
    other = await caller.call("afterSale.Detail", asked, access_token=token, app_key="K2")
    assert said(other) == no(codes.TOKEN_OF_ANOTHER_APP)


async def test_another_shops_records_are_not_shown_nor_changed(caller: Caller) -> None:
    own, token = apply(caller, shop_id="1002"), await caller.token("1001")
    for method, params in (
        ("afterSale.Detail", {"after_sale_id": own}),
        (
            "afterSale.fillLogistics",
            {"aftersale_id": int(own), "send_type": 1, "company_code": "a", "tracking_no": "b"},
        ),
        ("afterSale.submitEvidence", {"aftersale_id": int(own), "comment": "", "evidence": ["u"]}),
    ):
        refusal = codes.WRONG_SHOP if method == "afterSale.Detail" else codes.RECORD_INVALID
        assert said(await caller.call(method, params, access_token=token)) == no(refusal)
    assert said(await operating(caller, own)) == no(codes.ITEM_INVALID)
    assert (await caller.data("afterSale.List", {"page": 0, "size": 10}))["items"] == []
    record = caller.sandbox.record(own)
    assert record is not None
    assert record.status == 6


async def test_an_unknown_record_is_told_apart_from_another_shops(caller: Caller) -> None:
    token = await caller.token()
    for wrong, refusal in (("999", codes.NOTHING_FOUND), ("A1", codes.PARAMETER_WRONG)):
        answer = await caller.call("afterSale.Detail", {"after_sale_id": wrong}, access_token=token)
        assert said(answer) == no(refusal)


async def test_a_token_is_the_same_while_it_lasts_and_is_renewed_when_it_is_over(caller: Caller) -> None:
    own, token = apply(caller), await caller.token()
    assert await caller.token() == token
    assert await caller.token("1002") != token
    caller.sandbox.advance(7 * 86400 - 2)
    renewed = await caller.token()
    assert renewed != token
    assert (await caller.call("afterSale.Detail", {"after_sale_id": own}, access_token=token))["code"] == 10000
    caller.sandbox.advance(2)
    over = await caller.call("afterSale.Detail", {"after_sale_id": own}, access_token=token)
    assert said(over) == no(codes.TOKEN_EXPIRED)
    assert (await caller.call("afterSale.Detail", {"after_sale_id": own}, access_token=renewed))["code"] == 10000


async def test_a_refresh_token_brings_a_new_token_until_it_is_over_too(caller: Caller) -> None:
    params = {"code": "", "grant_type": "authorization_self", "shop_id": "1001"}
    first = (await caller.call("token.create", params))["data"]
    assert (first["expires_in"], first["shop_id"]) == (7 * 86400, 1001)
    caller.sandbox.expire_tokens("1001")
    asked = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await caller.call("token.refresh", asked))["data"]
    assert second["access_token"] != first["access_token"]
    stolen = await caller.call("token.refresh", asked, app_key="K2")
    assert said(stolen) == no(codes.REFRESH_UNKNOWN)
    caller.sandbox.expire_tokens("1001", refresh=True)
    assert said(await caller.call("token.refresh", asked)) == no(codes.REFRESH_EXPIRED)
    other = await caller.call("token.refresh", {"grant_type": "other", "refresh_token": "x"})
    assert said(other) == no(codes.GRANT_WRONG)


async def test_a_token_is_issued_to_the_shops_own_application_and_a_code_counts_once(caller: Caller) -> None:
    for shop, app in (("1001", "K2"), ("S3", "K1"), ("nobody", "K1")):
        params = {"code": "", "grant_type": "authorization_self", "shop_id": shop}
        assert said(await caller.call("token.create", params, app_key=app)) == no(codes.NOT_AUTHORIZED)
    by_code = {"code": "code-3", "grant_type": "authorization_code"}
    assert said(await caller.call("token.create", by_code)) == no(codes.CODE_WRONG)
    assert (await caller.call("token.create", by_code, app_key="K2"))["data"]["shop_id"] == "S3"
    assert said(await caller.call("token.create", by_code, app_key="K2")) == no(codes.CODE_WRONG)
    assert said(await caller.call("token.create", {"grant_type": "password"})) == no(codes.GRANT_WRONG)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "[" * 5000])
async def test_a_body_that_is_not_an_object_is_refused(shared: Caller, body: str) -> None:
    assert said(await shared.call("token.create", body)) == no(codes.BODY_WRONG)


async def test_parameters_that_do_not_fit_are_named(caller: Caller) -> None:
    token = await caller.token()
    for method, params, name in (
        ("afterSale.Detail", {}, "after_sale_id"),
        ("afterSale.Detail", {"after_sale_id": "A1"}, "after_sale_id"),
        ("afterSale.List", {"page": 0, "size": 101}, "size"),
        ("afterSale.List", {"page": 0, "size": 10, "order_by": ["price asc"]}, "order_by"),
        ("afterSale.operate", {"type": 501, "items": []}, "items"),
        ("afterSale.operate", {"type": 7, "items": [{"aftersale_id": "1"}]}, "type"),
        (
            "afterSale.fillLogistics",
            {"aftersale_id": 1, "send_type": 2, "company_code": "a", "tracking_no": "b"},
            "send",
        ),
        (
            "afterSale.fillLogistics",
            {"aftersale_id": 1, "send_type": 1, "company_code": "a", "tracking_no": " "},
            "track",
        ),
    ):
        answer = await caller.call(method, params, access_token=token)
        assert said(answer) == no(codes.PARAMETER_WRONG), method
        assert name in answer["sub_msg"]


async def test_a_method_that_does_not_exist_is_refused(caller: Caller) -> None:
    answer = await caller.call("afterSale.timeTravel", {}, access_token=await caller.token())
    assert said(answer) == no(codes.METHOD_UNKNOWN)


async def test_the_merchant_agrees_and_ships(caller: Caller) -> None:
    own = apply(caller)
    info = (await detail(caller, own))["process_info"]["after_sale_info"]
    await operate(caller, own, update_time=info["update_time"])
    sent = {"aftersale_id": int(own), "send_type": 1, **PARCEL}
    await caller.data("afterSale.fillLogistics", sent)
    asked = {"after_sale_id": own, "need_operation_record": True}
    shown = (await caller.data("afterSale.Detail", asked))["process_info"]
    assert (shown["after_sale_info"]["after_sale_status"], shown["after_sale_info"]["status_deadline"]) == (13, 0)
    assert shown["logistics_info"]["resend"]["tracking_no"] == "SF1"
    assert shown["logistics_info"]["resend"]["logistics_time"] > 0
    assert [line["action"] for line in shown["record_logs_list"]] == ["补寄发货", "同意补寄", "发起售后申请"]
    assert [line["role"] for line in shown["record_logs_list"]] == [2, 2, 1]
    assert (await detail(caller, own))["process_info"]["record_logs_list"] is None
    again = await caller.call("afterSale.fillLogistics", sent, access_token=await caller.token())
    assert said(again) == no(codes.BUSINESS)


async def test_an_operation_on_what_has_changed_since_is_refused(caller: Caller) -> None:
    own = apply(caller)
    seen = (await detail(caller, own))["process_info"]["after_sale_info"]["update_time"]
    caller.sandbox.change(own, lambda record, now: transitions.set_deadline(record, now, now + 60))
    assert said(await operating(caller, own, update_time=seen)) == no(codes.STALE)
    now = (await detail(caller, own))["process_info"]["after_sale_info"]
    assert now["after_sale_status"] == 6
    assert now["update_time"] > seen
    await operate(caller, own, update_time=now["update_time"])


async def test_an_operation_is_carried_out_on_all_its_items_or_on_none(caller: Caller) -> None:
    owns = [apply(caller) for _ in range(3)]
    token = await caller.token()
    closed = apply(caller)
    caller.sandbox.change(closed, transitions.withdraw)
    for wrong, refusal in ((closed, codes.STATUS_WRONG), ("999", codes.ITEM_INVALID), (owns[0], codes.STATUS_WRONG)):
        asked = {"type": 501, "items": [{"aftersale_id": own} for own in [*owns, wrong]]}
        assert said(await caller.call("afterSale.operate", asked, access_token=token)) == no(refusal)
        assert {record.status for own in owns if (record := caller.sandbox.record(own))} == {6}
    data = await caller.data("afterSale.operate", {"type": 501, "items": [{"aftersale_id": own} for own in owns]})
    assert [(item["aftersale_id"], item["status_code"]) for item in data["items"]] == [(int(own), 0) for own in owns]


async def test_an_operation_takes_at_most_twenty_items(caller: Caller) -> None:
    owns, token = [apply(caller) for _ in range(21)], await caller.token()
    items = [{"aftersale_id": own} for own in owns]
    many = await caller.call("afterSale.operate", {"type": 501, "items": items}, access_token=token)
    assert said(many) == no(codes.PARAMETER_WRONG)
    assert len((await caller.data("afterSale.operate", {"type": 501, "items": items[1:]}))["items"]) == 20


async def test_a_refusal_takes_a_reason_of_the_platforms_list_and_the_evidence_that_it_needs(caller: Caller) -> None:
    listed = (await caller.data("afterSale.rejectReasonCodeList", {"aftersale_id": int(apply(caller))}))["items"]
    need = next(item for item in listed if item["evidence_need"] == "Y")["reject_reason_code"]
    free = next(item for item in listed if item["evidence_need"] == "N")["reject_reason_code"]
    proof = [{"type": 1, "url": "https://proof/1", "desc": ""}]
    for item, taken in (
        ({}, False),
        ({"reject_reason_code": 1, "reason": "x"}, False),
        ({"reject_reason_code": need, "reason": "x"}, False),
        ({"reject_reason_code": need, "evidence": proof}, True),
        ({"reject_reason_code": free}, True),
        ({"remark": "不符"}, True),
    ):
        own = apply(caller)
        done = await operating(caller, own, 502, **item)
        assert (done["code"] == 10000) is taken, item
        status = (await detail(caller, own))["process_info"]["after_sale_info"]["after_sale_status"]
        assert status == (27 if taken else 6)


async def test_evidence_reaches_the_arbitration(caller: Caller) -> None:
    own, token = apply(caller, "一直未收到货"), await caller.token()
    asked = {"aftersale_id": int(own), "comment": "底单", "evidence": ["https://proof/1"]}
    assert said(await caller.call("afterSale.submitEvidence", asked, access_token=token)) == no(codes.BUSINESS)
    await operate(caller, own, 502, reason="已签收")
    await caller.data("afterSale.submitEvidence", asked)
    await caller.data("afterSale.submitEvidence", asked | {"evidence": ["https://proof/2", "https://proof/3"]})
    shown = (await detail(caller, own))["process_info"]["arbitrate_info"]
    assert shown["arbitrate_evidence"]["images"] == [f"https://proof/{number}" for number in (1, 2, 3)]
    many = asked | {"evidence": ["u"] * 5}
    assert said(await caller.call("afterSale.submitEvidence", many, access_token=token)) == no(codes.BUSINESS)


async def test_the_list_gives_a_window_of_changes_in_order_page_by_page(caller: Caller) -> None:
    owns = []
    for _ in range(5):
        owns.append(apply(caller))
        caller.sandbox.advance(10)
    records = [caller.sandbox.record(own) for own in owns]
    at = [record.updated_at for record in records if record]
    window = {"aftersale_type": 7, "update_start_time": at[1], "update_end_time": at[4]}
    asked = window | {"order_by": ["update_time asc"], "size": 2}
    pages = [await caller.data("afterSale.List", asked | {"page": page}) for page in range(3)]
    rows = [[row["aftersale_info"]["aftersale_id"] for row in page["items"]] for page in pages]
    assert rows == [owns[1:3], owns[3:5], []]
    assert [page["has_more"] for page in pages] == [True, False, False]
    assert pages[0]["total"] == 4
    back = await caller.data("afterSale.List", asked | {"order_by": ["update_time desc"], "page": 0, "size": 9})
    assert [row["aftersale_info"]["aftersale_id"] for row in back["items"]] == owns[:0:-1]
    other = await caller.data("afterSale.List", asked | {"aftersale_type": 3, "page": 0})
    assert other["total"] == 0


async def test_the_list_is_filtered_by_status_and_sorted_by_deadline(caller: Caller) -> None:
    owns = [apply(caller) for _ in range(4)]
    for hours, own in zip((30, 10, 20), owns, strict=False):
        caller.sandbox.change(
            own, lambda record, now, ahead=hours: transitions.set_deadline(record, now, now + ahead * 3600)
        )
    caller.sandbox.change(owns[0], transitions.agree)
    caller.sandbox.change(owns[3], transitions.withdraw)

    async def listed(**asked: Any) -> list[str]:
        data = await caller.data("afterSale.List", {"page": 0, "size": 10} | asked)
        return [row["aftersale_info"]["aftersale_id"] for row in data["items"]]

    by_deadline = {"order_by": ["status_deadline asc"]}
    assert await listed(standard_aftersale_status=[6], **by_deadline) == [owns[1], owns[2]]
    assert await listed(standard_aftersale_status=[6, 8, 99], **by_deadline) == [owns[1], owns[2], owns[0]]
    assert await listed(standard_aftersale_status=[28], order_by=None) == [owns[3]]
    assert len(await listed(standard_aftersale_status=[99])) == 4  # what is none of them is ignored


async def test_the_window_of_applications_ends_before_its_end(caller: Caller) -> None:
    record = caller.sandbox.record(apply(caller))
    assert record is not None
    window = {"page": 0, "size": 1, "start_time": record.applied_at}
    totals = [
        (await caller.data("afterSale.List", window | {"end_time": record.applied_at + more}))["total"]
        for more in (0, 1)
    ]
    assert totals == [0, 1]


async def test_a_parcel_is_stopped_until_it_is_signed_for(caller: Caller) -> None:
    own = apply(caller)
    caller.sandbox.change(own, transitions.agree)
    caller.sandbox.change(own, lambda record, now: transitions.ship(record, now, "sf", "SF1"))
    targets = [{"company_code": "sf", "tracking_no": number} for number in ("SF1", "SF9")]
    asked = {"after_sale_id": int(own), "op_from": 1, "intercept_targets": targets}
    data = await caller.data("afterSale.applyLogisticsIntercept", asked)
    assert (data["success_count"], data["failed_count"]) == (1, 1)
    assert [result["is_success"] for result in data["intercept_results"]] == [True, False]
    caller.sandbox.change(own, transitions.sign)
    data = await caller.data("afterSale.applyLogisticsIntercept", asked)
    assert [result["unavailable_reason"] for result in data["intercept_results"]] == ["包裹已签收", "运单号不存在"]
