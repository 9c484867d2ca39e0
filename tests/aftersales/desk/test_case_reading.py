"""When a list reads a case again."""

import pytest

from aftersales.desk.access.users import User
from aftersales.desk.handling import case_reading
from aftersales.desk.handling.case_reading import FRESH_SECONDS, UNCHANGED_SECONDS, CaseReader
from aftersales.desk.services import DeskServices
from tests.aftersales.desk.conftest import OpenOnDesk
from tests.aftersales.desk.test_kept_counts import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    own = Clock()
    monkeypatch.setattr(case_reading, "time", own)
    return own


async def test_a_case_is_read_again_at_once_if_it_is_listed_differently_and_else_after_a_while(
    worker: None, services: DeskServices, open_on_desk: OpenOnDesk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await open_on_desk()
    reader, reads = CaseReader(services.client), []
    ask = CaseReader._read

    async def counted(own: CaseReader, name: str, *patience: object) -> object:
        reads.append(name)
        return await ask(own, name, *patience)  # type: ignore[arg-type]

    monkeypatch.setattr(CaseReader, "_read", counted)

    async def many(looks: str | None, later: float = 0) -> int:
        """How often the case has been read after it was listed as it looks, some seconds later."""
        clock.now += later
        known = {} if looks is None else {case_id: looks}
        assert [*await reader.read_some([case_id], 5, known)] == [case_id]
        return len(reads)

    assert await many("new") == 1
    assert await many("new", UNCHANGED_SECONDS - 1) == 1
    assert await many("decided") == 2
    assert await many("decided", UNCHANGED_SECONDS) == 3
    assert await many(None, FRESH_SECONDS - 1) == 3
    assert await many(None, 1) == 4
    assert await many("decided", FRESH_SECONDS) == 5
    await reader.read(User(name="张三"), case_id)
    assert await many("decided") == 6
    assert await many("decided", FRESH_SECONDS) == 7
    reader.forget(case_id)
    assert await many("decided") == 8
