"""A case about no order: nothing that is shown, entered or sent names one."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

import pytest
from statemachine import State

from cases.case import SAMPLE_INSTANT, Case, Facts
from cases.messages import Opening
from cases.models import Id
from cases.policy import Policy
from statecharts.chart import CaseChart
from statecharts.rules import Party, book, by, do, under
from tests.support.rules.machines import PromptMachine
from workflows.engine import notifications
from workflows.engine.activity_calls import effect_input
from workflows.engine.case_record import case_record
from workflows.engine.details import current_details, static_details, static_summary
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process
from workflows.engine.search_attributes import attributes, opening_attributes
from workflows.engine.view import view

LATER = SAMPLE_INSTANT + timedelta(hours=1)


class DepositChart(CaseChart):
    short = State("保证金不足", initial=True)
    paid = State("已补缴", final=True)

    top_up = by(
        Party.MERCHANT,
        "补缴",
        under("X-1", short.to(paid, on=[do("pay", "缴款"), book("fine", "违约金", clause="X-2")])),
    )


class DepositFacts(Facts):
    shop_id: Id

    @property
    def own_id(self) -> str:
        return self.shop_id

    @property
    def began_at(self) -> datetime | None:
        return SAMPLE_INSTANT

    @property
    def shop(self) -> str:
        return self.shop_id

    @property
    def order(self) -> None:
        return None


class DepositCase(Case):
    facts: DepositFacts
    policy: Policy = Policy()

    def amount(self, effect: str) -> Decimal | None:
        return Decimal("5.00") if effect == "fine" else None

    @classmethod
    def samples(cls) -> list[Self]:
        return []


@pytest.fixture
def paid() -> CaseMachine:
    process = Process("deposit", "保证金", DepositChart, DepositCase)
    case = PromptMachine(process, "deposit/S1", process.open_case(Opening(facts={"shop_id": "S1"})))
    case.decide("top_up", None, LATER)
    return case


def test_its_ledger_key_ends_with_its_own_id_and_names_no_order(paid: CaseMachine) -> None:
    (entry,) = paid.state.ledger
    assert (entry.key, entry.order, entry.about) == ("deposit/S1/X-2/deposit/S1", None, None)
    assert case_record(paid, LATER).entries == (entry,)
    assert effect_input(paid, paid.state.pending[0])[1].order is None


def test_its_search_attributes_leave_the_order_unset(paid: CaseMachine) -> None:
    values = {key.name: value for key, value in attributes(paid).items()}
    assert (values["CaseShop"], values["CaseOrder"]) == ("S1", None)
    assert not {"CaseOrder", "CaseOrders"} & {pair.key.name for pair in opening_attributes(paid)}


def test_nothing_that_is_shown_names_an_order(paid: CaseMachine) -> None:
    assert static_summary(paid) == "保证金 · 店铺 S1"
    shown = f"{static_details(paid)}\n{current_details(paid)}\n{view(paid, LATER).model_dump_json()}"
    assert not [word for word in ("订单", "None") if word in shown]


def test_its_outcome_and_notices_have_no_order(paid: CaseMachine) -> None:
    paid.fail_effect(paid.state.pending[0].serial, "拒绝", LATER)
    paid.notify(paid.unnotified(), LATER)
    assert notifications.action_required(paid, paid.state.notifications[0]).order is None
    outcome = notifications.outcome(paid, LATER)
    assert (outcome.order, outcome.lost) == (None, Decimal("5.00"))
