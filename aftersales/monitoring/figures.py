"""All figures of ours for Prometheus, declared in one place; whoever knows a figure sets it here.

No label holds anything of a buyer, an order or a case.  Processes, rules, marketplaces and methods are as many as the
code has; a shop has a label of its own only where ``docs/operations.md`` says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

FIGURE_REGISTRY: Final = CollectorRegistry()
OTHER_SHOPS: Final = "other"
"""The label under which shops are summed that have none of their own."""


@dataclass(frozen=True)
class FigureDescription:
    """A figure as the documents describe it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str


DESCRIBED: Final[list[FigureDescription]] = []
"""Every figure, in the order of the documents."""


Values = TypeVar("Values", bound=tuple[str, ...])
"""The values of a figure's labels."""


class KnownGauge(Collector):
    """A gauge whose samples are replaced together: what was never measured, or is not known any more, has none."""

    def __init__(self, description: FigureDescription) -> None:
        """Know nothing yet."""
        self._description = description
        self._samples: Mapping[Any, float] = {}

    def show(self, samples: Mapping[Values, float]) -> None:
        """Show these samples, by the values of the labels, instead of those before."""
        self._samples = dict(samples)

    def show_one(self, value: float) -> None:
        """Show the value of a figure without labels."""
        self._samples = {(): value}

    def forget(self) -> None:
        """Show nothing."""
        self._samples = {}

    def collect(self) -> Iterable[Metric]:
        """Return the samples."""
        described = self._description
        family = GaugeMetricFamily(described.name, described.meaning, labels=described.labels)
        for values, value in self._samples.items():
            family.add_metric(values, value)
        return [family]


def _described(
    name: str, kind: Literal["counter", "gauge", "histogram"], labels: tuple[str, ...], meaning: str
) -> FigureDescription:
    described = FigureDescription(name, kind, labels, meaning)
    DESCRIBED.append(described)
    return described


def _gauge(name: str, labels: tuple[str, ...], meaning: str) -> KnownGauge:
    gauge = KnownGauge(_described(name, "gauge", labels, meaning))
    FIGURE_REGISTRY.register(gauge)
    return gauge


def _counter(name: str, labels: tuple[str, ...], meaning: str) -> Counter:
    described = _described(name, "counter", labels, meaning)
    return Counter(described.name, meaning, labels, registry=FIGURE_REGISTRY)


def _histogram(name: str, labels: tuple[str, ...], meaning: str, buckets: Sequence[float]) -> Histogram:
    described = _described(name, "histogram", labels, meaning)
    return Histogram(described.name, meaning, labels, registry=FIGURE_REGISTRY, buckets=buckets)


BUILD = _gauge("aftersales_build", ("program", "build_id"), "always 1; says which program of which build this is")
REACHABLE = _gauge(
    "aftersales_reachable", ("part",), "1 if the process can work with a part, 0 if not, by what /readyz asks"
)

CASES_OPEN = _gauge("aftersales_cases_open", ("process", "shop"), "open cases")
CASES_OVERDUE = _gauge("aftersales_cases_overdue", ("process", "shop"), "open cases whose nearest deadline has passed")
CASES_FOR_OPERATORS = _gauge(
    "aftersales_cases_for_operators", ("process", "shop"), "cases in which a step waits for a person"
)
CASES_ENDED_EARLY = _gauge(
    "aftersales_cases_ended_early",
    ("process", "shop"),
    "cases whose workflow was terminated, failed, was cancelled or timed out, and that nobody has revived",
)
CASES_COUNTED_AT = _gauge("aftersales_cases_counted_timestamp_seconds", (), "when the cases were counted, in Unix time")

CLOCK_LATENESS = _histogram(
    "aftersales_clock_lateness_seconds",
    ("process",),
    "how long after a clock of a case was due its worker took it up, by the clock of the Temporal server",
    (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600),
)
DECISIONS_ANSWERED = _counter(
    "aftersales_decisions_total",
    ("process", "rule", "outcome"),
    "decisions of people by what they were answered: taken; refused, by the rules or the platform; unanswered, as the "
    "platform did not answer at once and the case goes on submitting",
)
NOTICES_UNDELIVERED = _counter(
    "aftersales_notices_undelivered_total", ("kind",), "notices that a channel did not take until their time was over"
)

PLATFORM_CALLS = _histogram(
    "aftersales_platform_call_seconds",
    ("marketplace", "method", "result"),
    "calls of the marketplaces by how they ended: answered, refused, unreachable (no usable answer), cancelled (no "
    "time was left), failed",
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

PUSHES = _counter(
    "aftersales_pushes_total",
    ("marketplace", "result"),
    "pushes of the marketplaces: stored; refused, as not signed by us, too large or broken off; not_stored, as the "
    "disk refused",
)
INBOX_WAITING = _gauge(
    "aftersales_inbox_waiting", (), "messages that are stored and wait to be delivered to their case"
)
INBOX_OLDEST = _gauge("aftersales_inbox_oldest_seconds", (), "how long the oldest of them has waited; 0 if none waits")
INBOX_FAILED = _gauge("aftersales_inbox_failed", (), "messages that cannot be delivered as things are")
QUEUE_FAILING = _gauge(
    "aftersales_queue_failing_seconds",
    ("marketplace",),
    "how long a queue of the marketplace could not be consumed; 0 while it can",
)

LEDGER_FAILURES = _counter(
    "aftersales_ledger_failures_total", ("access",), "calls that the ledger's database did not answer: read, write"
)
CATCH_UP_SUCCEEDED_AT = _gauge(
    "aftersales_catch_up_succeeded_timestamp_seconds",
    ("marketplace", "shop"),
    "when the last successful reconciliation of a shop ended, in Unix time; if there was none, when it was arranged",
)
LOOK_SUCCEEDED_AT = _gauge(
    "aftersales_ended_look_succeeded_timestamp_seconds",
    (),
    "when the last successful look for cases that ended early ended, in Unix time; if there was none, when it was "
    "arranged",
)

ProcessCollector(registry=FIGURE_REGISTRY)
