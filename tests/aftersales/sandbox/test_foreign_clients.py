"""Douyin's clients in other languages work with the sandbox: shapes and ways of writing as their models have them.

Nothing here is taken from our own client: requests are written and signed, and answers and messages checked, by what
is said below.
"""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.sandbox.douyin import transitions
from tests.support.platforms.sandboxes import Caller, sandbox_at_work
from tests.support.platforms.serving import serving

KEY, SECRET, SHOP = "K1", "first", 1001
SHANGHAI = timezone(timedelta(hours=8))
SPOILT = "不符 <a href='x'>&=\u2028\u2029\b\f\t\n\"\\b 😀"

MESSAGE = {"aftersale_id": int, "aftersale_type": int, "p_id": int, "s_id": int, "shop_id": int}
OF_APPLICATION = MESSAGE | {"aftersale_status": int, "reason_code": int, "update_time": datetime}
OF_MONEY = OF_APPLICATION | {"refund_amount": int, "refund_post_amount": int, "refund_voucher_num": int}
OF_ARBITRATION = MESSAGE | {"aftersale_status": int, "arbitrate_id": str, "arbitrate_status": int}
MESSAGES: dict[str, dict[str, type]] = {
    "200": OF_MONEY | {"apply_time": int},
    "206": OF_MONEY | {"success_time": int},
    "207": OF_MONEY | {"close_time": int},
    "208": OF_MONEY | {"modify_time": int},
    "209": MESSAGE | {"aftersale_status": int, "status_deadline": int},
    **dict.fromkeys(("212", "213", "214", "215"), OF_ARBITRATION),
    "216": OF_ARBITRATION | {"arbitrate_conclusion": int},
    "226": OF_APPLICATION,
    "227": MESSAGE | {"after_sale_status": int, "reason_code": int, "update_time": datetime},
}
"""The fields of messages by tag; an instant is RFC 3339 text or a number."""

AFTER_SALE_INFO = {
    **dict.fromkeys(("after_sale_id", "after_sale_status", "after_sale_type", "apply_time", "update_time"), int),
    **dict.fromkeys(("reason_code", "status_deadline", "refund_status"), int),
    **dict.fromkeys(("reason", "reason_remark"), str),
}
ARBITRATE_INFO = {
    **dict.fromkeys(("arbitrate_status", "arbitrate_conclusion"), int),
    **dict.fromkeys(("arbitrate_id", "arbitrate_status_deadline"), str),
    "is_required_evidence": bool,
    "arbitrate_evidence": {"images": [str], "describe": str},
}
RESEND = {"tracking_no": str, "company_name": str, "company_code": str, "logistics_time": int}
LOG_LINE = {**dict.fromkeys(("operator", "time", "text", "action"), str), "role": int}
ANSWERS: dict[str, Any] = {
    "afterSale.Detail": {
        "process_info": {
            "after_sale_info": AFTER_SALE_INFO,
            "arbitrate_info": ARBITRATE_INFO,
            "logistics_info": {"resend": RESEND},
            "record_logs_list": [LOG_LINE],
        },
        "order_info": {
            "shop_order_id": int,
            "sku_order_infos": [dict.fromkeys(("sku_order_id", "product_id", "pay_amount", "order_status"), int)],
        },
    },
    "afterSale.List": {
        "items": [
            {
                "aftersale_info": {
                    "aftersale_id": str,
                    **dict.fromkeys(("aftersale_type", "aftersale_status", "arbitrate_status"), int),
                    **dict.fromkeys(("apply_time", "update_time", "status_deadline"), int),
                },
                "order_info": {"shop_order_id": str},
            }
        ],
        "has_more": bool,
        **dict.fromkeys(("total", "page", "size"), int),
    },
    "afterSale.operate": {"items": [{"aftersale_id": int, "status_code": int, "status_msg": str}]},
    "afterSale.submitEvidence": {},
    "afterSale.rejectReasonCodeList": {
        "items": [
            {
                **dict.fromkeys(("reject_reason_code", "order_type", "pkg"), int),
                **dict.fromkeys(("reason", "evidence_description", "evidence_need", "image"), str),
            }
        ]
    },
}
"""The fields of answers, by method, that clients know."""


@dataclass(frozen=True)
class Client:
    """A way of writing: JSON, timestamp and signature; ``slash`` is what comes before a method's path."""

    escapes: dict[str, str]
    timestamp: Callable[[], str]
    sign_method: str | None = "hmac-sha256"
    slash: str = "/"
    sent_as_signed: bool = True

    async def call(self, caller: Caller, method: str, params: Any, token: str | None = None) -> dict[str, Any]:
        plain = json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        signed = plain
        for text, escape in self.escapes.items():
            signed = signed.replace(text, escape)
        stamp = self.timestamp()
        text = f"{SECRET}app_key{KEY}method{method}param_json{signed}timestamp{stamp}v2{SECRET}".encode()
        digest = hmac.new(SECRET.encode(), text, hashlib.sha256) if self.sign_method else hashlib.md5(text)  # noqa: S324
        query = {"app_key": KEY, "method": method, "timestamp": stamp, "v": "2", "sign": digest.hexdigest()}
        query |= {"sign_method": self.sign_method} if self.sign_method else {}
        query |= {"access_token": token} if token else {}
        address = f"{caller.address}/douyin{self.slash}{method.replace('.', '/')}?{urlencode(query)}"
        answer = await caller.client.post(address, content=(signed if self.sent_as_signed else plain).encode())
        envelope: dict[str, Any] = answer.json()
        assert envelope["code"] == 10000, envelope
        return envelope["data"]  # type: ignore[no-any-return]


LINE_ENDS = {"\u2028": r"\u2028", "\u2029": r"\u2029"}
HTML = {character: f"\\u{ord(character):04x}" for character in "<>&"}


def seconds() -> str:
    return str(int(time.time()))


CLIENTS = {
    "go": Client(LINE_ENDS | {r"\f": r"\u000c"}, seconds, slash="//"),
    "go, escaped for HTML, sent otherwise": Client(LINE_ENDS | HTML, seconds, sent_as_signed=False),
    "java": Client(
        LINE_ENDS | HTML | {"=": r"\u003d", "'": r"\u0027"},
        lambda: str(int(time.time() * 1000)),
        sent_as_signed=False,
    ),
    "php": Client(LINE_ENDS, lambda: f"{datetime.now(SHANGHAI):%Y-%m-%d %H:%M:%S}", sign_method=None),
    "python": Client({}, seconds, sign_method=None, sent_as_signed=False),
}


def fits(value: Any, shape: Any) -> bool:
    """Return whether a value has a shape, with no fields but those of it; whatever is not there may be null."""
    if value is None:
        return True
    match shape:
        case dict():
            return isinstance(value, dict) and all(fits(item, shape.get(name, ())) for name, item in value.items())
        case list():
            return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
        case type():
            return type(value) is shape
    return False


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox_at_work() as caller:
        yield caller


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_in_another_language_handles_a_reship_from_token_to_evidence(caller: Caller, name: str) -> None:
    client = CLIENTS[name]
    grant = {"code": "", "grant_type": "authorization_self", "auth_id": None, "auth_subject_type": None}
    token = (await client.call(caller, "token.create", grant | {"shop_id": SHOP}))["access_token"]
    own = caller.sandbox.apply(str(SHOP), "一直未收到货", 12_345, remark=SPOILT).after_sale_id

    async def ask(method: str, params: dict[str, Any]) -> Any:
        answer = await client.call(caller, method, params, token)
        assert fits(answer, ANSWERS[method]), answer
        return answer

    listing = {"aftersale_type": 7, "standard_aftersale_status": [6], "page": 0, "size": 100, "reason": None}
    for order in (["status_deadline asc"], None):
        listed = (await ask("afterSale.List", listing | {"order_by": order}))["items"]
        assert [row["aftersale_info"]["aftersale_id"] for row in listed] == [own]
    seen = await ask("afterSale.Detail", {"after_sale_id": own, "need_operation_record": True})
    assert seen["process_info"]["after_sale_info"]["reason_remark"] == SPOILT
    reason = (await ask("afterSale.rejectReasonCodeList", {"aftersale_id": int(own)}))["items"][-1]
    item = {
        "aftersale_id": own,
        "reason": SPOILT,
        "remark": SPOILT,
        "evidence": None,
        "logistics": None,
        "reject_reason_code": reason["reject_reason_code"],
        "update_time": seen["process_info"]["after_sale_info"]["update_time"],
    }
    done = await ask("afterSale.operate", {"type": 502, "items": [item], "store_id": None})
    assert [row["aftersale_id"] for row in done["items"]] == [int(own)]
    evidence = {"aftersale_id": int(own), "comment": SPOILT, "evidence": ["https://proof/1?a=1&b='2'"]}
    await ask("afterSale.submitEvidence", evidence)
    seen = (await ask("afterSale.Detail", {"after_sale_id": own, "need_operation_record": True}))["process_info"]
    assert seen["arbitrate_info"]["arbitrate_evidence"] == {"images": evidence["evidence"], "describe": SPOILT}
    assert [line["role"] for line in seen["record_logs_list"]] == [2, 2, 1]


async def test_every_message_has_the_fields_that_models_of_its_tag_have_and_no_others() -> None:
    taken: list[dict[str, Any]] = []

    async def take(request: Request) -> JSONResponse:
        body = await request.body()
        right = hashlib.md5(KEY.encode() + body + SECRET.encode()).hexdigest()  # noqa: S324 - the platform's own
        assert (request.headers["app-id"], request.headers["event-sign"]) == (KEY, right)
        taken.extend(json.loads(body))
        return JSONResponse({"code": 0, "msg": "success"})

    async with (
        serving(Starlette(routes=[Route("/p", take, methods=["POST"])])) as gateway,
        sandbox_at_work(f"{gateway}/p") as caller,
    ):
        everything_happens(caller)
        assert (await caller.control("/idle", {"timeout": 30}))["idle"]

    assert {message["tag"] for message in taken} == set(MESSAGES)
    written = set()
    for message in taken:
        tag, data, model = message["tag"], json.loads(message["data"]), MESSAGES[message["tag"]]
        assert set(data) == set(model), tag
        for field, kind in model.items():
            if kind is datetime:
                written.add(type(data[field]))
                at = data[field]
                at = datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at, UTC)
                assert at.tzinfo, tag
            else:
                assert type(data[field]) is kind, (tag, field)
    assert written == {str, int}


def everything_happens(caller: Caller) -> None:
    def to(own: str, step: Callable[..., Any], *arguments: Any) -> None:
        caller.sandbox.change(own, lambda record, now: step(record, now, *arguments))

    rulings = (transitions.rule_reship, transitions.rule_refund, transitions.rule_dismiss, transitions.withdraw)
    for ruling in rulings:
        own = caller.sandbox.apply(str(SHOP), "一直未收到货", 100).after_sale_id
        to(own, transitions.refuse, "已签收")
        to(own, transitions.want_evidence)
        to(own, transitions.submit_evidence, "底单", ("https://proof/1",))
        to(own, ruling)
    own = caller.sandbox.apply(str(SHOP), "其他", 100).after_sale_id
    to(own, transitions.refuse, "已签收")
    to(own, transitions.modify, "其他", "少了一件")
    to(own, transitions.agree)
    to(own, transitions.ship, "shunfeng", "SF1")
