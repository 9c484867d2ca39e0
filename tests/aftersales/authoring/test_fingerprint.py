"""A change that open cases would notice is found before a release, and one that they would not is none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aftersales.authoring.code_fingerprint import code_of_module
from aftersales.authoring.fingerprint import (
    CHANGED,
    NEW,
    additions,
    changes,
    fingerprints,
    main,
    read_fingerprint,
    text_of_fingerprint,
)
from aftersales.authoring.model_fingerprint import types_of_module
from cases.editions import EDITIONS
from cases.policy import Policy
from statecharts.douyin_reship import DouyinReship
from statecharts.rules import Rule
from tests.support.places import ROOT
from workflows.engine import activity_options

FOLDER = ROOT / "tests" / "fingerprints"
PROCESS = "douyin_reship"
RECORDED = fingerprints()
"""What the code is before a test changes it."""
CODE = '''
"""A module."""
from enum import StrEnum
from typing import Annotated, Literal
from pydantic import BaseModel, Field
LIMIT = 3
TABLE = {"a": 1}
Name = Annotated[str, Field(max_length=9)]
class Way(StrEnum):
    AIR = "air"
    SEA = "sea"
class Part(BaseModel):
    weight: int
class Facts(BaseModel):
    """Facts."""
    amount: int = Field(description="金额")
    note: Name = Field("", description="备注")
    way: Way = Way.AIR
    parts: tuple[Part, ...] = ()
    @property
    def late(self) -> bool:
        """迟到"""
        return self.amount > LIMIT  # too much
    def costs(self):
        return "3 元"
'''


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_nothing_has_changed_that_open_cases_depend_on(name: str) -> None:
    recorded = read_fingerprint(FOLDER / f"{name}.json")

    different = changes(recorded, RECORDED[name])
    assert not different, f"{name}: {different}\n{CHANGED}"
    new = additions(recorded, RECORDED[name])
    assert not new, f"{name}: {new} {NEW}"


def test_nothing_is_recorded_that_there_is_not() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(RECORDED)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_what_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(text_of_fingerprint(RECORDED[name]), encoding="utf-8")

    assert read_fingerprint(file) == RECORDED[name]


def found(name: str = PROCESS) -> tuple[list[str], list[str]]:
    """Return what has changed and what was added since the module was imported."""
    now = fingerprints()[name]
    return changes(RECORDED[name], now), additions(RECORDED[name], now)


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def change(name: str, **to: Any) -> None:
        for attribute, value in to.items():
            monkeypatch.setattr(DouyinReship.rules[name], attribute, value)

    return change


def lines(name: str) -> list[Any]:
    return list(DouyinReship.rules[name].lines)


CHANGES: dict[str, Callable[[Rule], dict[str, Any]]] = {
    "another clause": lambda rule: {"lines": (replace(rule.lines[0], clause="DR-99"), *rule.lines[1:])},
    "another form": lambda _: {"form": "shipment"},
    "a line that is gone": lambda rule: {"lines": rule.lines[1:]},
    "another order of lines": lambda rule: {"lines": rule.lines[::-1]},
    "a line for old cases too": lambda rule: {"lines": tuple(replace(line, new_in=None) for line in rule.lines)},
    "a line that ends with a released edition": lambda rule: {
        "lines": (replace(rule.lines[0], gone_in="2026-11-27"), *rule.lines[1:])
    },
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_line_of_a_released_edition_that_changes_is_found(
    rule: Callable[..., None], change: Callable[[Rule], dict[str, Any]]
) -> None:
    rule("agree", **change(DouyinReship.rules["agree"]))

    different, _ = found()
    assert different
    assert all(line.startswith(tuple(f"DouyinReship.agree @ {name}" for name in EDITIONS)) for line in different)


def test_a_clock_that_runs_for_another_party_or_by_another_figure_is_found(rule: Callable[..., None]) -> None:
    clock = DouyinReship.rules["auto_agree"].clock
    assert clock is not None
    rule("auto_agree", clock=replace(clock, figure="shipping"))

    assert len(found()[0]) == len(EDITIONS), "in every edition"


def test_a_guard_that_is_dropped_and_an_effect_that_is_added_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse, agree = lines("refuse")[0].transitions[0], lines("agree")[0].transitions[0]
    monkeypatch.setattr(refuse, "cond", [])
    monkeypatch.setattr(agree, "on", [*agree.on, *agree.on])

    assert {line.partition(" @")[0] for line in found()[0]} == {"DouyinReship.refuse", "DouyinReship.agree"}


def test_a_rule_that_no_longer_moves_the_case_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    (transition,) = lines("mark_out_of_stock")[0].transitions[:1]
    assert not transition.targets
    monkeypatch.setattr(transition, "_targets", [transition.source])

    assert any("mark_out_of_stock" in line for line in found()[0])


def test_a_line_for_later_cases_changes_nothing_and_need_not_be_recorded(rule: Callable[..., None]) -> None:
    (first, *_) = lines("agree")
    later = replace(first, clause="DR-99", new_in="2999-01-01")
    rule("agree", lines=(*lines("agree"), later))

    assert found() == ([], [])


def test_words_change_nothing(rule: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = DouyinReship.rules["auto_agree"].clock
    assert clock is not None
    assert clock.length is not None
    rule("auto_agree", clock=replace(clock, length=replace(clock.length, label="别的", text="1h")))
    monkeypatch.setattr(DouyinReship.states_map["refused"], "name", "不同意")
    monkeypatch.setattr(DouyinReship, "advice", {"refused": ["慢慢来"]})

    assert found() == ([], []), "the length itself is a figure of the edition"


def test_other_options_of_an_activity_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(activity_options.EFFECT, "start_to_close_timeout", "60s")

    (line,) = found("engine")[0]
    assert line.startswith("activities EFFECT: ")


def parts(folder: Path, text: str) -> dict[str, str]:
    """Return the parts of a module of its own."""
    path = folder / "module.py"
    path.write_text(text, encoding="utf-8")
    module = ModuleType("own.module")
    exec(compile(text, path, "exec"), vars(module))  # noqa: S102 - the text is this file's
    return {**dict(code_of_module(path, without=("costs",))), **dict(types_of_module(module, but=Policy))}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""Facts."""', '"""Other facts."""'),
        ('"""迟到"""', '"""很迟"""'),
        ("  # too much", ""),
        ('description="金额"', 'description="amount", examples=[1], title="金额"'),
        ('return "3 元"', "return 4"),
        ("way: Way = Way.AIR", 'way: Literal["air", "sea"] = "air"'),
        ("note: Name", "note: Annotated[str, Field(max_length=9)]"),
        ('Field("",', 'Field(default_factory=lambda: "",'),
        ("class Facts(BaseModel)", "class Base(BaseModel): pass\nclass Facts(Base)"),
    ],
)
def test_documentation_labels_and_what_is_only_shown_change_nothing(tmp_path: Path, before: str, after: str) -> None:
    assert before in CODE
    assert parts(tmp_path, CODE.replace(before, after)) == parts(tmp_path, CODE)


@pytest.mark.parametrize(
    ("before", "after", "part"),
    [
        ("amount > LIMIT", "amount >= LIMIT", "module.Facts.late"),
        ("    @property\n", "", "module.Facts.late"),
        ("LIMIT = 3", "LIMIT = 4", "module.LIMIT"),
        ('"a": 1', '"a": 2', "module.TABLE['a']"),
        ("amount: int", "amount: str", "module.Facts.amount"),
        ("max_length=9", "max_length=8", "module.Facts.note"),
        ('note: Name = Field("",', "note: Name = Field(", "module.Facts.note"),
        ('Field("", ', 'Field("", exclude_if=bool, ', "module.Facts.note"),
        ('Field("",', 'Field(default_factory=lambda: "x",', "module.Facts.note"),
        ("weight: int", "weight: str", "module.Part.weight"),
        ("tuple[Part, ...]", "tuple[int, ...]", "module.Facts.parts"),
        ("    @property", "    more: str\n    @property", "module.Facts.more"),
    ],
)
def test_what_changes_for_open_cases_is_named(tmp_path: Path, before: str, after: str, part: str) -> None:
    assert before in CODE
    (line,) = changes(parts(tmp_path, CODE), parts(tmp_path, CODE.replace(before, after)))

    assert line.startswith(f"{part}: ")


def test_a_choice_that_is_gone_is_found(tmp_path: Path) -> None:
    lines = changes(parts(tmp_path, CODE), parts(tmp_path, CODE.replace('AIR = "air"', 'AIR = "flown"')))

    assert {line.partition(":")[0] for line in lines} == {"module.Way.AIR", "module.Facts.way"}


def test_a_new_field_with_a_default_is_no_change_but_is_recorded(tmp_path: Path) -> None:
    now = parts(tmp_path, CODE.replace("    @property", '    more: str = ""\n    @property'))

    assert changes(parts(tmp_path, CODE), now) == []
    assert additions(parts(tmp_path, CODE), now) == ["module.Facts.more"]


def test_what_is_recorded_is_written_over_only_when_that_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path, accept=False) == 0
    file = tmp_path / "engine.json"
    before = file.read_text(encoding="utf-8")
    monkeypatch.setitem(activity_options.EFFECT, "start_to_close_timeout", "60s")

    assert main(tmp_path, accept=False) == 1
    assert file.read_text(encoding="utf-8") == before
    assert "aftersales replay --from DIR" in capsys.readouterr().err
    assert main(tmp_path, accept=True) == 0
    assert "60s" in file.read_text(encoding="utf-8")
