"""An abnormal order on JD from its opening to its end, under virtual time: JD-13."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.processes.abnormal_orders import FILED
from tests.support.rules.playing import DAY, HOUR, Perform, Played, act, report, top_of

PlayAbnormal = Callable[..., Awaitable[Played]]


@pytest.fixture
def play(perform: Perform) -> PlayAbnormal:
    """An unshipped order that was placed at the opening and looks malicious."""

    async def play_steps(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields)
        facts = {"shop_id": "S1", "order_id": "O1", "ordered_at": "0s", "kind": "malicious", "shipped": False, **fields}
        return await perform({"process": "jd_abnormal_order", "opening": facts, "steps": list(steps), **top})

    return play_steps


async def test_jd_13_the_end_of_the_warning_is_told_once_and_reminded_of_before(play: PlayAbnormal) -> None:
    played = await play(until="300h", reminded=True)

    assert (played.state, played.status, played.fired) == ("unfiled", "open", [(DAY, "warning_ends")])
    assert played.reminders == [(12 * HOUR, DAY), (22 * HOUR, DAY)]


async def test_jd_13_a_rejected_report_is_filed_again_and_the_order_deleted(play: PlayAbnormal) -> None:
    played = await play(
        act("1h", "file", **FILED),
        report("2h", "reject", "m1", form={"reason": "凭证不清晰"}),
        act("30h", "file", **FILED),
        report("31h", "approve", "m2"),
    )

    assert (played.state, played.status, played.ledger) == ("deleted", "closed", [])
    assert [effect for _, effect, _ in played.effects if effect.startswith(("file", "report"))] == [
        "report_malicious",
        "report_malicious",
    ]


async def test_jd_13_a_report_counts_once_the_operator_has_filed_it(play: PlayAbnormal) -> None:
    played = await play(act("1h", "file", **FILED), until="2h", kind="bad_address", platform={"console": "wait"})

    assert (played.state, played.effects) == ("unfiled", [(HOUR, "file_deletion", "console_task")])
