"""The ports of test cases: every case has its own script, and every call is kept."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cases.errors import NotResolvedYet, PlatformRefused, PlatformUnreachable
from cases.ledger import CaseOutcome, CaseRecord, LedgerEntry, NumberUse, OpenedCase, ToldFact
from cases.messages import (
    ActionRequired,
    EffectCall,
    EffectOutcome,
    ExpiryOutcome,
    ExpiryQuery,
    NoticeDeliveries,
    NoticeDelivery,
    NoticeSent,
    Reminder,
)

BUSINESS = PlatformRefused("售后单已关闭 / the application is closed")
UNREACHABLE = PlatformUnreachable("超时 / no answer")
NOT_YET = NotResolvedYet("未裁决 / not decided yet")


@dataclass
class Scene:
    """One case's part of the world.  ``settle`` answers by clock; ``fails`` by effect (or "settle") until cleared.

    ``channels``: those through which a notice is left to be sent, and when, None for at once; without any, operators
    are notified.  ``puts_off``: until when a channel puts its next notice off.
    """

    settle: dict[str, ExpiryOutcome] = field(default_factory=dict)
    fails: dict[str, Exception] = field(default_factory=dict)
    calls: list[EffectCall] = field(default_factory=list)
    questions: list[ExpiryQuery] = field(default_factory=list)
    reminders: list[Reminder] = field(default_factory=list)
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    outcomes: list[CaseOutcome] = field(default_factory=list)
    troubles: list[ActionRequired] = field(default_factory=list)
    endings: list[CaseOutcome] = field(default_factory=list)
    records: list[CaseRecord] = field(default_factory=list)
    told: list[ToldFact] = field(default_factory=list)
    channels: dict[str, datetime | None] = field(default_factory=dict)
    puts_off: dict[str, datetime] = field(default_factory=dict)
    sent: list[NoticeDelivery] = field(default_factory=list)
    says: str | None = None

    @property
    def performed(self) -> list[str]:
        """The effects that reached the platform, in order."""
        return [call.effect for call in self.calls]


class Stage:
    """Platform, notifier and ledger in one; a case that nobody wrote a scene for gets an empty one.

    What cases tell others is only kept; a case that is opened is told what a test has put into ``told_before``.
    """

    def __init__(self) -> None:
        self.scenes: dict[str, Scene] = defaultdict(Scene)
        self.told_before: list[ToldFact] = []

    async def perform(self, call: EffectCall) -> EffectOutcome:
        scene = self.scenes[call.case_id]
        _fail(scene, call.effect)
        if call.key in {earlier.key for earlier in scene.calls}:
            return EffectOutcome(already=True)
        scene.calls.append(call)
        return EffectOutcome(said=scene.says)

    async def resolve_expiry(self, question: ExpiryQuery) -> ExpiryOutcome:
        scene = self.scenes[question.case_id]
        scene.questions.append(question)
        _fail(scene, "settle")
        return scene.settle.get(question.rule, ExpiryOutcome())

    async def remind(self, reminder: Reminder, key: str) -> NoticeDeliveries | None:
        scene = self.scenes[reminder.case_id]
        _fail(scene, "remind")
        scene.reminders.append(reminder)
        return _left(scene, reminder.case_id, key)

    async def notify_action_required(self, required: ActionRequired, key: str) -> NoticeDeliveries | None:
        scene = self.scenes[required.case_id]
        _fail(scene, "notify")
        scene.troubles.append(required)
        return _left(scene, required.case_id, key)

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> NoticeDeliveries | None:
        scene = self.scenes[outcome.case_id]
        _fail(scene, "notify")
        scene.endings.append(outcome)
        return _left(scene, outcome.case_id, key)

    async def send(self, delivery: NoticeDelivery) -> NoticeSent:
        scene = self.scenes[str(delivery.case_id)]
        _fail(scene, delivery.channel)
        if delivery.channel in scene.puts_off:
            return NoticeSent(put_off_until=scene.puts_off.pop(delivery.channel))
        scene.sent.append(delivery)
        return NoticeSent()

    async def send_apart(self, key: str, left: NoticeDeliveries) -> None:
        """Refuse: no test that uses a stage has a case whose workflow ended early."""
        raise NotImplementedError(key, left)

    def record(self, record: CaseRecord) -> None:
        scene = self.scenes[record.case_id]
        _fail(scene, "ledger")
        scene.records.append(record)
        scene.entries = {entry.key: entry for entry in record.entries}
        if record.outcome and record.outcome not in scene.outcomes:
            scene.outcomes.append(record.outcome)

    def use_number(self, use: NumberUse) -> None:
        _fail(self.scenes[use.case_id], "ledger")

    def numbers_used(self, shop_id: str, tracking_no: str, since: datetime) -> list[NumberUse]:
        """Return nothing: every number is used for the first time."""
        del shop_id, tracking_no, since
        return []

    def opened(self, cases: Sequence[OpenedCase]) -> None:
        for case in cases:
            _fail(self.scenes[case.case_id], "opened")

    def told(self, case: OpenedCase) -> list[ToldFact]:
        """Return those of the facts told before that concern the case."""
        return [fact for fact in self.told_before if fact.concerns(case)]

    def untell(self, key: str) -> None:
        """Forget what was told under a key."""
        for scene in self.scenes.values():
            scene.told = [fact for fact in scene.told if fact.key != key]

    def tell(self, fact: ToldFact) -> list[str]:
        scene = self.scenes[fact.told_by]
        _fail(scene, "tell")
        scene.told.append(fact)
        return []


def _left(scene: Scene, case_id: str, key: str) -> NoticeDeliveries | None:
    notice = {"case_id": case_id, "key": key}
    deliveries = (NoticeDelivery(channel=name, notice=notice, at=at) for name, at in scene.channels.items())
    return NoticeDeliveries(deliveries=tuple(deliveries)) if scene.channels else None


def _fail(scene: Scene, what: str) -> None:
    if error := scene.fails.get(what):
        raise type(error)(*error.args)  # a new one: one that is raised again and again grows its traceback
