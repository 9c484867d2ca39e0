"""The strict base models of facts, forms and figures."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from cases.errors import BadForm
from cases.messages import EffectOutcome, Report
from cases.models import (
    DEEPEST_INPUT,
    LARGEST_INPUT,
    LONGEST_TEXT,
    Duration,
    Id,
    Instant,
    Money,
    Strict,
    Text,
    cents,
    expected,
    read,
    whole_seconds,
)


class Thing(Strict):
    at: Instant | None = None
    length: Duration | None = None
    money: Money | None = None
    own_id: Id | None = None
    text: Text | None = None
    number: int | None = None


class Needy(Strict):
    must: Text
    may: Text = "x"


def thing(**raw: Any) -> Thing:
    return read(Thing, raw, "thing")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("at", "2026-01-05T09:00:00", "须带时区"),
        ("at", "2026-01-05", "at"),
        ("at", 1767574800, "at"),
        ("at", "0001-01-01T00:00:00+08:00", "at"),
        ("at", "9999-12-31T23:59:59Z", "at"),
        ("length", 48, "length"),
        ("length", "48", "47h59m"),
        ("length", "PT48H", "47h59m"),
        ("money", "1.005", "2 decimal places"),
        ("money", "-0.01", "greater than or equal to 0"),
        ("money", "NaN", "finite"),
        ("money", True, "money"),
        ("own_id", 1, "valid string"),
        ("own_id", 1.0, "valid string"),
        ("own_id", "", "不能为空"),
        ("own_id", "a b", "own_id"),
        ("own_id", "a/b", "own_id"),
        ("own_id", "a" * 65, "own_id"),
        ("text", " \t ", "不能为空"),
        ("number", 1.0, "number"),
        ("number", "1", "number"),
        ("stranger", 1, "没有这个字段"),
    ],
)
def test_what_is_wrong_is_refused_and_the_field_named(field: str, value: Any, said: str) -> None:
    with pytest.raises(BadForm) as refused:
        thing(**{field: value})

    assert f"thing: {field}: " in str(refused.value)
    assert said in str(refused.value)


def test_a_refusal_says_which_fields_there_are() -> None:
    with pytest.raises(BadForm, match=r"fields: must, may\?"):
        read(Needy, {}, "needy")


def test_a_refusal_names_every_wrong_field() -> None:
    with pytest.raises(BadForm, match=r"own_id: .*number: "):
        thing(own_id=1, number="1")


@pytest.mark.parametrize("raw", [None, [], "text", 1])
def test_only_an_object_is_read(raw: Any) -> None:
    with pytest.raises(BadForm, match="须为 JSON 对象"):
        read(Thing, raw, "thing")


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(BadForm, match="is not JSON"):
        thing(text=object())


def test_an_instant_is_kept_in_utc_and_whole_seconds() -> None:
    assert thing(at="2026-01-05T09:00:00.999+08:00").at == datetime(2026, 1, 5, 1, tzinfo=UTC)
    assert whole_seconds(datetime(2026, 1, 5, 1, 0, 0, 999999, tzinfo=UTC)) == datetime(2026, 1, 5, 1, tzinfo=UTC)


def test_a_naive_instant_is_refused_from_python_as_well() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Thing(at=datetime(2026, 1, 5, 1))  # noqa: DTZ001


@pytest.mark.parametrize(("amount", "kept"), [("3", "3.00"), (3, "3.00"), ("3.1", "3.10"), ("1e3", "1000.00")])
def test_money_is_kept_with_two_decimals(amount: Any, kept: str) -> None:
    assert str(thing(money=amount).money) == kept


@pytest.mark.parametrize(
    ("amount", "rounded"), [("0.005", "0.01"), ("0.004999", "0.00"), ("2.675", "2.68"), ("1", "1.00")]
)
def test_cents_round_half_up(amount: str, rounded: str) -> None:
    assert str(cents(Decimal(amount))) == rounded


def test_text_is_stripped() -> None:
    assert thing(text=" 缺货 ").text == "缺货"


def test_a_length_of_time_goes_out_as_it_came_in() -> None:
    assert thing(length="47h59m").model_dump(mode="json")["length"] == "47h59m"
    assert thing(length="-3d").length == timedelta(days=-3)


def test_a_model_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        thing(text="a").text = "b"  # type: ignore[misc]


def test_expected_marks_what_may_be_left_out() -> None:
    assert expected(Needy) == "字段 / fields: must, may?"


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels - 1):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize(
    "form",
    [
        {"number": float("nan")},
        {"number": float("-inf")},
        {"half": "\ud800"},
        {"number": 10**5000},
        nested(DEEPEST_INPUT + 1),
        nested(190),
        nested(5000),
        {"text": "x" * LARGEST_INPUT},
        {"text": "字" * (LARGEST_INPUT // 3)},
        dict.fromkeys(map(str, range(LARGEST_INPUT // 4))),
    ],
    ids=["NaN", "infinity", "half a character", "digits", "deep", "deeper", "endless", "long", "bytes", "wide"],
)
def test_a_form_that_is_no_json_or_too_deep_or_too_large_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(BadForm, match="report: "):
        read(Report, {"rule": "ship", "form": form}, "report")


def test_a_form_of_ordinary_depth_and_size_is_taken() -> None:
    form = nested(DEEPEST_INPUT) | {"text": "x" * (LARGEST_INPUT // 2)}
    assert read(Report, {"rule": "ship", "form": form}, "report").form == form


@pytest.mark.parametrize(
    "raw",
    [
        {f"field{number}" * 10: 1 for number in range(5000)},
        {"x" * 50_000: 1},
        {"rule": [{"x": 1}] * 5000},
        {"otherwise": [1] * 5000},
    ],
    ids=["many fields", "a long field", "a long list", "many wrong entries"],
)
def test_a_refusal_is_short_however_much_is_wrong(raw: dict[str, Any]) -> None:
    with pytest.raises(BadForm) as refused:
        read(Report, raw, "report")
    assert len(str(refused.value)) < 5000


def test_of_a_text_of_others_the_beginning_is_kept() -> None:
    outcome = EffectOutcome(said="字" * (LONGEST_TEXT + 1))
    assert outcome.said is not None
    assert (len(outcome.said), outcome.said[-2:]) == (LONGEST_TEXT, "字…")
