"""The fields of a form as ``aftersales show`` explains them."""

import pytest

from aftersales.cli.form_lines import form_lines
from workflows.registry import PROCESSES


def lines(process: str, rule: str) -> list[str]:
    chosen = PROCESSES[process]
    return form_lines(chosen.case.form_type(chosen.rules[rule].form).model_json_schema())


def test_choices_formats_and_limits_of_every_field_are_said() -> None:
    said = "\n".join(lines("douyin_reship", "refuse"))
    assert "reason: 文字 / text, 最多 2000 字\n" in said
    assert "evidence: 列表,JSON / list, as JSON, 最多 20 项 (可不填 / optional)\n" in said
    assert "evidence[].kind: chat_screenshot | sms | " in said
    assert "after_consent: true | false (可不填 / optional)" in said


def test_instants_and_choices_of_literals() -> None:
    assert lines("douyin_reship", "ask_evidence") == ["until: 时间 / instant: 2026-11-11T09:30+08:00, -1h"]
    assert lines("anxinjian_split", "authenticate") == ["verdict: pass | fail"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}, "x: 数 / number: 12.50"),
        ({"type": "string", "format": "date"}, "x: 日期 / day: 2026-11-11"),
        ({"type": "string", "format": "duration"}, "x: 时长 / length: 48h, 3d"),
        ({"type": "integer", "title": "步骤序号"}, "x 步骤序号: 整数 / whole number"),
        ({"type": "array", "items": {"type": "string"}}, "x: 列表,JSON / list, as JSON: 文字 / text"),
        ({"const": "a"}, "x: a"),
        ({}, "x: JSON"),
    ],
)
def test_every_kind_of_field_has_words(field: dict[str, object], words: str) -> None:
    assert form_lines({"properties": {"x": field}, "required": ["x"]}) == [words]


@pytest.mark.parametrize("process", PROCESSES)
def test_every_field_of_every_form_is_named_once(process: str) -> None:
    for rule in PROCESSES[process].rules.values():
        model = PROCESSES[process].case.form_type(rule.form)
        names = [line.partition(":")[0].split()[0] for line in form_lines(model.model_json_schema())]
        assert [name for name in names if "[" not in name and "." not in name] == list(model.model_fields)


def test_a_case_that_says_nothing_of_its_form_has_no_lines() -> None:
    assert form_lines({}) == []
