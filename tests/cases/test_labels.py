"""Chinese titles and labels: of all that people fill in, choose from or read, in every process."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from cases.douyin_reship import Reason
from cases.labels import Labelled, LabelledEnum
from cases.models import Text, read
from workflows.engine.decisions import StepDone, StuckStep
from workflows.engine.process import Process
from workflows.registry import PROCESSES

CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Asked(Labelled):
    """What somebody is asked."""

    name: Text
    """名称

    写全称
    """
    reason: Reason = Reason.OTHER
    untitled: bool = False


def models_of(process: Process) -> list[type[BaseModel]]:
    """All models that people see: facts, forms, and what is nested in them."""
    models: list[type[BaseModel]] = []
    todo: list[type[BaseModel]] = [process.case.facts_type(), *process.case.forms.values()]
    while todo:
        model = todo.pop()
        if model not in models:
            models.append(model)
            parts = (part for info in model.model_fields.values() for part in parts_of(info.annotation))
            todo += [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
    return models


def parts_of(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from parts_of(part)


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
def test_every_field_of_every_form_and_every_fact_has_a_chinese_title_in_its_json_schema(process: Process) -> None:
    for model in models_of(process):
        written = model.model_json_schema().get("properties", {})
        titles = {name: field.get("title", "") for name, field in written.items()}
        assert [name for name in model.model_fields if not CHINESE.search(titles[name])] == [], model
        assert len(set(titles.values())) == len(titles), model


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
def test_every_choice_of_every_form_and_every_fact_has_a_chinese_label(process: Process) -> None:
    for model in models_of(process):
        for name, info in model.model_fields.items():
            for part in parts_of(info.annotation):
                members = list(part) if isinstance(part, type) and issubclass(part, Enum) else [part]
                unlabelled = [
                    member
                    for member in members
                    if isinstance(member, str) and not CHINESE.search(getattr(member, "label", ""))
                ]
                assert unlabelled == [], f"{model.__name__}.{name}"


@pytest.mark.parametrize("model", [StuckStep, StepDone])
def test_what_operators_say_of_a_stuck_step_has_chinese_titles(model: type[Labelled]) -> None:
    assert [name for name in model.model_fields if not CHINESE.search(model.title_of(name))] == []


def test_the_string_under_a_field_is_its_title_and_after_an_empty_line_a_hint() -> None:
    assert (Asked.title_of("name"), Asked.hint_of("name")) == ("名称", "写全称")
    assert Asked.model_json_schema()["properties"]["name"]["title"] == "名称"


def test_a_field_without_a_title_is_called_by_its_name() -> None:
    assert (Asked.title_of("untitled"), Asked.hint_of("untitled")) == ("untitled", "")
    assert Asked.model_json_schema()["properties"]["untitled"]["title"] == "untitled"


def test_a_choice_is_written_and_read_by_its_value_alone() -> None:
    asked = read(Asked, {"name": "x", "reason": "short_shipped"}, "asked")

    assert asked.reason is Reason.SHORT_SHIPPED
    assert asked.reason == "short_shipped"
    assert f"{asked.reason}" == "short_shipped"
    assert asked.model_dump(mode="json") == {"name": "x", "reason": "short_shipped", "untitled": False}
    assert Reason("short_shipped").label == "少发漏发"
    assert issubclass(Reason, LabelledEnum)
