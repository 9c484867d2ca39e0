"""A toy's facts, and the length of its clock."""

from datetime import datetime
from typing import Self

from statecharts.toy import Toy

from cases.case import Case, ShopFacts
from cases.models import Id
from cases.policy import Policy


class ToyFacts(ShopFacts):
    """A toy of a shop."""

    toy_id: Id
    """玩具编号"""
    order_id: Id
    """订单号"""

    @property
    def own_id(self) -> str:
        """The toy's id."""
        return self.toy_id

    @property
    def began_at(self) -> datetime | None:
        """Unknown."""
        return None

    @property
    def order(self) -> str:
        """The order id."""
        return self.order_id


class ToyPolicy(Policy, clocks=(Toy,)):
    """The clock of a toy."""


class ToyCase(Case):
    """A toy."""

    facts: ToyFacts
    policy: ToyPolicy = ToyPolicy()

    @classmethod
    def samples(cls) -> list[Self]:
        """Return one toy."""
        return [cls(facts=ToyFacts(shop_id="S1", toy_id="T1", order_id="O1"))]
