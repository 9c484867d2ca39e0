"""Facts and forms as ``aftersales show`` prints them."""

from datetime import UTC, datetime

import pytest

from aftersales.cli.cases.fact_lines import fact_lines, field_lines
from tests.support.processes.claims import claim_facts
from tests.support.rules.playing import reship
from workflows.registry import PROCESSES


def test_facts_have_titles_labels_amounts_and_the_time_of_shanghai() -> None:
    lines = fact_lines("douyin_reship", reship(own_id="A1", reason="never_received", applied_at="2026-01-05T01:00:00Z"))
    assert {"售后单号: A1", "申请原因: 一直未收到货", "申请时间: 2026-01-05 09:00", "订单金额: 100.00 元"} <= {*lines}
    assert [line for line in lines if "未知" in line] == []


def test_every_item_of_a_list_has_a_line_without_the_syntax_of_a_language() -> None:
    facts = claim_facts("C1", datetime(2026, 1, 5, 1, tzinfo=UTC))
    lines = [line for line in fact_lines("claim_1688", facts) if "200.00 元" in line]
    assert len(lines) == 1
    assert " · " in lines[0]
    assert not {*"{}'["} & {*lines[0]}


def test_facts_that_only_a_newer_worker_knows_are_shown_as_they_are() -> None:
    newer = {"new": "x", "other": {"a": True}, "none": None}
    assert fact_lines("douyin_reship", newer) == fact_lines("nobody", newer) == ["new: x", 'other: {"a": true}']


def test_choices_formats_and_limits_of_every_field_are_said() -> None:
    said = "\n".join(field_lines("douyin_reship", "refuse"))
    assert "reason 拒绝理由:文字,最多 2000 字" in said
    assert "evidence[].kind 种类:chat_screenshot(聊天截图)|" in said
    assert "after_consent? 已与买家协商一致:true(是)|false(否)" in said
    assert field_lines("douyin_reship", "agree") == field_lines("douyin_reship", "new") == field_lines("new", "x") == []


@pytest.mark.parametrize("process", PROCESSES)
def test_every_field_of_every_form_is_named(process: str) -> None:
    for rule, declared in PROCESSES[process].rules.items():
        named = [line.split()[0].rstrip("?") for line in field_lines(process, rule)]
        fields = PROCESSES[process].case.form_type(declared.form).model_fields
        assert [name for name in named if "[" not in name] == list(fields)
