"""The base of every case: pinned facts and policy, and what has been learned since."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from cases.forms import Form, NoForm
from cases.models import Instant, Strict
from cases.policy import Figure, Policy


class Facts(Strict):
    """What the platform's record says when the case is opened."""

    @property
    @abstractmethod
    def own_id(self) -> str:
        """The platform's own identifier of this case."""

    @property
    @abstractmethod
    def began_at(self) -> datetime | None:
        """The instant from which the first clock runs; None: the case's own opening."""

    @property
    @abstractmethod
    def shop(self) -> str:
        """The shop whose case it is."""

    @property
    @abstractmethod
    def order(self) -> str:
        """The order it is about."""

    @property
    def at_stake(self) -> Decimal | None:
        """The money (CNY) that the case is about, where it is known."""
        return None


class Cost(Strict):
    """What a decision costs before it is taken: an amount (CNY) where there is one, the clause, and in words.

    ``choice`` says of which of several ways to decide it is the cost.
    """

    amount: Decimal | None
    clause: str
    note: str
    choice: str | None = None


class Appeals(Strict):
    """How a month's appeals are counted: the clause of the entry that an appeal makes, and the states of the ruling."""

    clause: str
    won: str
    lost: str


class Case(Strict):
    """Facts and policy as they were pinned (G-9), and what was learned: all that guards and clocks look at."""

    facts: Any
    policy: Any
    forms: ClassVar[Mapping[str, type[Form]]] = {}
    appeals: ClassVar[Appeals | None] = None
    """None: a case of this process cannot be appealed."""

    @property
    def at_stake(self) -> Decimal | None:
        """The money (CNY) that the case is about, where it is known."""
        found: Decimal | None = self.facts.at_stake
        return found

    @classmethod
    def facts_type(cls) -> type[Facts]:
        """The model of this process's facts."""
        found: type[Facts] = cls.model_fields["facts"].annotation  # type: ignore[assignment]
        return found

    @classmethod
    def policy_type(cls) -> type[Policy]:
        """The model of this process's figures."""
        found: type[Policy] = cls.model_fields["policy"].annotation  # type: ignore[assignment]
        return found

    @classmethod
    def form_type(cls, name: str | None) -> type[Form]:
        """The form that a chart names; a rule without one asks for nothing."""
        return cls.forms[name] if name else NoForm

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """When the clock of a figure, started at ``entered``, runs out."""
        length: Figure[timedelta] = getattr(self.policy, figure)
        return entered + length.value

    def learn(self, rule: str, form: Form | None) -> Self:
        """The case after a rule has fired with a form (None: it was reported without one)."""
        del rule, form
        return self

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """What firing a rule costs, told before it is chosen; one for each way to fire it, none that is unknown."""
        del rule
        return ()

    def warnings(self, rule: str) -> tuple[Cost, ...]:
        """What doing what a rule forbids would cost: told with the refusal."""
        del rule
        return ()

    def amount(self, effect: str) -> Decimal | None:
        """The money (CNY) of a ledger entry that the chart names; None: an entry without an amount."""
        del effect
        return None

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders that have a chart each, beside the case's own."""
        return ()

    def part(self, order: str | None) -> Any:
        """The case as an order's chart sees it: guards, ``due``, ``costs`` and ``amount`` of that order.

        None: as its own chart sees it.
        """
        if order is not None:
            raise KeyError(order)
        return self

    def learn_of(self, order: str, rule: str, form: Form | None) -> Self:
        """The case after a rule of an order's chart has fired with a form."""
        raise KeyError(order, rule, form)

    @classmethod
    @abstractmethod
    def samples(cls) -> list[Self]:
        """Cases that between them take every way through the chart: what proofs are run over."""

    @classmethod
    def part_type(cls) -> type:
        """The type of the case's parts: what an order's chart sees."""
        return cls

    @classmethod
    def part_samples(cls) -> list[Any]:
        """Parts that between them take every way through an order's chart."""
        return []

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Forms by rule, for the rules whose form teaches the case something that a guard looks at."""
        return {}


SAMPLE_INSTANT: Instant = datetime.fromisoformat("2026-01-05T01:00:00+00:00")
"""Monday 2026-01-05, 09:00 in Shanghai: when sample cases begin."""
