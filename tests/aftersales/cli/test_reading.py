"""Forms and instants as options of commands."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from aftersales.cli.reading import read_form, read_instant
from cases.errors import BadForm
from workflows.registry import process_of

NOW = datetime.fromisoformat("2026-01-05T09:00:00+08:00")
RESHIP = process_of("douyin_reship")


@pytest.mark.parametrize(
    ("rule", "fields", "form"),
    [
        ("agree", [], None),
        ("ship", ["carrier=SF", "tracking_no=0012"], {"carrier": "SF", "tracking_no": "0012"}),
        ("ship", ["carrier=a=b", "tracking_no="], {"carrier": "a=b", "tracking_no": ""}),
        ("refuse", ["reason=true", "after_consent=true"], {"reason": "true", "after_consent": True}),
        (
            "refuse",
            ['evidence=[{"kind": "sms", "url": "u"}]', "reason=缺货"],
            {"evidence": [{"kind": "sms", "url": "u"}], "reason": "缺货"},
        ),
        ("retry_effect", ["serial=3"], {"serial": 3}),
        ("done_by_hand", ["note=办妥"], {"note": "办妥"}),
    ],
)
def test_text_stays_text_and_the_rest_is_json(rule: str, fields: list[str], form: dict[str, Any] | None) -> None:
    assert read_form(RESHIP, rule, fields, NOW) == form


@pytest.mark.parametrize(
    ("rule", "fields", "words"),
    [
        ("ship", ["carrier"], "KEY=VALUE"),
        ("ship", ["carier=SF"], "--form carier: 没有这个字段 / no such field; 字段 / fields: carrier, tracking_no"),
        ("agree", ["reason=x"], "--form reason: 没有这个字段 / no such field"),
        ("refuse", ["after_consent=yes"], "after_consent: expected true or false, got 'yes'"),
        ("refuse", ["evidence=[{"], "evidence: expected JSON"),
        ("retry_effect", ["serial=first"], "serial: expected a number"),
    ],
)
def test_what_does_not_fit_the_form_is_refused(rule: str, fields: list[str], words: str) -> None:
    with pytest.raises(BadForm) as caught:
        read_form(RESHIP, rule, fields, NOW)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("-1h", NOW - timedelta(hours=1)), ("+0s", NOW), ("2026-01-05T09:00:00+08:00", NOW)],
)
def test_an_instant_or_an_offset_from_now(written: str, meant: datetime) -> None:
    assert datetime.fromisoformat(str(read_instant("--deadline", written, NOW))) == meant


def test_no_instant_is_none() -> None:
    assert read_instant("--deadline", None, NOW) is None


@pytest.mark.parametrize("written", ["soon", "2026-01-05T09:00:00", "2026-13-05T09:00:00+08:00", ""])
def test_anything_else_names_the_option(written: str) -> None:
    with pytest.raises(BadForm, match=r"^--deadline: "):
        read_instant("--deadline", written, NOW)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"a":' * 100_000], ids=["lists", "digits", "objects"])
def test_what_json_cannot_be_read_by_this_machine_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(BadForm, match="--form evidence: expected JSON") as refused:
        read_form(RESHIP, "submit_evidence", [f"evidence={text}"], NOW)
    assert len(str(refused.value)) < 1000
