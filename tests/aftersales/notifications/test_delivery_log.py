"""The log of deliveries: what it keeps over restarts, and what it prunes."""

from datetime import timedelta
from pathlib import Path

import pytest

from aftersales.notifications.delivery_log import LONGEST_SENDING, PRUNED_EVERY, RETENTION, DeliveryLog
from cases.errors import CaseError
from tests.support.notifications.notices import NOON


def test_what_became_of_a_notice_is_known_after_a_restart_and_to_another_worker(tmp_path: Path) -> None:
    with DeliveryLog(tmp_path / "b") as log, DeliveryLog(tmp_path / "b") as other:
        assert not other.is_closed("k1")
        log.close("k1", "reminder", "sent", NOON)
        log.close("k1", "reminder", "dropped", NOON)
        assert other.is_closed("k1")
    with DeliveryLog(tmp_path / "b") as again:
        assert list(again.outcomes()) == [("k1", "sent")]


def test_only_one_worker_sends_at_a_time_and_what_was_abandoned_or_left_by_a_killed_one_is_taken_over(
    tmp_path: Path,
) -> None:
    with DeliveryLog(tmp_path / "b") as one, DeliveryLog(tmp_path / "b") as other:
        assert [one.begin("k1", NOON), one.begin("k1", NOON), other.begin("k1", NOON), other.begin("k2", NOON)] == [
            True,
            True,
            False,
            True,
        ]
        other.abandon("k1")
        assert not other.begin("k1", NOON + LONGEST_SENDING - timedelta(seconds=1))
        assert other.begin("k1", NOON + LONGEST_SENDING)
        other.abandon("k1")
        assert one.begin("k1", NOON)
        one.close("k1", "reminder", "sent", NOON)
        assert other.begin("k1", NOON)
        assert other.is_closed("k1")


@pytest.mark.parametrize(("age", "kept"), [(RETENTION, True), (RETENTION + timedelta(seconds=1), False)])
def test_what_is_long_over_is_forgotten(tmp_path: Path, age: timedelta, kept: bool) -> None:  # noqa: FBT001
    with DeliveryLog(tmp_path / "b") as log:
        log.close("old", "outcome", "sent", NOON - age)
        for number in range(PRUNED_EVERY):
            log.close(f"k{number}", "outcome", "sent", NOON)
        assert log.is_closed("old") is kept


def test_only_its_owner_may_read_the_books(tmp_path: Path) -> None:
    with DeliveryLog(tmp_path / "new" / "b"):
        assert (tmp_path / "new" / "b").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_a_database_is_reported_by_name(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("no database" * 100)
    with pytest.raises(CaseError, match="b: cannot be used"):
        DeliveryLog(tmp_path / "b")
