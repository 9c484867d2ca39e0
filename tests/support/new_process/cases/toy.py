"""A toy's facts, and the length of its clock."""

from datetime import datetime
from typing import Self

from cases.case import Case, Facts
from cases.models import Duration, Id
from cases.policy import Figure, Policy, duration


class ToyFacts(Facts):
    """A toy of a shop."""

    shop_id: Id
    toy_id: Id
    order_id: Id

    @property
    def own_id(self) -> str:
        """The toy's id."""
        return self.toy_id

    @property
    def began_at(self) -> datetime | None:
        """Unknown."""
        return None

    @property
    def shop(self) -> str:
        """The shop id."""
        return self.shop_id

    @property
    def order(self) -> str:
        """The order id."""
        return self.order_id


class ToyPolicy(Policy):
    """The figures of a toy."""

    completion: Figure[Duration] = duration("24h", "G-2", "a test", "assumed")
    """完成时限"""


class ToyCase(Case):
    """A toy."""

    facts: ToyFacts
    policy: ToyPolicy = ToyPolicy()

    @classmethod
    def samples(cls) -> list[Self]:
        """Return one toy."""
        return [cls(facts=ToyFacts(shop_id="S1", toy_id="T1", order_id="O1"))]
