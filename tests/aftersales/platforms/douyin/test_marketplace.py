"""Reading a push of Douyin: nothing in it is dropped, and nothing breaks us."""

import json
from typing import Any

import pytest

from aftersales.platforms.douyin import marketplace
from aftersales.platforms.inbound import LOOK, CaseKey, InboundMessage, MessageState
from aftersales.platforms.push import MOST_MESSAGES
from tests.support.platforms.pushing import APP, SHOP, body, content, endpoints, pushed, signed


async def read_push(sent: bytes) -> list[InboundMessage]:
    """Return what is stored of a signed push."""
    (douyin,) = (endpoint for endpoint in endpoints() if endpoint.platform == "douyin")

    async def read_body() -> bytes:
        return sent

    return await douyin.receive(signed(sent), read_body)


async def test_messages_are_read_in_their_order() -> None:
    first, second = await read_push(body(pushed("200", "m1", content()), pushed("227", "m2", content())))
    assert (first.message_id, first.state, first.report) == ("m1", MessageState.NEW, None)
    assert first.case == second.case == CaseKey("douyin_reship", SHOP, "1001")
    assert second.report
    assert second.report.rule == "agree"
    assert json.loads(second.body) == content()


async def test_content_that_is_not_text_is_read_too() -> None:
    (message,) = await read_push(body({"tag": 200, "msg_id": 71, "data": content()}))
    assert (message.tag, message.message_id, message.state) == ("200", "71", MessageState.NEW)


@pytest.mark.parametrize("probe", [{"tag": "0", "msg_id": "0", "data": "x"}, {"tag": 0}])
async def test_a_probe_is_not_kept(probe: dict[str, Any]) -> None:
    assert await read_push(body(probe)) == []


@pytest.mark.parametrize(("tag", "kind"), [("203", 7), ("200", 0), ("900", None)])
async def test_what_is_not_ours_is_unknown_and_says_what_it_is(tag: str, kind: Any) -> None:
    (message,) = await read_push(body(pushed(tag, "m1", content(aftersale_type=kind))))
    assert (message.state, message.tag, message.reason) == (MessageState.UNKNOWN, tag, f"aftersale_type={kind}")


@pytest.mark.parametrize(
    "pushed_body", [b"", b"\xff\xfe", b"{}", b'"x"', b"[", b"[" * 100_000, b"1" * 5000, b"null", b"NaN"]
)
async def test_a_body_that_is_not_an_array_is_unreadable(pushed_body: bytes) -> None:
    (message,) = await read_push(pushed_body)
    assert (message.state, message.body) == (MessageState.UNREADABLE, pushed_body)
    assert message.message_id == (await read_push(pushed_body))[0].message_id


BROKEN: list[Any] = [
    *(1, None, "x", []),
    {"tag": "200", "data": "{}"},
    {"msg_id": "m1", "data": "{}"},
    {"tag": "200", "msg_id": "", "data": "{}"},
    {"tag": "200", "msg_id": "x" * 201, "data": "{}"},
    {"tag": "2\n00", "msg_id": "m1", "data": "{}"},
    {"tag": "200", "msg_id": "m1", "data": "{"},
    {"tag": "200", "msg_id": "m1", "data": "[" * 100_000},
    {"tag": "200", "msg_id": "m1", "data": json.dumps(content(shop_id="A/1"))},
]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
async def test_one_broken_message_is_kept_and_takes_no_other_with_it(broken: Any) -> None:
    before, message, after = await read_push(body(pushed("200", "a", content()), broken, pushed("200", "b", content())))
    assert (before.state, message.state, after.state) == (MessageState.NEW, MessageState.UNREADABLE, MessageState.NEW)
    assert message.reason
    assert message.body


NAMELESS: list[Any] = [
    {"tag": "209", "msg_id": "m1", "data": json.dumps(content(status_deadline="soon"))},
    {"tag": "227", "data": json.dumps(content())},
    {"tag": "227", "msg_id": "x" * 201, "data": content()},
]


@pytest.mark.parametrize("broken", NAMELESS, ids=range(len(NAMELESS)))
async def test_one_that_names_its_case_is_kept_and_makes_it_look_at_the_record(broken: Any) -> None:
    kept, look = await read_push(body(broken))
    assert (kept.state, look.state, look.report) == (MessageState.UNREADABLE, MessageState.NEW, LOOK)
    assert look.case == CaseKey("douyin_reship", SHOP, "1001")
    assert kept.message_id != look.message_id
    assert [message.message_id for message in await read_push(body(broken))] == [kept.message_id, look.message_id]


async def test_a_message_says_which_application_signed_it() -> None:
    messages = await read_push(body(pushed("227", "m1", content()), pushed("900", "m2", {}), 1))
    assert [message.app_key for message in messages] == [APP] * 3


async def test_a_push_of_too_many_messages_is_kept_whole() -> None:
    sent = body(*[{}] * (MOST_MESSAGES + 1))
    (kept,) = await read_push(sent)
    assert (kept.state, kept.body) == (MessageState.UNREADABLE, sent)
    assert str(MOST_MESSAGES) in (kept.reason or "")
    assert len(await read_push(body(*[{}] * MOST_MESSAGES))) == MOST_MESSAGES


async def test_what_is_nested_too_deeply_to_be_written_again_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = marketplace._bytes

    def limited(content: Any) -> bytes:
        if "deep" in str(content):
            raise RecursionError
        return write(content)

    monkeypatch.setattr(marketplace, "_bytes", limited)
    sent = body(pushed("200", "a", content()), pushed("200", "deep", content()))
    good, deep = await read_push(sent)
    assert (good.state, deep.state, deep.body) == (MessageState.NEW, MessageState.UNREADABLE, sent)


async def test_half_a_character_breaks_nothing() -> None:
    data = json.dumps(content(reason="破损", reason_remark="\ud800"))
    pushed = [{"tag": "208", "msg_id": "m1", "data": data}, {"tag": "200", "msg_id": "\ud800", "data": "{}"}]
    modified, nameless = await read_push(json.dumps(pushed).encode())
    assert modified.report
    assert modified.report.form == {"reason": "other", "description": "?"}
    assert nameless.state is MessageState.UNREADABLE
