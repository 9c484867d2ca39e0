"""Sending notices through the channels of a shop, each at its time and by its robot's own task queue."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType

from cases.messages import NoticeDeliveries, NoticeDelivery, NoticeSent
from cases.shanghai import shanghai
from workflows.engine.activity_options import ActivityOptions

SEND_NOTICE: Final = "send_notice"
"""The name of the activity, which recorded histories contain."""

SleepUntil = Callable[[datetime, str], Awaitable[None]]
"""Sleeps until an instant, by a timer with a summary."""


async def send_notices(
    left: NoticeDeliveries, options: ActivityOptions, share: Priority, sleep_until: SleepUntil
) -> str | None:
    """Send a notice through every channel, and return why it did not reach some of them, None if it reached all.

    A channel that fails or is quiet delays no other.
    """
    sent = (_send(delivery, options, share, sleep_until) for delivery in left.deliveries)
    whys = [why for why in await asyncio.gather(*sent) if why]
    return "; ".join(whys) or None


async def _send(
    delivery: NoticeDelivery, options: ActivityOptions, share: Priority, sleep_until: SleepUntil
) -> str | None:
    while True:
        if delivery.at is not None:
            await sleep_until(delivery.at, f"免打扰:{shanghai(delivery.at)} 后经 {delivery.channel} 通知")
        try:
            sent: NoticeSent = await workflow.execute_activity(
                SEND_NOTICE,
                delivery,
                result_type=NoticeSent,
                task_queue=delivery.task_queue,
                # A message that is on its way may still arrive: what became of it counts.
                cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=f"发送通知:{delivery.channel}",
                priority=share,
                **options,
            )
        except FailureError as failed:
            if is_cancelled_exception(failed):
                raise
            return _why(delivery, failed)
        if sent.put_off_until is None:
            return None
        delivery = delivery.model_copy(update={"at": sent.put_off_until})


def _why(delivery: NoticeDelivery, failed: FailureError) -> str:
    cause = failed.cause if isinstance(failed, ActivityError) else failed
    if isinstance(cause, ApplicationError):
        return f"{cause.type}: {cause.message}" if cause.type else cause.message
    return f"{delivery.channel}: 未能及时送出 / could not be sent in time"
