"""What is to be sent through which channel and when; every channel gets a notice once, whatever fails, never late."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersales.notifications.channels import Channel, Channels
from aftersales.notifications.delivery import Delivery
from aftersales.notifications.delivery_log import DeliveryLog
from aftersales.notifications.notice import Notice
from aftersales.notifications.notifier import LOG_FILE, ChannelNotifier
from cases.errors import PlatformError, PlatformRefused, PlatformUnreachable
from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, NoticeDeliveries, NoticeSent, Reminder
from tests.support.notifications.notices import (
    ACTION_REQUIRED,
    CONTEXT,
    MIDNIGHT,
    NOON,
    OUTCOME,
    SetClock,
    channel,
    notice,
    one,
    reminder,
    shop,
)

MORNING = MIDNIGHT + timedelta(hours=8)
QUIET = "22:00-08:00"
OPEN_LOGS = ExitStack()


@pytest.fixture(autouse=True)
def _logs_are_closed() -> Iterator[None]:
    yield
    OPEN_LOGS.close()


class Group:
    """The receiver of notices; channels in ``fails`` fail until they are removed."""

    def __init__(self) -> None:
        self.delivered: dict[str, list[str]] = defaultdict(list)
        self.fails: dict[str, PlatformError] = {}

    def sender(self, through: Channel) -> "Into":
        return Into(self, through.name)


class Into:
    """Sends to the group through one channel."""

    def __init__(self, group: Group, name: str) -> None:
        self._group, self._name = group, name

    async def send(self, notice: Notice) -> None:
        await asyncio.sleep(0)  # as a network: others go on meanwhile
        if error := self._group.fails.get(self._name):
            raise type(error)(*error.args)
        self._group.delivered[self._name].append(notice.key)


class Fallback:
    """Records the notifications that no channel took."""

    def __init__(self) -> None:
        self.notified: list[tuple[str, str]] = []

    async def remind(self, reminder: Reminder, key: str) -> None:
        self.notified.append((reminder.shop_id, key))

    async def notify_action_required(self, required: ActionRequired, key: str) -> None:
        self.notified.append((required.step, key))

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> None:
        self.notified.append((outcome.state_label, key))


class NotifierSetup:
    """A notifier and its parts; ``again`` makes the notifier of another process with the same files."""

    def __init__(self, folder: Path, channels: Channels, now: datetime = NOON) -> None:
        self._folder, self._channels = folder, channels
        self.group, self.fallback, self.clock = Group(), Fallback(), SetClock(now)
        self.apart: list[tuple[str, NoticeDeliveries]] = []
        self.notifier = self.again()

    def again(self, channels: Channels | None = None) -> ChannelNotifier:
        async def send_apart(key: str, left: NoticeDeliveries) -> None:
            self.apart.append((key, left))

        log = OPEN_LOGS.enter_context(DeliveryLog(self._folder / LOG_FILE))
        delivery = Delivery(self.group.sender, log, self.clock)
        return ChannelNotifier(
            channels or self._channels,
            CONTEXT,
            self.fallback,
            delivery,
            task_queue="q",
            send_apart=send_apart,
            clock=self.clock,
        )

    async def remind(self, key: str, **fields: Any) -> list[NoticeSent]:
        """Remind, and send what is left as the case does."""
        return await sent(self.notifier, await self.notifier.remind(reminder(**fields), key))

    def outcomes(self) -> list[str]:
        with DeliveryLog(self._folder / LOG_FILE) as log:
            return [became for _, became in log.outcomes()]


async def sent(notifier: ChannelNotifier, left: NoticeDeliveries | None) -> list[NoticeSent]:
    return [await notifier.send(delivery) for delivery in left.deliveries] if left else []


def channels(**more: Any) -> Channels:
    return shop(channel("http://a", "wecom", **more), channel("http://a", "feishu", **more))


async def test_a_reminder_reaches_every_channel_of_its_shop(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    await setup.remind("k1")

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_a_shop_without_channels_is_notified_by_the_fallback(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels(kinds=("outcome",)))
    assert await setup.notifier.remind(reminder(), "k1") is None
    assert await setup.notifier.remind(reminder().model_copy(update={"shop_id": "S9"}), "k2") is None

    assert setup.fallback.notified == [("S1", "k1"), ("S9", "k2")]


async def test_troubles_and_outcomes_go_where_reminders_go(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    notifier = setup.notifier
    await sent(notifier, await notifier.notify_action_required(ACTION_REQUIRED, "k1"))
    await sent(notifier, await notifier.notify_outcome(OUTCOME, "k2"))
    await notifier.notify_action_required(ACTION_REQUIRED.model_copy(update={"shop_id": "S9"}), "k3")
    await notifier.notify_outcome(OUTCOME.model_copy(update={"shop_id": "S9"}), "k4")

    assert setup.group.delivered == {"wecom": ["k1", "k2"], "feishu": ["k1", "k2"]}
    assert setup.fallback.notified == [("同意补寄", "k3"), ("已退款", "k4")]


async def test_g_7_after_a_restart_only_what_was_not_sent_is_left(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    setup.group.fails["wecom"] = PlatformUnreachable("x")
    left = await setup.notifier.remind(reminder(), "k1")
    assert left is not None
    for delivery in left.deliveries:
        if delivery.channel == "feishu":
            await setup.notifier.send(delivery)
        else:
            with pytest.raises(PlatformUnreachable, match="wecom: x"):
                await setup.notifier.send(delivery)
    setup.group.fails.clear()
    restarted = setup.again()
    left_then = await restarted.remind(reminder(), "k1")
    assert left_then is not None
    assert [delivery.channel for delivery in left_then.deliveries] == ["wecom"]
    await sent(restarted, left)  # as activities whose answer was lost are repeated
    assert await setup.again().remind(reminder(), "k1") is None

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}
    assert setup.fallback.notified == []


async def test_two_tries_at_once_send_once(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    left = await setup.notifier.remind(reminder(), "k1")
    await asyncio.gather(*(sent(setup.notifier, left) for _ in range(5)))

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_two_workers_send_a_notice_once_also_at_the_same_instant(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, shop(channel("http://a", "wecom")))
    left = await setup.notifier.remind(reminder(), "k1")
    both = (setup.notifier, setup.again())
    tries = await asyncio.gather(*(sent(notifier, left) for notifier in both), return_exceptions=True)
    assert [type(failed) for failed in tries] == [list, PlatformUnreachable]
    await sent(both[1], left)

    assert setup.group.delivered == {"wecom": ["k1"]}


async def test_what_another_worker_sends_just_before_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = NotifierSetup(tmp_path, shop(channel("http://a", "wecom")))
    begin = DeliveryLog.begin

    def overtaken(log: DeliveryLog, delivery_id: str, now: datetime) -> bool:
        with DeliveryLog(tmp_path / LOG_FILE) as other:
            other.close(delivery_id, "reminder", "sent", now)
        return begin(log, delivery_id, now)

    monkeypatch.setattr(DeliveryLog, "begin", overtaken)
    await setup.remind("k1")

    assert setup.group.delivered == {}


async def test_g_5_a_reminder_that_is_late_is_dropped(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    await setup.remind("k1", deadline=NOON)
    await setup.remind("k2", deadline=NOON + timedelta(seconds=1))

    assert setup.group.delivered == {"wecom": ["k2"], "feishu": ["k2"]}
    assert sorted(setup.outcomes()) == ["dropped", "dropped", "sent", "sent"]


async def test_in_quiet_hours_a_notice_is_to_be_sent_when_they_end(tmp_path: Path) -> None:
    setup = NotifierSetup(
        tmp_path, shop(channel("http://a", "wecom", quiet_hours=QUIET), channel("http://a", "feishu")), MIDNIGHT
    )
    left = await setup.notifier.remind(reminder(), "k1")

    assert left is not None
    assert [(delivery.channel, delivery.at) for delivery in left.deliveries] == [("wecom", MORNING), ("feishu", None)]


async def test_a_deadline_in_quiet_hours_is_sent_at_once(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels(quiet_hours=QUIET), MIDNIGHT)
    await setup.remind("k1", deadline=MORNING)

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_what_is_still_unsent_when_quiet_hours_begin_is_put_off_until_they_end(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, shop(channel("http://a", "wecom", quiet_hours=QUIET)))
    left = await setup.notifier.remind(reminder(), "k1")
    setup.clock.move(MIDNIGHT)

    assert await sent(setup.notifier, left) == [NoticeSent(put_off_until=MORNING)]
    assert setup.group.delivered == {}


async def test_what_has_waited_is_not_put_off_again_by_a_slow_clock(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, shop(channel("http://a", "wecom", quiet_hours=QUIET)), MIDNIGHT)
    left = await setup.notifier.remind(reminder(), "k1")

    assert await sent(setup.notifier, left) == [NoticeSent()]
    assert setup.group.delivered == {"wecom": ["k1"]}


async def test_a_channel_that_is_no_longer_in_the_file_is_named(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    left = await setup.notifier.remind(reminder(), "k1")

    with pytest.raises(PlatformRefused, match=r"wecom: .*no longer in the file"):
        await sent(setup.again(shop(channel("http://a", "feishu"))), left)


async def test_what_belongs_to_no_running_case_is_sent_apart_from_cases(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    left = await setup.notifier.notify_action_required(ACTION_REQUIRED, "k1")
    assert left is not None
    await setup.notifier.send_apart("k1", left)

    assert setup.apart == [("k1", left)]


async def test_a_channel_with_a_new_key_is_used_from_the_next_notice_on(tmp_path: Path) -> None:
    made: list[Channel] = []
    group = Group()

    def sender(through: Channel) -> Into:
        made.append(through)
        return group.sender(through)

    log = OPEN_LOGS.enter_context(DeliveryLog(tmp_path / LOG_FILE))
    delivery = Delivery(sender, log, SetClock(NOON))
    old, new = (one(channel("http://a", "wecom", key=key)) for key in ("old", "new"))
    for number, through in enumerate((old, old, new, new)):
        await delivery.deliver(through, notice(key=f"n{number}"))
    assert made == [old, new]
    assert len(group.delivered[new.name]) == 4
