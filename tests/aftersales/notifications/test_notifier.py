"""Every channel gets a notice once, whatever fails; after quiet hours, and never too late."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersales.notifications.channels import Channel, Channels
from aftersales.notifications.delivery import LONGEST_WAIT, Delivery
from aftersales.notifications.delivery_log import DelayedNotice, DeliveryLog
from aftersales.notifications.notice import Notice
from aftersales.notifications.notifier import LOG_FILE, ChannelNotifier
from cases.errors import PlatformError, PlatformRefused, PlatformUnreachable
from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder
from tests.support.notifications.notices import (
    ACTION_REQUIRED,
    CONTEXT,
    MIDNIGHT,
    NOON,
    OUTCOME,
    SetClock,
    channel,
    reminder,
    shop,
)

MORNING = MIDNIGHT + timedelta(hours=8)
QUIET = "22:00-08:00"


def log_in(folder: Path) -> DeliveryLog:
    return DeliveryLog(folder / LOG_FILE)


def became(folder: Path) -> list[str]:
    with log_in(folder) as log:
        return [became for _, became in log.outcomes()]


OPEN_LOGS = ExitStack()


@pytest.fixture(autouse=True)
def _logs_are_closed() -> Iterator[None]:
    yield
    OPEN_LOGS.close()


class Group:
    """The receiver of notices; channels in ``fails`` fail until they are removed."""

    def __init__(self) -> None:
        self.delivered: dict[str, list[str]] = defaultdict(list)
        self.tries: list[str] = []
        self.fails: dict[str, PlatformError] = {}
        self.arrived = asyncio.Event()

    def sender(self, through: Channel) -> "Into":
        return Into(self, through.name)


class Into:
    """Sends to the group through one channel."""

    def __init__(self, group: Group, name: str) -> None:
        self._group, self._name = group, name

    async def send(self, notice: Notice) -> None:
        self._group.tries.append(self._name)
        await asyncio.sleep(0)  # as a network: others go on meanwhile
        if error := self._group.fails.get(self._name):
            raise type(error)(*error.args)
        self._group.delivered[self._name].append(notice.key)
        self._group.arrived.set()


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
    """A notifier and its parts; ``again`` makes the notifier of the next process from the same files."""

    def __init__(self, folder: Path, channels: Channels, now: datetime = NOON) -> None:
        self._folder, self._channels = folder, channels
        self.group, self.fallback, self.clock = Group(), Fallback(), SetClock(now)
        self.holds = True
        self.notifier = self.again()

    def again(self) -> ChannelNotifier:
        async def holds(_: Notice) -> bool:
            return self.holds

        log = OPEN_LOGS.enter_context(log_in(self._folder))
        delivery = Delivery(self.group.sender, log, self.clock)
        return ChannelNotifier(
            self._channels, CONTEXT, self.fallback, delivery, log, clock=self.clock, is_current=holds
        )

    async def until(self, seen: Callable[[], object]) -> None:
        """Let waiting tasks run until ``seen`` is true."""
        async with asyncio.timeout(5):
            while not seen():  # noqa: ASYNC110 - it only lets the other tasks run
                await asyncio.sleep(0)

    async def morning(self) -> None:
        """Let the quiet hours end."""
        await self.until(lambda: self.clock.pausing)
        self.clock.move(MORNING)


def channels(**more: Any) -> Channels:
    return shop(channel("http://a", "wecom", **more), channel("http://a", "feishu", **more))


async def test_a_reminder_reaches_every_channel_of_its_shop(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    await setup.notifier.remind(reminder(), "k1")

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_a_shop_without_channels_is_notified_by_the_fallback(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels(kinds=("outcome",)))
    await setup.notifier.remind(reminder(), "k1")
    await setup.notifier.remind(reminder().model_copy(update={"shop_id": "S9"}), "k2")

    assert (setup.group.delivered, setup.fallback.notified) == ({}, [("S1", "k1"), ("S9", "k2")])


async def test_troubles_and_outcomes_go_where_reminders_go(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    await setup.notifier.notify_action_required(ACTION_REQUIRED, "k1")
    await setup.notifier.notify_outcome(OUTCOME, "k2")
    await setup.notifier.notify_action_required(ACTION_REQUIRED.model_copy(update={"shop_id": "S9"}), "k3")
    await setup.notifier.notify_outcome(OUTCOME.model_copy(update={"shop_id": "S9"}), "k4")

    assert setup.group.delivered == {"wecom": ["k1", "k2"], "feishu": ["k1", "k2"]}
    assert setup.fallback.notified == [("同意补寄", "k3"), ("已退款", "k4")]


async def test_g_7_a_retry_does_not_reach_the_channel_that_worked_again(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    setup.group.fails["wecom"] = PlatformUnreachable("x")
    with pytest.raises(PlatformUnreachable):
        await setup.notifier.remind(reminder(), "k1")
    setup.group.fails.clear()
    await setup.again().remind(reminder(), "k1")
    await setup.again().remind(reminder(), "k1")

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_g_7_a_channel_that_refuses_is_not_asked_again_while_another_is_tried(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    setup.group.fails = {"wecom": PlatformRefused("no"), "feishu": PlatformUnreachable("x")}
    with pytest.raises(PlatformUnreachable):
        await setup.notifier.remind(reminder(), "k1")
    del setup.group.fails["feishu"]
    with pytest.raises(PlatformRefused, match="no"):
        await setup.notifier.remind(reminder(), "k1")

    assert setup.group.tries == ["wecom", "feishu", "feishu"]


async def test_two_tries_at_once_send_once(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    await asyncio.gather(*(setup.notifier.remind(reminder(), "k1") for _ in range(5)))

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_g_5_a_notice_that_is_late_is_dropped(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    await setup.notifier.remind(reminder(deadline=NOON), "k1")
    await setup.notifier.remind(reminder(deadline=NOON + timedelta(seconds=1)), "k2")

    assert setup.group.delivered == {"wecom": ["k2"], "feishu": ["k2"]}


async def test_in_quiet_hours_a_notice_waits_and_goes_once(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels(quiet_hours=QUIET), MIDNIGHT)
    async with setup.notifier as notifier:
        await notifier.remind(reminder(), "k1")
        await notifier.remind(reminder(), "k1")
        await setup.until(lambda: setup.clock.pausing)
        assert (setup.group.delivered, len(setup.clock.pausing)) == ({}, 2)
        await setup.morning()
        await setup.until(lambda: len(setup.group.delivered) == 2)
        await notifier.remind(reminder(), "k1")

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_a_deadline_in_quiet_hours_is_sent_at_once(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels(quiet_hours=QUIET), MIDNIGHT)
    await setup.notifier.remind(reminder(deadline=MORNING), "k1")

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_what_waits_outlives_its_process_and_is_not_sent_by_the_one_after(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels(quiet_hours=QUIET), MIDNIGHT)
    async with setup.notifier as notifier:
        await notifier.remind(reminder(), "k1")
    assert setup.group.delivered == {}
    setup.clock.move(MORNING)
    async with setup.again():
        await setup.until(lambda: len(setup.group.delivered) == 2)
    async with setup.again():
        await setup.notifier.remind(reminder(), "k2")

    assert setup.group.delivered == {"wecom": ["k1", "k2"], "feishu": ["k1", "k2"]}


async def test_two_workers_send_a_notice_once_also_at_the_same_instant(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    both = (setup.notifier, setup.again())
    tries = await asyncio.gather(*(notifier.remind(reminder(), "k1") for notifier in both), return_exceptions=True)
    assert [type(failed) for failed in tries] == [type(None), PlatformUnreachable]
    await both[1].remind(reminder(), "k1")

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_what_two_workers_know_to_wait_is_sent_by_one(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels(quiet_hours=QUIET), MIDNIGHT)
    async with setup.notifier as notifier:
        await notifier.remind(reminder(), "k1")
        async with setup.again():
            await setup.until(lambda: len(setup.clock.pausing) == 4)
            setup.clock.move(MORNING)
            await setup.until(lambda: len(became(tmp_path)) == 2)
            await setup.until(lambda: len(setup.clock.pausing) == 2)  # the other worker tries again in a second
            setup.clock.move(MORNING + timedelta(seconds=1))
            await setup.until(lambda: not setup.clock.pausing)

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_what_waits_in_a_form_that_nobody_knows_any_more_stops_nothing(tmp_path: Path) -> None:
    with log_in(tmp_path) as log:
        log.delay(DelayedNotice("old", "wecom", NOON, {"key": "k0"}))
    setup = NotifierSetup(tmp_path, channels())
    async with setup.notifier as notifier:
        await notifier.remind(reminder(), "k1")

    assert setup.group.delivered == {"wecom": ["k1"], "feishu": ["k1"]}


async def test_what_failed_names_the_channel(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels())
    setup.group.fails["feishu"] = PlatformUnreachable("x")
    with pytest.raises(PlatformUnreachable, match="feishu: x"):
        await setup.notifier.remind(reminder(), "k1")


async def test_g_5_what_waited_is_dropped_where_the_state_was_left(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, channels(quiet_hours=QUIET), MIDNIGHT)
    async with setup.notifier as notifier:
        await notifier.remind(reminder(), "k1")
        setup.holds = False
        await setup.morning()
        await setup.until(lambda: len(became(tmp_path)) == 2)

    assert setup.group.tries == []
    assert set(became(tmp_path)) == {"dropped"}


async def test_g_5_what_waited_and_then_could_not_be_sent_is_dropped_at_its_deadline(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, shop(channel("http://a", "wecom", quiet_hours=QUIET)), MIDNIGHT)
    setup.group.fails["wecom"] = PlatformUnreachable("x")
    deadline = MORNING + timedelta(minutes=1)
    async with setup.notifier as notifier:
        await notifier.remind(reminder(deadline=deadline), "k1")
        await setup.morning()
        await setup.until(lambda: setup.group.tries and setup.clock.pausing)
        setup.group.fails.clear()
        setup.clock.move(deadline)
        await setup.until(lambda: became(tmp_path))

    assert setup.group.delivered == {}


async def test_g_7_what_waited_is_tried_again_for_an_hour(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, shop(channel("http://a", "wecom", quiet_hours=QUIET)), MIDNIGHT)
    setup.group.fails["wecom"] = PlatformUnreachable("x")
    async with setup.notifier as notifier:
        await notifier.remind(reminder(), "k1")
        await setup.morning()
        while not became(tmp_path):
            await setup.until(lambda: setup.clock.pausing or became(tmp_path))
            setup.clock.move(setup.clock.now() + timedelta(minutes=5))

    assert (became(tmp_path), len(setup.group.tries)) == (["given up"], 16)


async def test_those_that_wait_for_their_turn_do_not_all_have_the_same_one(tmp_path: Path) -> None:
    setup = NotifierSetup(tmp_path, shop(channel("http://a", "feishu")))
    tries = [asyncio.create_task(setup.notifier.remind(reminder(), f"k{number}")) for number in range(11)]
    await setup.until(lambda: len(setup.clock.pausing) == 6)
    assert [until for until, _ in setup.clock.pausing] == [1.5] * 5 + [3.0]
    setup.clock.move(NOON + timedelta(seconds=3))
    await asyncio.gather(*tries)

    assert len(setup.group.delivered["feishu"]) == 11


async def test_a_bots_rate_is_kept_over_shops_and_what_must_wait_long_is_tried_again(tmp_path: Path) -> None:
    bot = channel("http://a", "dingtalk")
    both = Channels.model_validate({"S1": (bot,), "S2": ({**bot, "name": "other"},)})
    setup = NotifierSetup(tmp_path, both)
    for number in range(20):
        await setup.notifier.remind(reminder().model_copy(update={"shop_id": f"S{number % 2 + 1}"}), f"k{number}")
    with pytest.raises(PlatformUnreachable, match="over its rate"):
        await setup.notifier.remind(reminder(), "k20")
    setup.clock.move(NOON + timedelta(seconds=62 - LONGEST_WAIT))
    waiting = asyncio.create_task(setup.notifier.remind(reminder(), "k20"))
    await setup.until(lambda: setup.clock.pausing)
    assert len(setup.group.tries) == 20
    setup.clock.move(NOON + timedelta(seconds=62))
    await waiting

    assert setup.group.delivered["dingtalk"][-1] == "k20"
