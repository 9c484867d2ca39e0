"""What cannot be read: told in the log, whichever way it came; the inbox keeps and counts it."""

from collections.abc import Sequence
from typing import Final

import structlog

from aftersales.platforms.inbound import LOOK, InboundMessage, MessageState

CASES_NAMED: Final = 10
"""The most cases that a line of the log names."""


def log_unreadable(messages: Sequence[InboundMessage]) -> None:
    """Log, in one line, that some of the messages that came together cannot be read, with the reason of the first."""
    unreadable = [message for message in messages if message.state is MessageState.UNREADABLE]
    if not unreadable:
        return
    first = unreadable[0]
    about = {"platform": first.platform, "app": first.app_key, "tag": first.tag, "messages": len(unreadable)}
    looked_at = [message.case.case_id for message in messages if message.report == LOOK and message.case]
    log = structlog.get_logger("gateway")
    log.warning("messages cannot be read", **about, why=first.reason, cases=looked_at[:CASES_NAMED])
