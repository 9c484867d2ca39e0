"""Sample cases as buyers' applications: which of them Douyin's messages open, and how their buyers apply."""

import re
from collections.abc import Iterable

from aftersales.sandbox.douyin.actions import reason_text
from aftersales.sandbox.douyin.backend import Sandbox
from cases.messages import Opening
from workflows.engine.process import Process

_PROCESS = "douyin_reship"


def opens_by_message(process: Process, opening: Opening) -> bool:
    """Return whether the platform's message opens the case; a case with a policy of its own needs its file."""
    shop = process.open_case(opening).facts.shop
    return _has_record(process, opening) and _is_number(shop) and not opening.policy


def announce(sandbox: Sandbox, cases: Iterable[tuple[Process, Opening]]) -> None:
    """Let the buyers of the cases apply, unless they have before."""
    for process, opening in cases:
        facts = process.open_case(opening).facts
        if _has_record(process, opening) and sandbox.record(facts.own_id) is None:
            sandbox.apply(
                facts.shop,
                reason_text(facts.reason),
                int(facts.order_amount * 100),
                remark=facts.description,
                after_sale_id=facts.own_id,
                order_id=facts.order,
                applied_at=int(facts.applied_at.timestamp()),
            )


def _has_record(process: Process, opening: Opening) -> bool:
    facts = process.open_case(opening).facts
    return process.name == _PROCESS and _is_number(facts.own_id) and _is_number(facts.order)


def _is_number(own_id: str) -> bool:
    return re.fullmatch("[1-9][0-9]{0,18}", own_id) is not None
