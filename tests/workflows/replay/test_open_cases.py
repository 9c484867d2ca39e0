"""Of many open cases some of every process and state are chosen, the oldest and the newest among them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.places import HISTORIES
from workflows.replay.open_cases import NO_STATE, OpenCase, ProcessState, sample, where_of
from workflows.replay.replayer import recorded

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)


def opened(process: str, state: str, number: int) -> list[OpenCase]:
    where = ProcessState(process, state)
    return [OpenCase(f"{process}/{age}", where, BEGAN + timedelta(hours=age)) for age in range(number)]


@pytest.mark.parametrize(
    ("at_most", "ages"), [(None, list(range(10))), (20, list(range(10))), (1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9])]
)
def test_a_sample_has_the_oldest_and_the_newest_case(at_most: int | None, ages: list[int]) -> None:
    cases = opened("claim_1688", "待处理", 10)

    assert [case.case_id for case in sample(reversed(cases), at_most)] == [f"claim_1688/{age}" for age in ages]


def test_a_sample_has_cases_of_every_process_and_state() -> None:
    cases = [*opened("claim_1688", "待处理", 5), *opened("claim_1688", "申诉中", 1), *opened("toy", "待处理", 3)]

    assert [case.where for case in sample(cases, 2)] == [
        *[ProcessState("claim_1688", "待处理")] * 2,
        ProcessState("claim_1688", "申诉中"),
        *[ProcessState("toy", "待处理")] * 2,
    ]


def test_how_many_orders_are_in_a_state_does_not_tell_cases_apart() -> None:
    words = "处理中(已揽收 2、已退款取消 11)"

    assert ProcessState.of("anxinjian_split", words) == ProcessState("anxinjian_split", "处理中(已揽收、已退款取消)")
    assert ProcessState.of("anxinjian_split", None) == ProcessState("anxinjian_split", NO_STATE)


@pytest.mark.parametrize(
    ("story", "state"), [("douyin_reship_still_open", "待补寄发货"), ("claim_1688_agreed", "已同意赔付")]
)
def test_a_history_tells_the_state_that_its_case_is_in(story: str, state: str) -> None:
    where = where_of(recorded(HISTORIES / f"{story}.json"))

    assert where == ProcessState(story.rpartition("_")[0].removesuffix("_still"), state)
