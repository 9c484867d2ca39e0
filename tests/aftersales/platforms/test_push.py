"""Messages of a marketplace are offered to every process there that takes messages."""

from dataclasses import replace
from typing import Any

import pytest

from aftersales.platforms.adapter import MessageAdapter
from aftersales.platforms.inbound import LOOK, CaseKey, MessageState
from aftersales.platforms.push import PushedMessage, PushEndpoint
from cases.errors import BadForm
from cases.messages import Report
from tests.support.platforms.pushing import endpoints

PUSHED = PushedMessage("m1", "T", {"id": "7"}, b"{}", about="kind=7")


class Takes(MessageAdapter):
    """Takes every message of a tag."""

    def __init__(self, process: str, tag: str, *, readable: bool = True) -> None:
        self.process, self.tag, self.readable = process, tag, readable

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        return CaseKey(self.process, "S1", data["id"]) if tag == self.tag else None

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        del tag, data
        if not self.readable:
            raise BadForm("id: 不对 / wrong")
        return Report(message_id=message_id, rule=self.process)


def endpoint(*adapters: Takes) -> PushEndpoint:
    (douyin,) = (endpoint for endpoint in endpoints() if endpoint.platform == "douyin")
    return PushEndpoint("douyin", douyin.access, douyin.format, {adapter.process: adapter for adapter in adapters})


def test_the_process_that_takes_a_message_gets_it() -> None:
    (message,) = endpoint(Takes("one", "X"), Takes("two", "T")).offer(PUSHED)
    assert (message.message_id, message.case) == ("m1", CaseKey("two", "S1", "7"))
    assert message.report == Report(message_id="m1", rule="two")


def test_two_processes_that_take_a_message_both_get_it_and_the_inbox_can_tell_them_apart() -> None:
    first, second = endpoint(Takes("one", "T"), Takes("two", "T")).offer(PUSHED)
    assert [message.case and message.case.process for message in (first, second)] == ["one", "two"]
    assert [message.message_id for message in (first, second)] == ["m1", "m1/two"]
    assert [message.report and message.report.message_id for message in (first, second)] == ["m1", "m1"]


def test_what_one_process_cannot_read_another_gets_all_the_same() -> None:
    first, look, second = endpoint(Takes("one", "T", readable=False), Takes("two", "T")).offer(PUSHED)
    assert (first.state, first.reason, second.state) == (MessageState.UNREADABLE, "id: 不对 / wrong", MessageState.NEW)
    assert (second.report, look.report) == (Report(message_id="m1", rule="two"), LOOK)


def test_what_cannot_be_read_but_names_its_case_is_kept_and_makes_the_case_look_at_the_record() -> None:
    kept, look = endpoint(Takes("one", "T", readable=False)).offer(PUSHED)
    assert (kept.state, kept.message_id, kept.case) == (MessageState.UNREADABLE, "m1", None)
    assert (look.state, look.message_id) == (MessageState.NEW, "m1/look")
    assert (look.case, look.report) == (CaseKey("one", "S1", "7"), LOOK)


class Garbles(Takes):
    """Makes reports that no case takes."""

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        del tag, message_id
        return Report(message_id=data["words"] * 201)


def test_a_report_that_no_case_takes_holds_up_no_other_message_and_its_words_are_not_quoted() -> None:
    pushed = replace(PUSHED, data={"id": "7", "words": "买"})
    kept, look, second = endpoint(Garbles("one", "T"), Takes("two", "T")).offer(pushed)
    assert (kept.state, look.report, second.state) == (MessageState.UNREADABLE, LOOK, MessageState.NEW)
    assert kept.reason
    assert kept.reason.startswith("message_id: ")
    assert "买" not in kept.reason


def test_so_does_one_that_is_incomplete_as_it_came() -> None:
    kept, look = endpoint(Takes("one", "T")).offer(replace(PUSHED, fault="msg_id is missing"))
    assert (kept.state, kept.reason) == (MessageState.UNREADABLE, "msg_id is missing")
    assert (look.case, look.report) == (CaseKey("one", "S1", "7"), LOOK)


def test_what_is_incomplete_and_names_no_case_is_only_kept() -> None:
    (kept,) = endpoint(Takes("one", "X")).offer(replace(PUSHED, fault="msg_id is missing"))
    assert (kept.state, kept.reason, kept.case) == (MessageState.UNREADABLE, "msg_id is missing", None)


@pytest.mark.parametrize("adapters", [(), (Takes("one", "X"),)])
def test_what_nobody_takes_is_unknown_and_says_what_it_is_about(adapters: tuple[Takes, ...]) -> None:
    (message,) = endpoint(*adapters).offer(PUSHED)
    assert (message.state, message.reason, message.message_id) == (MessageState.UNKNOWN, "kind=7", "m1")
