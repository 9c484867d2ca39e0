"""Sending a notice that belongs to no running case, such as that a case's workflow has ended (G-14)."""

from datetime import datetime, timedelta

from temporalio import workflow

from cases.messages import NoticeDeliveries
from workflows.engine.activity_options import SEND, case_share
from workflows.engine.notice_sending import send_notices


@workflow.defn(name="send_notices")
class SendNoticesWorkflow:
    """Sends one notice through all its channels; its result says why some were not reached."""

    @workflow.run
    async def run(self, left: NoticeDeliveries) -> str | None:
        """Send, after quiet hours where a channel has them."""
        why = await send_notices(left, SEND, case_share(workflow.info().workflow_id), _sleep_until)
        if why is not None:
            workflow.logger.warning("notification not delivered", extra={"kind": "send_notices", "why": why})
        return why


async def _sleep_until(instant: datetime, summary: str) -> None:
    await workflow.sleep(max(instant - workflow.now(), timedelta(0)), summary=summary)
