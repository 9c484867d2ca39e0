"""What a case's page says, derived from the charts and from our own texts, whatever the process."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from aftersales.desk.chinese import chinese_of, labelled
from aftersales.desk.handling.consequences import consequence_of
from aftersales.desk.sections.case_parts import form_of
from aftersales.desk.sections.facts_shown import shown_facts
from aftersales.desk.sections.rows import own_actions
from aftersales.runtime.client.case_words import who_gave
from statecharts.rules import OPERATORS
from workflows.engine.process import Process
from workflows.engine.view import ActionView, CaseView
from workflows.registry import PROCESSES

RULES = [
    pytest.param(process, rule, id=f"{process.name}-{rule}")
    for process in PROCESSES.values()
    for rule, declared in process.rules.items()
    if declared.party in OPERATORS and not declared.forbidden
]


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        (
            "不能同意补寄 (agree) O1: 当前状态不允许 / the current state does not allow it。",
            "不能同意补寄 O1: 当前状态不允许。",
        ),
        (
            "当前状态 / state: 待发货 (awaiting); 允许的动作 / allowed: 发货 (ship: O1, O2)、撤销 (withdraw)",
            "当前状态: 待发货; 允许的动作: 发货(O1, O2)、撤销",
        ),
        ("条件未满足 / what must hold first: 鉴定通过 (passed)", "条件未满足: 鉴定通过"),
        ("PlatformRefused: 售后单已关闭 / the application is closed", "售后单已关闭"),
        ("agree: occurred_at: 不能晚于现在 / must not be later than now (2026)", "发生时间:不能晚于现在"),
        ("agree: order: 应为文字 / expected text, got 1", "应为文字"),
        ("先与买家协商再拒绝 (002)", "先与买家协商再拒绝"),
        ("平台的话,没有英文", "平台的话,没有英文"),
        ("Only English / nothing else", "Only English / nothing else"),
        ("运单 A/B 已签收", "运单 A/B 已签收"),
    ],
)
def test_our_own_texts_are_shown_in_chinese(text: str, chinese: str) -> None:
    assert chinese_of(text) == chinese


def test_the_rules_in_an_instruction_are_named_as_on_the_buttons() -> None:
    labels = {"choose": "选择处理方式", "ship": "发货"}

    assert labelled("随后用 choose 登记", labels) == "随后用「选择处理方式」登记"
    assert labelled("https://example.cn/ship?choose=1", labels) == "https://example.cn/ship?choose=1"


def case_in(process: Process, state: str, order: str | None) -> CaseView:
    named = f"{order}.{state}" if order else state
    return CaseView.model_construct(process=process.name, state=[named])


@pytest.mark.parametrize(("process", "rule"), RULES)
def test_what_the_platform_is_asked_and_what_closes_a_case_cannot_be_taken_back(process: Process, rule: str) -> None:
    order = "O1" if process.names_order(rule) else None
    for _, transition in process.rules[rule].steps():
        state = transition.source
        while not state.is_atomic:
            state = next(inner for inner in state.states if inner.initial)

        found = consequence_of(case_in(process, state.id, order), rule, order)

        own = [spec.func.effect for spec in transition.on if hasattr(spec.func, "effect")]
        if any(effect.submits or effect.calls_platform for effect in own if effect.is_performed):
            assert found.irreversible
        if any(target.final for target in transition.targets):
            assert found.irreversible
        assert {str(target.name) for target in transition.targets} <= set("、".join(found.leads_to).split("、"))


def test_only_what_is_possible_in_the_present_state_counts() -> None:
    process = PROCESSES["claim_1688"]
    (agreed,) = [step for _, step in process.rules["agree"].steps()][:1]

    found = consequence_of(case_in(process, agreed.source.id, None), "agree", None)

    assert found.closes
    assert found.does == ("在控制台同意赔付",)
    assert found.by_hand
    assert not consequence_of(case_in(PROCESSES["douyin_reship"], "awaiting_merchant", None), "agree", None).by_hand


def test_what_is_only_noted_stands_behind_what_is_done() -> None:
    actions = [
        ActionView.model_construct(rule=rule, label=rule, order=None, record=False)
        for rule in ("mark_out_of_stock", "ship")
    ]
    case = case_in(PROCESSES["douyin_reship"], "awaiting_shipment", None).model_copy(update={"actions": actions})

    assert [action.rule for action in own_actions(case)] == ["ship", "mark_out_of_stock"]


def test_facts_are_shown_with_shanghai_time_and_unknown_is_said_to_be() -> None:
    process = PROCESSES["douyin_reship"]
    facts = process.case.facts_type()(
        shop_id="S1",
        after_sale_id="A1",
        order_id="O1",
        reason=next(iter(process.case.facts_type().model_fields["reason"].annotation)),  # type: ignore[call-overload]
        order_amount=Decimal("12.5"),
        applied_at=datetime(2026, 11, 10, 20, tzinfo=UTC),
    )

    values = [fact.value for fact in shown_facts(facts)]

    assert "2026-11-11 04:00" in values
    assert "12.50 元" in values
    assert "未知" in values
    assert "是" in values


def test_who_gave_an_input_is_named_with_the_way() -> None:
    assert who_gave("merchant", "张三", "desk") == "张三(工作台)"
    assert who_gave("buyer", None, "message") == "买家(消息)"
    assert who_gave("default", None, "default") == "默认决定"
    assert who_gave("clock", None, None) == "时钟"


@pytest.mark.parametrize(("process", "rule"), RULES)
def test_the_form_that_applies_is_told_by_the_title_of_its_schema(process: Process, rule: str) -> None:
    declared = process.rules[rule]
    forms = {process.case.form_type(name) for name in (declared.form, *(line.form for line in declared.lines))}

    titles = {form.model_json_schema()["title"]: form for form in forms}

    assert len(titles) == len(forms)
    for title, form in titles.items():
        action = ActionView.model_construct(rule=rule, form={"title": title})
        assert form_of(case_in(process, "", None), action) is form
