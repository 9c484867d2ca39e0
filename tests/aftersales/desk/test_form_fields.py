"""The forms of every process as a page shows them, and what comes back from the page."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.datastructures import FormData

from aftersales.desk.handling.form_errors import WHOLE_FORM, UnfitForm
from aftersales.desk.handling.form_fields import EMPTY_ROWS, fields_of, read_form
from aftersales.desk.rendering import ENVIRONMENT
from aftersales.platforms.marketplace import carriers_of
from cases.case import SAMPLE_INSTANT
from cases.douyin_reship import ConsentedRefusal, Reason, Refusal
from cases.douyin_shipment import NumberReuse
from cases.form_shape import FieldKind, FieldShape, shape_of
from cases.forms import Evidence, EvidenceKind, Form, Proof, Shipment
from cases.jd_presale_shortage import DeletionRequest
from cases.jd_shipment import Exemption
from cases.models import Duration, Id, Instant, Money, Name, Text
from tests.support.pages.html_forms import FormPage
from workflows.engine.decisions import StepDone
from workflows.registry import PROCESSES

TEMPLATE = ENVIRONMENT.from_string(
    '{% from "fields.html" import form_fields, error_summary %}{{ error_summary(errors) }}{{ form_fields(fields) }}'
)
PICTURE = "https://example.com/chat.png"
REST = [("amount", "1"), ("at", "2026-11-11T09:30:15"), ("reason", "other"), ("must_say", "false")]
"""The fields of ``EveryKind`` that must be filled in, but the name."""


class EveryKind(Form):
    """A form with a field of every kind."""

    name: Name
    """名称"""
    words: Text | None = None
    """说明"""
    amount: Money
    """金额"""
    share: Decimal = Field(default=Decimal(1), ge=0, le=1, decimal_places=4)
    """比例"""
    count: int | None = None
    """数量"""
    at: Instant
    """时间"""
    within: Duration | None = None
    """时长"""
    reason: Reason
    """原因"""
    must_say: bool
    """是否"""
    ticked: bool = False
    """勾选"""
    default_yes: bool = True
    """默认是"""
    orders: tuple[Id, ...] = Field(default=(), max_length=3)
    """订单"""
    reasons: tuple[Reason, ...] = ()
    """原因们"""
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=4)
    """凭证"""


def page_of(form: type[BaseModel], values: Any = None, errors: Any = None, **options: Any) -> FormPage:
    return FormPage(TEMPLATE.render(fields=fields_of(form, values, errors, **options), errors=errors or {}))


def refused(form: type[BaseModel], posted: Any) -> dict[str, str]:
    with pytest.raises(UnfitForm) as bad:
        read_form(form, posted)
    return dict(bad.value.errors)


# Every form of every process


OF_A_KIND = {
    FieldKind.YES_NO: True,
    FieldKind.MONEY: "12.50",
    FieldKind.WHOLE_NUMBER: 3,
    FieldKind.INSTANT: "2026-01-05T01:00:01Z",
}


def filled(shape: FieldShape) -> Any:
    """Something for a field, which its form takes together with the others."""
    if shape.rows:
        kinds = next((inner.choices for inner in shape.rows if inner.choices), (None,))
        return [
            {inner.name: kind.value if kind and inner.choices else filled(inner) for inner in shape.rows}
            for kind in kinds
        ]
    if shape.kind is FieldKind.ADDRESS:
        return PICTURE
    usual = "<b>甲\n乙</b>" if shape.kind is FieldKind.LONG_TEXT else "YT&2"
    return shape.choices[-1].value if shape.choices else OF_A_KIND.get(shape.kind, usual)


def forms() -> Iterator[Any]:
    """Every form of every process: its samples, and one with all fields filled in."""
    for process in PROCESSES.values():
        samples = [form for forms in process.case.form_samples().values() for form in forms]
        samples += [case.facts for case in process.case.samples()]
        for name, form in process.case.forms.items():
            full = {shape.name: filled(shape) for shape in shape_of(form)}
            yield pytest.param(form, full, id=f"{process.name}-{name}-full")
        for number, sample in enumerate(samples):
            values = sample.model_dump(mode="json")
            yield pytest.param(type(sample), values, id=f"{process.name}-{type(sample).__name__}-{number}")


@pytest.mark.parametrize(("form", "values"), list(forms()))
def test_a_form_that_is_shown_posted_and_read_says_what_it_said_before(form: type[BaseModel], values: Any) -> None:
    form.model_validate_json(as_json(values))

    read = read_form(form, page_of(form, values).posted)

    assert read == without_defaults(form, values)
    assert form.model_validate_json(as_json(read)) == form.model_validate_json(as_json(values))


@pytest.mark.parametrize(
    "form", list(dict.fromkeys(form for process in PROCESSES.values() for form in process.case.forms.values()))
)
def test_every_field_has_a_label_and_every_id_stands_once(form: type[Form]) -> None:
    page = page_of(form)

    assert page.unlabelled == []
    assert len(set(page.ids)) == len(page.ids)
    assert {control.name.partition(".")[0] for control in page.controls} == set(form.model_fields)


def as_json(values: Any) -> str:
    return json.dumps(values)


def without_defaults(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """Values without what need not be said: a page leaves that out."""
    kept = {}
    for shape in shape_of(model):
        value = values.get(shape.name)
        if shape.rows and isinstance(value, list):
            inner = next(part for part in _models(model.model_fields[shape.name].annotation))
            value = [without_defaults(inner, row) for row in value]
        unsaid = value in (None, "", []) or (value is False and shape.unset is False)
        if not unsaid or (value == [] and shape.required):
            kept[shape.name] = value
    return kept


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for part in annotation.__args__:
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part


# What people write

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)


ADDRESSES = st.from_regex(r"https://[a-z]{1,9}(/[a-z&\"<']{1,9})?", fullmatch=True)


@given(
    st.builds(
        EveryKind,
        name=TEXTS,
        words=st.none() | TEXTS,
        amount=st.decimals(0, 10**6, places=2),
        share=st.decimals(0, 1, places=4),
        count=st.none() | st.integers(0, 10**6),
        at=st.integers(0, 10**9).map(lambda seconds: SAMPLE_INSTANT + timedelta(seconds=seconds)),
        within=st.none() | st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds)),
        reason=st.sampled_from(Reason),
        must_say=st.booleans(),
        ticked=st.booleans(),
        default_yes=st.booleans(),
        orders=st.lists(st.from_regex(r"[0-9]{1,19}", fullmatch=True), max_size=3).map(tuple),
        reasons=st.lists(st.sampled_from(Reason), unique=True).map(
            lambda some: tuple(sorted(some, key=list(Reason).index))
        ),
        evidence=st.lists(
            st.builds(Evidence, kind=st.sampled_from(EvidenceKind), url=ADDRESSES, note=st.none() | TEXTS), max_size=4
        ).map(tuple),
    )
)
@settings(max_examples=30, deadline=None)
def test_whatever_stands_in_a_form_comes_back_from_its_page(form: EveryKind) -> None:
    posted = page_of(EveryKind, form.model_dump(mode="json")).posted

    assert EveryKind.model_validate_json(as_json(read_form(EveryKind, posted))) == form


def test_a_local_time_is_shanghais_and_whole_seconds_need_not_be_said() -> None:
    read = read_form(StepDone, {"occurred_at": "2026-11-11T09:30"})

    assert read == {"occurred_at": "2026-11-11T01:30:00Z"}
    assert page_of(StepDone, read).posted["occurred_at"] == "2026-11-11T09:30:00"


@pytest.mark.parametrize(
    ("written", "amount"), [("¥1,299.00", "1299.00"), (" 12.5 元", "12.5"), ("\uff11\uff12.5", "12.5"), ("12", "12")]
)
def test_an_amount_is_read_as_people_write_it(written: str, amount: str) -> None:
    posted = {"name": "x", "amount": written, "at": "2026-11-11T09:30", "reason": "other", "must_say": "true"}

    assert read_form(EveryKind, posted)["amount"] == amount


def test_a_pasted_number_loses_its_invisible_marks_and_a_text_keeps_its_lines() -> None:
    pasted = read_form(Shipment, {"carrier": "SF", "tracking_no": "\u200bSF123 "})

    assert pasted["tracking_no"] == "SF123"
    assert read_form(Refusal, {"reason": "甲\r\n乙"})["reason"] == "甲\n乙"


def test_what_is_left_empty_is_left_out() -> None:
    assert read_form(StepDone, {"serial": "", "note": "  ", "occurred_at": ""}) == {}
    assert read_form(Refusal, {"reason": "x", "evidence.0.kind": "", "evidence.0.url": " "}) == {"reason": "x"}


def test_rows_that_are_left_empty_are_no_evidence_and_there_is_always_room_for_another() -> None:
    one = {"kind": "sms", "url": PICTURE}
    page = page_of(Proof, {"evidence": [one, one, one]})

    assert [name for name in page.posted if name.endswith("url")] == [f"evidence.{row}.url" for row in range(4)]
    assert read_form(Proof, page.posted) == {"evidence": [one, one, one]}
    assert len(fields_of(Proof)[0].rows) == EMPTY_ROWS


def test_a_row_keeps_its_number_so_that_an_error_finds_it() -> None:
    posted = {"evidence.0.url": "", "evidence.4.url": PICTURE}
    errors = refused(Proof, posted)
    rows = fields_of(Proof, posted, errors)[0].rows

    assert errors == {"evidence.4.kind": "凭证 5:种类:必填"}
    assert [row[0].error for row in rows] == [None] * 4 + ["凭证 5:种类:必填", None]


def test_nothing_in_a_row_is_required_or_chosen_for_good_by_a_page_as_a_row_may_stay_empty() -> None:
    page = page_of(NumberReuse)
    of_rows = [control for control in page.controls if "." in control.name]

    assert of_rows
    assert [one.name for one in of_rows if "required" in one.attributes or one.attributes.get("type") == "radio"] == []
    assert read_form(NumberReuse, {**page.posted, "tracking_no": "YT1"}) == {"tracking_no": "YT1", "uses": []}


def test_a_list_has_no_more_rows_than_its_form_takes() -> None:
    row = {"kind": "sms", "url": PICTURE}
    (evidence,) = (one for one in fields_of(EveryKind, {"evidence": [row] * 4}) if one.name == "evidence")

    assert len(evidence.rows) == 4


def test_what_a_browser_posts_is_read_whatever_else_is_posted_with_it() -> None:
    posted = FormData([("reasons", "other"), ("reasons", "short_shipped"), ("csrf", "x"), ("name", " 甲 "), *REST])

    read = read_form(EveryKind, posted)

    assert read["reasons"] == ["other", "short_shipped"]
    assert read["name"] == "甲"
    assert "csrf" not in read


# Errors and doubts


def test_a_missing_number_is_named_in_chinese() -> None:
    assert refused(Shipment, {"carrier": "SF"}) == {"tracking_no": "快递单号:必填"}


@pytest.mark.parametrize(
    ("changed", "field", "error"),
    [
        ({"name": "字" * 201}, "name", "名称:最多 200 字"),
        ({"amount": "十元"}, "amount", "金额:须为数字,如 12.50"),
        ({"amount": "-1"}, "amount", "金额:不能小于 0"),
        ({"amount": "1.234"}, "amount", "金额:最多 2 位小数"),
        ({"share": "1.5"}, "share", "比例:不能大于 1"),
        ({"count": "many"}, "count", "数量:须为整数"),
        ({"at": "明天"}, "at", "时间:须为日期和时间,如 2026-11-11 09:30"),
        ({"at": "1999-01-01T00:00"}, "at", "时间:须在 2000 年到 2099 年之间"),
        ({"at": "0001-01-01T00:00"}, "at", "时间:须为日期和时间,如 2026-11-11 09:30"),
        ({"at": "9999-12-31T23:59:59Z"}, "at", "时间:须在 2000 年到 2099 年之间"),
        ({"within": "long"}, "within", "时长:'long' 不是时长"),
        ({"reason": "whim"}, "reason", "原因:请选一项"),
        ({"must_say": ""}, "must_say", "是否:必填"),
        ({"must_say": "maybe"}, "must_say", "是否:请选是或否"),
        ({"orders": "1\n2\n3\n4"}, "orders", "订单:最多 3 项"),
        ({"orders": "1 2"}, "orders", "订单:不能含空格或斜线"),
        ({"evidence.0.kind": "sms", "evidence.0.url": "D:\\x.png"}, "evidence.0.url", "凭证 1:地址:须为 http(s) 网址"),
        ({"evidence.7.url": PICTURE}, "evidence.7.kind", "凭证 8:种类:必填"),
        ({"evidence.0.kind": "sms", "evidence.0.url": ""}, "evidence.0.url", "凭证 1:地址:必填"),
    ],
)
def test_an_error_names_the_field_and_says_what_is_wrong(changed: dict[str, str], field: str, error: str) -> None:
    posted = {"name": "x", **dict(REST), **changed}

    errors = refused(EveryKind, posted)

    assert errors == {field: error}
    page = TEMPLATE.render(fields=fields_of(EveryKind, posted, errors), errors=errors)
    assert f'href="#field-{field.replace(".", "-")}"' in page
    assert page.count('aria-invalid="true"') == 1
    assert FormPage(page).posted.get(field, "") in {posted.get(field, ""), ""}


def test_what_was_written_stands_in_the_page_after_an_error() -> None:
    posted = {"carrier": '"><script>', "tracking_no": ""}

    page = page_of(Shipment, posted, refused(Shipment, posted))

    assert page.posted == posted


@pytest.mark.parametrize(
    ("form", "posted", "error"),
    [
        (Refusal, {"reason": "x", "after_consent": "true"}, "协商一致后拒绝须有 买家同意 凭证"),
        (ConsentedRefusal, {"reason": "x"}, "已同意后只能协商一致后拒绝"),
        (
            DeletionRequest,
            {"evidence.0.kind": "sms", "evidence.0.url": PICTURE},
            "删单须有买家明确同意的凭证 买家同意",
        ),
        (Exemption, {"by": "card", "begins_at": "2026-11-11T09:30"}, "免责时段开始, 免责时段结束: 须同时填写"),
    ],
)
def test_an_error_of_the_whole_form_is_in_chinese_without_the_names_of_fields(
    form: type[Form], posted: dict[str, str], error: str
) -> None:
    assert refused(form, posted) == {WHOLE_FORM: error}


def test_a_number_that_no_carrier_issues_is_doubted_but_can_be_sent() -> None:
    posted = {"carrier": "SF", "tracking_no": "1111111"}
    _, number = fields_of(Shipment, posted)

    assert number.doubt is not None
    assert "请核对" in TEMPLATE.render(fields=[number], errors={})
    assert read_form(Shipment, posted) == posted
    assert [field.doubt for field in fields_of(Shipment, {"carrier": "SF", "tracking_no": "SF1234567"})] == [None, None]


def test_the_carriers_that_a_marketplace_knows_and_usual_reasons_are_offered() -> None:
    carrier, number = fields_of(Shipment, carriers=carriers_of("jd_shipment"))
    reason = fields_of(Refusal)[0]

    assert "顺丰速运" in carrier.suggestions
    assert number.suggestions == ()
    assert "已与买家协商一致" in reason.suggestions


def test_a_hint_says_what_the_model_says() -> None:
    hints = {field.name: field.hint for form in (DeletionRequest, StepDone) for field in fields_of(form)}

    assert hints["evidence"] == "其中须有买家明确同意的凭证;空着的不算;至少 1 项;最多 20 项"
    assert hints["occurred_at"] == "不填即为现在;上海时间"


def test_a_rule_without_a_form_has_no_fields() -> None:
    assert fields_of(PROCESSES["douyin_reship"].case.form_type(None)) == []
