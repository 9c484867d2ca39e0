"""What a user may do about a case: by role, by shop and by amount."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from aftersales.desk.access.users import Role, User
from aftersales.desk.handling.permission import CaseTask, amount_of, is_irreversible, refusal
from aftersales.desk.services import DeskServices
from cases.case import Cost
from cases.errors import Refused
from tests.support.temporal.life import facts
from workflows.engine.process import Process
from workflows.engine.view import ActionView, CaseView, DeadlineView
from workflows.registry import PROCESSES

UNKNOWN = "另行计算"


def an_action(rule: str = "agree", *costs: Decimal | None, record: bool = False) -> ActionView:
    return ActionView(
        rule=rule,
        order=None,
        label="同意",
        party="merchant",
        record=record,
        clause="X-1",
        fields="",
        costs=tuple(Cost(amount=amount, clause="X-1", note=UNKNOWN) for amount in costs),
        form={},
    )


def a_case(process: Process, facts: dict[str, Any], deadlines: list[DeadlineView] | None = None) -> CaseView:
    return CaseView.model_construct(
        case_id=f"{process.name}/1", process=process.name, facts=facts, deadlines=deadlines or []
    )


@pytest.fixture
def case() -> CaseView:
    return a_case(PROCESSES["douyin_reship"], facts("1", shop_id="S1", order_amount="300.00"))


def test_those_who_view_may_do_nothing_those_who_handle_all_but_assign(case: CaseView) -> None:
    decisions = [an_action(), an_action(record=True), *CaseTask]

    def refused(role: Role) -> list[Any]:
        return [choice for choice in decisions if refusal(User(name="张三", role=role), case, choice)]

    assert refused(Role.VIEW) == decisions
    assert refused(Role.HANDLE) == [CaseTask.ASSIGN]
    assert refused(Role.SUPERVISE) == []
    words = refusal(User(name="张三", role=Role.VIEW), case, an_action())
    assert words == "「同意」需要「处理」权限,您的权限是「查看」"


def test_the_case_of_another_shop_does_not_exist(case: CaseView) -> None:
    stranger = User(name="张三", role=Role.SUPERVISE, shops=("S2",))

    for choice in (an_action(), *CaseTask):
        assert (refusal(stranger, case, choice) or "").startswith("没有此案件")
    assert refusal(User(name="张三", role=Role.HANDLE, shops=("S1",)), case, an_action()) is None


@pytest.mark.parametrize(("limit", "allowed"), [("300", True), ("299.99", False), (None, True)])
@pytest.mark.parametrize("role", [Role.HANDLE, Role.SUPERVISE])
def test_a_limit_is_compared_with_what_is_at_stake(
    case: CaseView, role: Role, limit: str | None, *, allowed: bool
) -> None:
    user = User(name="张三", role=role, limit=Decimal(limit) if limit else None)

    words = refusal(user, case, an_action())

    assert (words is None) is allowed
    if words:
        assert words == "「同意」涉及 300.00 元,超出您的处理额度 299.99 元,请主管处理"
    assert refusal(user, case, an_action(record=True)) is None


def test_the_dearest_of_what_a_decision_or_waiting_costs_counts(case: CaseView) -> None:
    assert amount_of(case, an_action("agree", Decimal(5), None)) == 300
    assert amount_of(case, an_action("agree", Decimal(500), Decimal(600))) == 600
    waiting = DeadlineView.model_construct(order=None, costs=(Cost(amount=Decimal(800), clause="X-1", note=""),))
    other = DeadlineView.model_construct(order="O2", costs=(Cost(amount=Decimal(900), clause="X-1", note=""),))
    clocked = case.model_copy(update={"deadlines": [waiting, other]})
    assert amount_of(clocked, an_action()) == 800


def test_an_amount_that_is_unknown_is_above_every_limit_and_no_amount_below_each() -> None:
    nothing = a_case(PROCESSES["jd_delay_card"], _facts_of("jd_delay_card"))
    user = User(name="张三", role=Role.HANDLE, limit=Decimal(10**6))

    assert amount_of(nothing, an_action("ship")) == 0
    assert refusal(user, nothing, an_action("ship")) is None
    words = refusal(user, nothing, an_action("ship", None))
    assert words is not None
    assert "金额未知" in words


def _facts_of(process: str) -> dict[str, Any]:
    sample = PROCESSES[process].chart_samples[0].samples[0]
    return dict(sample.facts.model_dump(mode="json"))


def _irreversible() -> Iterator[str]:
    for process in PROCESSES.values():
        for rule in process.rules:
            order = "O1" if process.names_order(rule) else None
            action = an_action(rule).model_copy(update={"order": order})
            if is_irreversible(process, action):
                yield f"{process.name} {rule}"


def test_what_ends_a_case_and_costs_money_cannot_be_taken_back() -> None:
    found = set(_irreversible())

    assert "claim_1688 agree" in found
    assert not {"douyin_reship agree", "jd_delay_card ship", "claim_1688 appeal"} & found


def test_what_cannot_be_taken_back_is_for_supervisors_and_for_those_with_a_limit_that_allows_it() -> None:
    claim = a_case(PROCESSES["claim_1688"], _facts_of("claim_1688"))
    agree = an_action("agree", Decimal(100))

    words = refusal(User(name="张三", role=Role.HANDLE), claim, agree)

    assert words == "「同意」会产生费用且不能撤回,需要「主管」权限"
    assert refusal(User(name="张三", role=Role.HANDLE, limit=Decimal(100)), claim, agree) is None
    assert refusal(User(name="张三", role=Role.HANDLE, limit=Decimal(99)), claim, agree) is not None
    assert refusal(User(name="张三", role=Role.SUPERVISE), claim, agree) is None


def test_nothing_can_be_sent_to_a_case_in_the_name_of_somebody_who_only_looks(services: DeskServices) -> None:
    with pytest.raises(Refused, match="查看"):
        services.client_of(User(name="张三"))
    assert services.client_of(User(name="张三", role=Role.HANDLE)) is not None
