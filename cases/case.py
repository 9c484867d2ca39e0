"""The base of every case: pinned facts and policy, and what was learned since."""

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
    def order(self) -> str | None:
        """The order; None for a case about no order."""

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


class Case(Strict):
    """Facts and policy as they were pinned (G-9), and what was learned: all that guards and clocks look at."""

    facts: Any
    policy: Any
    forms: ClassVar[Mapping[str, type[Form]]] = {}
    clock_labels: ClassVar[Mapping[str, str]] = {}
    """The Chinese names of clocks that run until an instant of the case, not for a figure of its policy."""

    @property
    def at_stake(self) -> Decimal | None:
        """The money (CNY) that the case is about, where it is known."""
        stake: Decimal | None = self.facts.at_stake
        return stake

    @classmethod
    def facts_type(cls) -> type[Facts]:
        """Return the model of this process's facts."""
        facts: type[Facts] = cls.model_fields["facts"].annotation  # type: ignore[assignment]
        return facts

    @classmethod
    def policy_type(cls) -> type[Policy]:
        """Return the model of this process's figures."""
        policy: type[Policy] = cls.model_fields["policy"].annotation  # type: ignore[assignment]
        return policy

    @classmethod
    def form_type(cls, name: str | None) -> type[Form]:
        """Return the form that a chart names; a rule without one asks for nothing."""
        return cls.forms[name] if name else NoForm

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """Return when the clock of a figure, started at ``entered``, runs out."""
        length: Figure[timedelta] = getattr(self.policy, figure)
        return entered + length.value

    def learn(self, rule: str, form: Form | None) -> Self:
        """Return the case after a rule has fired with a form (None if it was reported without one)."""
        del rule, form
        return self

    def costs(self, rule: str) -> tuple[Cost, ...]:
        """Return the known costs of firing a rule, shown before it is chosen; one for every way to fire it."""
        del rule
        return ()

    def warnings(self, rule: str) -> tuple[Cost, ...]:
        """Return what it would cost to do what a rule forbids; shown with the refusal."""
        del rule
        return ()

    def amount(self, effect: str) -> Decimal | None:
        """Return the money (CNY) of a ledger entry that the chart names; None for an entry without an amount."""
        del effect
        return None

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders that have a chart each, beside the case's own."""
        return ()

    def part(self, order: str | None) -> Any:
        """Return the case as an order's chart sees it: guards, ``due``, ``costs`` and ``amount`` of that order.

        None: as its own chart sees it.
        """
        if order is not None:
            raise KeyError(order)
        return self

    def learn_of(self, order: str, rule: str, form: Form | None) -> Self:
        """Return the case after a rule of an order's chart has fired with a form."""
        raise KeyError(order, rule, form)

    @classmethod
    @abstractmethod
    def samples(cls) -> list[Self]:
        """Return cases that between them take every way through the chart; the proofs are run over them."""

    @classmethod
    def part_type(cls) -> type:
        """Return the type of the case's parts: what an order's chart sees."""
        return cls

    @classmethod
    def part_samples(cls) -> list[Any]:
        """Return parts that between them take every way through an order's chart."""
        return []

    @classmethod
    def form_samples(cls) -> Mapping[str, tuple[Form, ...]]:
        """Return forms by rule, for the rules whose form changes something that a guard looks at."""
        return {}


SAMPLE_INSTANT: Instant = datetime.fromisoformat("2026-01-05T01:00:00+00:00")
"""Monday 2026-01-05, 09:00 in Shanghai: when sample cases begin."""
