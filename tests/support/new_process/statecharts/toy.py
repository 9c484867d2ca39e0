"""A process for tests: a decision, a message and a clock."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, by, submits, under, upon

agree_on_platform = submits("agree_on_platform", "在平台同意")


class Toy(CaseChart):
    """A person decides, a fact arrives, a clock runs out."""

    waiting = State("待处理", initial=True)
    agreed = State("已同意")
    shipped = State("已发货")
    closed_by_clock = State("已完成", final=True)

    agree = by(Party.MERCHANT, "同意", under("G-4", waiting.to(agreed, on=agree_on_platform)))
    ship = upon("已发货", under("G-3", agreed.to(shipped)))
    complete = after("24h", "自动完成", under("G-2", shipped.to(closed_by_clock)), figure="completion", of=Party.BUYER)
