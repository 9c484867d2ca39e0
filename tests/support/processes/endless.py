"""A process whose charts never end, which a simulation must survive."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from statemachine import State

from cases.case import Case, Facts
from cases.forms import Form
from cases.models import Id, Instant
from cases.policy import Policy
from statecharts.chart import CaseChart
from statecharts.rules import Party, after, by, stays, under
from workflows.engine.process import Process


class EndlessChart(CaseChart):
    """``ring`` is due again at once, ``beat`` after a while; ``jam`` raises in the workflow."""

    waiting = State("等待", initial=True)
    ringing = State("响铃")
    beating = State("跳动")
    over = State("结束", final=True)

    start_ringing = by(Party.MERCHANT, "开始响", under("X-1", waiting.to(ringing)))
    start_beating = by(Party.MERCHANT, "开始跳", under("X-2", waiting.to(beating)))
    jam = by(Party.MERCHANT, "卡住", under("X-3", waiting.to(ringing)))
    ring = after("1h", "响", under("X-4", stays(ringing)), figure="pause", of=Party.BUYER)
    beat = after(ring, "跳", under("X-5", beating.to.itself()), of=Party.BUYER)
    stop = by(Party.MERCHANT, "停", under("X-6", ringing.to(over)), under("X-6", beating.to(over)))


class EndlessFacts(Facts):
    own: Id
    opened_at: Instant

    @property
    def own_id(self) -> str:
        return self.own

    @property
    def began_at(self) -> datetime | None:
        return self.opened_at

    @property
    def shop(self) -> str:
        return "S1"

    @property
    def order(self) -> None:
        return None


class EndlessPolicy(Policy, clocks=(EndlessChart,)):
    """The figure of the chart's clocks."""


class EndlessCase(Case):
    facts: EndlessFacts
    policy: EndlessPolicy = EndlessPolicy()
    forms: ClassVar[Mapping[str, type[Form]]] = {}

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        if rule == "jam":
            raise ZeroDivisionError("a case that cannot apply")
        return super().apply(rule, form, at)

    @classmethod
    def samples(cls) -> list[Self]:
        return []


ENDLESS = Process("endless", "无尽", EndlessChart, EndlessCase)
"""A case that never comes to rest."""

OPENING: dict[str, Any] = {"own": "E1", "opened_at": "+0s"}
