"""What happens to the cases of a drill, drawn from its seed, and how each of them stands if all of it goes calmly.

A case begins so long ago that one of its clocks runs out during the drill.  What has happened to it since is told
late, out of order and twice; at last somebody decides.  The calm run needs neither Temporal nor a platform: the pure
machine is told of everything when it happens.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cases.errors import CaseError
from cases.messages import EffectOutcome, Opening
from statecharts.rules import OPERATORS
from tests.support.rules.telling import FORMS, OF_THEIR_TIME, openings, possible_facts, until
from workflows.engine.case_workflow import take_message
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process
from workflows.engine.sender import InputSender
from workflows.registry import PROCESSES

GAPS = (1, 20, 61, 3600, 5 * 3600, 24 * 3600, 47 * 3600, 49 * 3600)
CLEAR_BEFORE, CLEAR_AFTER = timedelta(seconds=45), timedelta(seconds=240)
"""How far from a clock a decision is given: it may be held up by whatever is killed just then."""
LATE_FACTS = "60d"
"""How long the drill's shops let closed cases run on (G-11), so that all of them can still be told."""
NAMED = ("order_id", "order", "tracking_no", "sub_order_id")
"""Fields whose values must be a case's own: cases about one order would tell each other."""
FIRST_ID = 7_300_000_000
OPERATOR = InputSender(name="drill", way="command")
SECOND = timedelta(seconds=1)
NO_SANDBOX = ("douyin_reship", "douyin_interception", "douyin_shipment")
"""Processes whose decisions the sandbox takes only for what it has itself entered."""


@dataclass(frozen=True)
class Window:
    """The time of the drill in which processes are killed."""

    begins: datetime
    ends: datetime

    def at(self, share: float) -> datetime:
        """Return the instant at a share of the window, in whole seconds."""
        return (self.begins + (self.ends - self.begins) * share).replace(microsecond=0)


@dataclass(frozen=True)
class PlannedMessage:
    """A message of the platform, and when the drill sends it."""

    message: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class PlannedDecision:
    """A decision of an operator: when it is given, and under which key."""

    rule: str
    argument: dict[str, Any] | None
    at: datetime
    key: str


@dataclass(frozen=True)
class Story:
    """A case: how it is opened, and what it is given."""

    process: Process
    own_id: str
    facts: dict[str, Any]
    told: tuple[PlannedMessage, ...] = ()
    again: tuple[PlannedMessage, ...] = ()
    """Messages that are sent a second time."""
    decided: tuple[PlannedDecision, ...] = ()
    due: tuple[datetime, ...] = field(default=(), compare=False)
    """The clocks that run out during the drill."""

    @property
    def case_id(self) -> str:
        """The id of its workflow."""
        return f"{self.process.name}/{self.own_id}"

    def opened(self, started: datetime) -> CaseMachine:
        """Return the case as it is opened by a workflow that started then."""
        opening = Opening(facts=self.facts, policy={"late_facts": LATE_FACTS})
        machine = CaseMachine(self.process, self.case_id, self.process.open_case(opening), now=started)
        machine.advance(machine.state.began or started)
        return machine

    def calm(
        self, started: datetime, now: datetime, decided: Sequence[PlannedDecision], *, performed: bool = False
    ) -> CaseMachine:
        """Return the case as it stands now if it has been told of everything when it happened.

        What happened before it began happens as it begins, in the order of telling.  ``performed``: its effects are
        performed at once; else never.
        """
        machine = self.opened(started)
        began = machine.state.began or started
        inputs: list[PlannedMessage | PlannedDecision] = [*self.told, *decided]
        for given in sorted(inputs, key=lambda one: (max(_happened(one), began), one.at)):
            at = max(_happened(given), began)
            if at > now:
                break
            _pass(machine, at, performed=performed)
            if isinstance(given, PlannedMessage):
                take_message(machine, given.message, at)
            else:
                take(machine, given, at)
            if performed:
                _perform(machine, at)
        _pass(machine, now, performed=performed)
        return machine


def _pass(machine: CaseMachine, now: datetime, *, performed: bool) -> None:
    nearest = machine.next_instant(machine.state.latest) if performed else None
    while nearest is not None and nearest < now:
        until(machine, nearest)
        _perform(machine, nearest)
        nearest = machine.next_instant(nearest)
    until(machine, now)
    if performed:
        _perform(machine, now)


def _perform(machine: CaseMachine, now: datetime) -> None:
    for effect in list(machine.state.pending):
        machine.complete_effect(effect.serial, EffectOutcome(), now)


def take(machine: CaseMachine, decided: PlannedDecision, at: datetime) -> None:
    """Let a platform take a decision at once."""
    decision = machine.submit(decided.rule, decided.argument, at, key=decided.key, sender=OPERATOR)
    if decision.being_submitted:
        machine.take(decision.serial, EffectOutcome(), at)


def _happened(given: PlannedMessage | PlannedDecision) -> datetime:
    return given.at if isinstance(given, PlannedDecision) else datetime.fromisoformat(given.message["occurred_at"])


def stories(seed: int, processes: Sequence[str], window: Window) -> Iterator[Story]:
    """Yield a story for each of the processes named."""
    for number, name in enumerate(processes):
        yield story(random.Random(f"{seed}/{number}"), PROCESSES[name], number, window)


def story(draw: random.Random, process: Process, number: int, window: Window) -> Story:
    """Draw a story one of whose clocks runs out in the window, if a few attempts find one."""
    found: Story | None = None
    for attempt in range(4):
        seed, target = f"{draw.random()}/{attempt}", window.at(draw.uniform(0.1, 0.97))
        began = window.begins - timedelta(days=3)
        drafted = drawn(random.Random(seed), process, number, began, window)
        began_then = drafted.opened(began).state.began or began
        clocks = [at - began_then for at in _clocks(drafted.calm(began, began + timedelta(days=25), ()))]
        if drafted.opened(began).case.facts.began_at is None:  # it begins when it is opened: only its instants are old
            began = target - timedelta(days=draw.choice((2, 5)))
            found = drawn(random.Random(seed), process, number, began, window)
            break
        ages = [age for age in clocks if age > SECOND] or [timedelta(hours=draw.randint(1, 90))]
        began = target - draw.choice(ages)
        found = drawn(random.Random(seed), process, number, began, window)
        if _due(found, window):
            break
    assert found is not None
    return _timed(draw, found, window)


def drawn(draw: random.Random, process: Process, number: int, began: datetime, window: Window) -> Story:
    """Draw a story that begins at an instant; everything is told when it happens."""
    own_id = str(FIRST_ID + number)
    facts = draw.choice(openings(began, own_id)[process.name])
    for position, order in enumerate(facts.get("sub_orders", ())):
        if "auto_receipt_at" in order:  # these are of the drill's time
            order["auto_receipt_at"] = window.at(0.2 + 0.3 * position + 0.2 * draw.random()).isoformat()
    own = Names(number)
    story_ = Story(process, own_id, own.of(facts))
    machine, told = story_.opened(window.begins), list[PlannedMessage]()
    by_itself = machine.case.facts.began_at is None
    now = window.at(0.25) if by_itself else machine.state.began or began
    for count in range(draw.randint(1, 5)):
        now += timedelta(seconds=draw.randint(10, 40) if by_itself else draw.choice(GAPS) + draw.randint(0, 600))
        if now >= window.at(0.55):
            break
        until(machine, now)
        possible = possible_facts(machine)
        if not possible:
            break
        order, rule = draw.choice(possible)
        message: dict[str, Any] = {"message_id": f"m{count}", "occurred_at": now.isoformat(), "rule": rule}
        message |= {"order": order} if order else {}
        if (form := form_of(draw, rule, now)) is not None:
            message["form"] = own.of(form)
        told.append(PlannedMessage(message, now))
        take_message(machine, message, now)
    return replace(story_, told=tuple(told))


class Names:
    """Names of a case's own, in place of those that all cases are written with."""

    def __init__(self, number: int) -> None:
        self._number, self._given = number, dict[str, str]()

    def of(self, value: Any, name: str = "") -> Any:
        """Return a value with the names in it replaced."""
        if isinstance(value, dict):
            return {key: self.of(inner, key) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(inner, name) for inner in value]
        if name in NAMED and isinstance(value, str) and not value.isdigit():
            return self._given.setdefault(value, f"{80_000_000 + self._number * 20 + len(self._given)}")
        return value


def form_of(draw: random.Random, rule: str, now: datetime) -> dict[str, Any] | None:
    """Draw the form of a rule, None if it has none."""
    if rule in OF_THEIR_TIME:
        until_ = (now + timedelta(hours=draw.choice((1, 30)))).isoformat()
        forms: dict[str, dict[str, Any]] = {
            "card_sent": {"sent_at": now.isoformat()},
            "file_emergency_report": {
                "agreed_ship_at": until_,
                "evidence": [{"kind": "chat_screenshot", "url": "https://example.com/chat.png"}],
            },
            "exempt": {"by": "card", "until": until_},
            "warn": {"until": until_},
        }
        return forms[rule]
    if rule == "tell_arrival":
        return {**FORMS[rule][0], "arrival_at": (now + timedelta(days=2)).isoformat()}
    return draw.choice(FORMS[rule]) if rule in FORMS else None


def _clocks(machine: CaseMachine) -> list[datetime]:
    return [entry.at for entry in machine.state.timeline if entry.rule in machine.process.clocks]


def _due(of: Story, window: Window) -> tuple[datetime, ...]:
    ended = of.calm(window.begins, window.ends, of.decided)
    return tuple(at for at in _clocks(ended) if window.begins + 20 * SECOND <= at <= window.ends)


def _timed(draw: random.Random, planned: Story, window: Window) -> Story:
    """Tell the facts of a story late and out of order, some of them twice, and let somebody decide at last."""
    late = [replace(told, at=max(told.at + SECOND, window.at(draw.uniform(0.05, 0.6)))) for told in planned.told]
    told = sorted(late, key=lambda one: one.at)
    if _over_before(planned, told, window) is not None:  # a case that has ended is told nothing more
        instants = sorted(one.at for one in late)
        told = [replace(one, at=max(at, one.at)) for one, at in zip(sorted(late, key=_happened), instants, strict=True)]
        told.sort(key=_happened)
        instants = [max([one.at for one in told[: number + 1]]) for number in range(len(told))]
        told = [
            replace(one, at=at + number * SECOND) for number, (one, at) in enumerate(zip(told, instants, strict=True))
        ]
        if (over := _over_before(planned, told, window)) is not None:
            told = told[:over]
    again = [replace(one, at=one.at + timedelta(seconds=draw.randint(1, 60))) for one in told if draw.random() < 0.35]
    planned = replace(planned, told=tuple(told), again=tuple(again))
    if planned.process.name not in NO_SANDBOX:
        for _ in range(3):
            planned = planned if planned.decided else _decided(draw, planned, window)
    return replace(planned, due=_due(planned, window))


def _over_before(planned: Story, told: Sequence[PlannedMessage], window: Window) -> int | None:
    """Return the number of the first message that comes after the end of its workflow."""
    machine = planned.opened(window.begins)
    for number, one in enumerate(told):
        _pass(machine, max(one.at, window.begins), performed=True)
        if machine.finished(one.at):
            return number
        take_message(machine, one.message, one.at)
    return None


def _decided(draw: random.Random, planned: Story, window: Window) -> Story:
    last = max([window.at(0.1), *(one.at for one in planned.told)])
    at = (max(last + 20 * SECOND, window.at(draw.uniform(0.3, 0.9)))).replace(microsecond=0)
    machine = planned.calm(window.begins, at, ())
    clock = machine.next_clock()
    if machine.closed or (clock and clock.due < at + CLEAR_AFTER):
        return planned
    if any(at - CLEAR_BEFORE < entry.at for entry in machine.state.timeline):
        return planned
    own = Names(int(planned.own_id) - FIRST_ID)
    choices = []
    for view in machine.chart_views():
        for name, rule in planned.process.rules.items():
            if rule.party in OPERATORS and not rule.forbidden and name in view.chart.rules:
                form = own.of(form_of(draw, name, at)) or {}
                argument = {**form, **({"order": view.order} if view.order else {})} or None
                decided = PlannedDecision(name, argument, at, f"{planned.own_id}-{name}")
                try:
                    machine.check(name, argument, at, sender=OPERATOR)
                except CaseError:
                    continue
                choices.append(decided)
    return replace(planned, decided=(draw.choice(choices),)) if choices else planned
