"""What is known of notices over restarts, and what is forgotten."""

from datetime import timedelta
from pathlib import Path

import pytest

from aftersales.notifications.delivery_log import FORGETS_EVERY, KEPT, DeliveryLog, Waiting
from cases.errors import CaseError
from tests.support.notifications.telling import MIDNIGHT, NOON

WAITS = Waiting("k1@S1/wecom", "wecom", MIDNIGHT, {"key": "k1", "title": "时限提醒"})


def test_what_became_of_a_notice_is_known_after_a_restart_and_to_another_worker(tmp_path: Path) -> None:
    with DeliveryLog(tmp_path / "b") as books, DeliveryLog(tmp_path / "b") as other:
        assert not other.is_closed("k1")
        books.close("k1", "reminder", "sent", NOON)
        books.close("k1", "reminder", "dropped", NOON)
        assert other.is_closed("k1")
    with DeliveryLog(tmp_path / "b") as again:
        assert list(again.closed()) == [("k1", "sent")]


def test_what_waits_is_known_after_a_restart_until_it_is_closed(tmp_path: Path) -> None:
    with DeliveryLog(tmp_path / "b") as books:
        books.put_off(WAITS)
        books.put_off(WAITS)
    with DeliveryLog(tmp_path / "b") as again:
        assert again.waiting() == [WAITS]
        again.close(WAITS.mark, "reminder", "sent", NOON)
        assert again.waiting() == []


@pytest.mark.parametrize(("age", "known"), [(KEPT, True), (KEPT + timedelta(seconds=1), False)])
def test_what_is_long_over_is_forgotten(tmp_path: Path, age: timedelta, known: bool) -> None:  # noqa: FBT001
    with DeliveryLog(tmp_path / "b") as books:
        books.close("old", "outcome", "sent", NOON - age)
        for number in range(FORGETS_EVERY):
            books.close(f"k{number}", "outcome", "sent", NOON)
        assert books.is_closed("old") is known


def test_only_its_owner_may_read_the_books(tmp_path: Path) -> None:
    with DeliveryLog(tmp_path / "new" / "b"):
        assert (tmp_path / "new" / "b").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_database_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("no database" * 100)
    with pytest.raises(CaseError, match="b: cannot be used"):
        DeliveryLog(tmp_path / "b")
