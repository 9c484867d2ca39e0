"""The base of every case: its facts and figures, and what its forms and messages have added."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from cases.editions import UNRELEASED
from cases.forms import Form, NoForm
from cases.labels import Labelled
from cases.models import DigitId, Id, Instant, Strict
from cases.policy import Figure, Policy


class Facts(Labelled):
    """The platform's record at the opening of the case."""

    @property
    @abstractmethod
    def own_id(self) -> str:
        """The platform's own identifier of this case."""

    @property
    @abstractmethod
    def began_at(self) -> datetime | None:
        """The instant from which the first clock runs; None if that is the opening of the case."""

    @property
    @abstractmethod
    def shop(self) -> str:
        """The shop that the case belongs to."""

    @property
    @abstractmethod
    def order(self) -> str | None:
        """The order that the case is about; None for a case about no order."""

    @property
    def at_stake(self) -> Decimal | None:
        """The amount (CNY) that the case is about, or None if unknown."""
        return None


class ShopFacts(Facts):
    """Facts that name their shop by its id."""

    shop_id: Id
    """店铺"""

    @property
    def shop(self) -> str:
        """The shop id."""
        return self.shop_id


class OrderFacts(ShopFacts):
    """Facts of a case of which an order has only one: its id is the case's own."""

    order_id: DigitId
    """订单号"""

    @property
    def own_id(self) -> str:
        """The order id."""
        return self.order_id

    @property
    def order(self) -> str:
        """The order id."""
        return self.order_id


class Cost(Strict):
    """The cost of a decision, shown before it is taken: an amount (CNY) if there is one, the clause, and a note.

    ``choice`` names the option that costs this, where a decision has several.
    """

    amount: Decimal | None
    clause: str
    note: str
    choice: str | None = None


class Appeals(Strict):
    """The appeals of a process: the clause of their ledger entry, and the final states of a case won and lost."""

    clause: str
    won: str
    lost: str


class Case(Strict):
    """The context of a chart: pinned facts and policy (G-9), and what has been added since.

    Guards and deadlines are computed from it alone.  ``edition`` names the figures that the policy was made from.
    """

    facts: Any
    policy: Any
    edition: str = UNRELEASED
    forms: ClassVar[Mapping[str, type[Form]]] = {}
    appeals: ClassVar[Appeals | None] = None
    """None if cases of this process cannot be appealed."""

    @property
    def at_stake(self) -> Decimal | None:
        """The amount (CNY) that the case is about, or None if unknown."""
        amount: Decimal | None = self.facts.at_stake
        return amount

    @classmethod
    def facts_type(cls) -> type[Facts]:
        """Return the model of the process's facts."""
        facts: type[Facts] = cls.model_fields["facts"].annotation  # type: ignore[assignment]
        return facts

    @classmethod
    def policy_type(cls) -> type[Policy]:
        """Return the model of the process's figures."""
        policy: type[Policy] = cls.model_fields["policy"].annotation  # type: ignore[assignment]
        return policy

    @classmethod
    def form_type(cls, name: str | None) -> type[Form]:
        """Return the form of that name in a chart; a rule that names none has the empty form."""
        return cls.forms[name] if name else NoForm

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """Return when the clock of a figure, started at ``entered``, runs out, or else the instant of that name."""
        if figure not in type(self.policy).model_fields:
            return self.instant(figure)
        length = self.length(figure)
        return None if length is None else entered + length

    def length(self, figure: str) -> timedelta | None:
        """Return the length of time of a figure, None if it is not set."""
        length: Figure[timedelta | None] = getattr(self.policy, figure)
        return length.value

    def instant(self, name: str) -> datetime | None:
        """Return an instant of the case or of its facts by its name, None while it is unknown."""
        instant: datetime | None = getattr(self, name) if hasattr(self, name) else getattr(self.facts, name)
        return instant

    def opened_since(self, edition: str) -> bool:
        """Return whether the case was opened with an edition of the figures or a later one."""
        return self.edition >= edition

    def as_opened_with(self, edition: str) -> Self:
        """Return the case as it would be if opened with another edition of the figures."""
        return self.model_copy(update={"edition": edition})

    def telling(self, effect: str) -> dict[str, Any] | None:
        """Return the form with which other cases are told something, as JSON, None for an empty one (G-15)."""
        del effect
        return None

    def points(self, effect: str) -> Decimal | None:
        """Return the points of a ledger entry that the chart declares, or None if it has none."""
        del effect
        return None

    def unfit(self, rule: str, form: Form, at: datetime) -> str | None:
        """Return why a form does not fit the case at an instant, in Chinese and English; None if it does."""
        del rule, form, at
        return None

    def apply(self, rule: str, form: Form | None, at: datetime) -> Self:
        """Return the case after a rule has fired at an instant with a form, None if it was reported without one."""
        del rule, form, at
        return self

    def call_form(self, effect: str, form: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the form that the platform gets with an effect: that of its rule, unless the case knows better."""
        del effect
        return form

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return the known costs of firing a rule, one for each option; they are shown before it is chosen."""
        del rule
        return ()

    def warnings(self, rule: str) -> tuple[Cost, ...]:
        """Return the costs of acting against a refusal, which are quoted in it."""
        del rule
        return ()

    def amount(self, effect: str) -> Decimal | None:
        """Return the amount (CNY) of a ledger entry that the chart declares, or None if it has none."""
        del effect
        return None

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders with charts of their own, beside the chart of the case."""
        return ()

    def part(self, order: str | None) -> Any:
        """Return the case as an order's chart sees it: its guards, ``due``, ``costs`` and ``amount``.

        With None, return it as the case's own chart sees it.
        """
        if order is not None:
            raise KeyError(order)
        return self

    def apply_to_order(self, order: str, rule: str, form: Form | None, at: datetime) -> Self:
        """Return the case after a rule of an order's chart has fired at an instant with a form."""
        raise KeyError(order, rule, form, at)

    @classmethod
    @abstractmethod
    def samples(cls) -> list[Self]:
        """Return cases that together take every path through the chart; its invariants are checked over them."""
        raise NotImplementedError(f"{cls.__name__} has no samples()")

    @classmethod
    def part_type(cls) -> type:
        """Return the type of the case's parts: what an order's chart sees."""
        return cls

    @classmethod
    def part_samples(cls) -> list[Any]:
        """Return parts that together take every path through an order's chart."""
        return []

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return sample forms by rule, for every rule whose form changes what a guard sees."""
        return {}


SAMPLE_INSTANT: Instant = datetime.fromisoformat("2026-01-05T01:00:00+00:00")
"""The beginning of sample cases: Monday 2026-01-05, 09:00 in Shanghai."""
