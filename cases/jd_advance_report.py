"""JD advance report 预报备: facts, forms and figures of rules JD-4 and JD-7."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import model_validator

from cases.case import SAMPLE_INSTANT, Case, Cost, ShopFacts
from cases.forms import Form, Proof
from cases.labels import LabelledEnum
from cases.models import Id, Instant, Text
from cases.policy import Policy
from statecharts.jd_advance_report import JdAdvanceReport

_TAKES_BACK_SINCE = "2026-11-28"
"""Since this edition an approval takes back the late orders of its period, whatever has become of their cases."""


class Cause(LabelledEnum):
    """The causes of a period without shipping that nobody can help (JD-7)."""

    WEATHER = "weather", "恶劣天气"
    STATE_EVENT = "state_event", "国家大型活动"
    WAREHOUSE = "warehouse", "仓库维护"
    OTHER = "other", "其他"


class AdvanceFacts(ShopFacts):
    """The period in which orders cannot be shipped in time, and why; it is about no order."""

    report_id: Id
    """报备编号"""
    cause: Cause
    """原因"""
    begins_at: Instant
    """开始时间"""
    ends_at: Instant
    """结束时间"""
    note: Text
    """情况说明"""

    @model_validator(mode="after")
    def _period(self) -> Self:
        if self.ends_at <= self.begins_at:
            raise ValueError("ends_at: 结束须晚于开始 / must be after begins_at")
        return self

    @property
    def own_id(self) -> str:
        """The report id."""
        return self.report_id

    @property
    def began_at(self) -> None:
        """None: the first clock runs from the opening."""

    @property
    def order(self) -> None:
        """None: the report is about a period."""


class AdvancePolicy(Policy, clocks=(JdAdvanceReport,)):
    """The figures of JD-7, all of which come from the chart."""


class ReviewRefusal(Form):
    """The reason for which the platform refuses a report."""

    reason: Text
    """平台给出的理由"""


class AdvanceCase(Case):
    """An advance report; its period is a fact, so that there is nothing to keep."""

    facts: AdvanceFacts
    policy: AdvancePolicy = AdvancePolicy()

    forms: ClassVar[Mapping[str, type[Form]]] = {"proof": Proof, "review_refusal": ReviewRefusal}

    @property
    def opened_before_taking_back(self) -> bool:
        """2026-11-28 前受理"""
        return not self.opened_since(_TAKES_BACK_SINCE)

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return what withdrawing costs: the orders of the period are not exempt (JD-7, JD-10)."""
        if rule != "withdraw_report":
            return ()
        note = "时段内产生的订单不再免责:24 小时内未上传单号或 48 小时内未揽收,各计延迟发货一单"
        return (Cost(amount=None, clause="JD-10", note=note),)

    def telling(self, name: str) -> dict[str, Any] | None:
        """Return the exemption, for the orders that were created in the period (JD-7)."""
        del name
        return {"by": "advance_report", **self.facts.model_dump(mode="json", include={"begins_at", "ends_at"})}

    @classmethod
    def samples(cls) -> list[Self]:
        """Return periods too far ahead to be filed, near, begun, and over."""
        return [cls(facts=_facts(begins_in)) for begins_in in (20, 3, -1, -9)]

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return no forms: no guard looks at one."""
        return {}


def _facts(begins_in: int, at: datetime = SAMPLE_INSTANT) -> AdvanceFacts:
    """Return a report of two days that begin so many days after an instant."""
    begins_at = at + timedelta(days=begins_in)
    return AdvanceFacts(
        shop_id="S1",
        report_id="R1",
        cause=Cause.WEATHER,
        begins_at=begins_at,
        ends_at=begins_at + timedelta(days=2),
        note="暴雪,当地快递停收",
    )
