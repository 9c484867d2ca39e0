"""The users of the desk: who they are, and what they may do (viewing, handling, supervising)."""

from decimal import Decimal

from pydantic import Field

from aftersales.runtime.client.operator_name import LONGEST_OPERATOR
from cases.labels import LabelledEnum
from cases.models import Id, Money, Strict


class Role(LabelledEnum):
    """A user's role; each includes those before it."""

    VIEW = "view", "查看"
    HANDLE = "handle", "处理"
    SUPERVISE = "supervise", "主管"

    def includes(self, other: "Role") -> bool:
        """Return whether whoever has this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class User(Strict):
    """A user: ``shops`` are those whose cases he sees, None for all; ``limit`` is the amount up to which he decides.

    The limit is in CNY; None means any amount.
    """

    name: str = Field(min_length=1, max_length=LONGEST_OPERATOR)
    role: Role = Role.VIEW
    shops: tuple[Id, ...] | None = None
    limit: Money | None = None

    def sees(self, shop: str | None) -> bool:
        """Return whether he sees the cases of a shop."""
        return self.shops is None or shop in self.shops

    def may_decide(self, amount: Decimal | None) -> bool:
        """Return whether he may decide a case in which an amount is at stake; None: it is not known."""
        if not self.role.includes(Role.HANDLE):
            return False
        return self.limit is None or (amount is not None and amount <= self.limit)
