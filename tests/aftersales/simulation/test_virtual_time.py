"""Virtual time that a busy machine cannot keep."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import RPCTimeoutOrCancelledError, WorkflowHistory, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from aftersales.simulation import simulation, virtual_time
from aftersales.simulation.scenario import Scenario
from aftersales.simulation.virtual_time import (
    FIRST_STEP,
    START_ATTEMPTS,
    RestingCase,
    TooSlow,
    VirtualCase,
    answered,
    begun_late,
    next_second,
    time_moved_by_hand,
    virtual_server,
    wait_until,
)
from cases.errors import CaseError
from workflows.engine.view import CaseView, EffectView, StuckExpiryView

NINE = datetime.fromisoformat("2026-01-05T09:00:00+08:00")
SCENARIO: Any = object.__new__(Scenario)


def test_what_is_kept_a_second_late_is_noticed() -> None:
    hour = timedelta(hours=1)
    kept = {"timeline": [SimpleNamespace(at=NINE + hour)], "ignored": [], "reminders": []}
    effects = [EffectView.model_construct(at=NINE + hour), StuckExpiryView.model_construct()]
    still = RestingCase(cast("CaseView", SimpleNamespace(**kept, effects=effects)), NINE, hour * 2, 5)
    still.on_time(hour)
    with pytest.raises(TooSlow, match="too busy"):
        still.on_time(hour - timedelta(seconds=1))


@pytest.mark.parametrize(("seconds", "late"), [(0.99, False), (1.0, True)])
def test_a_case_that_begins_a_second_late_is_noticed(seconds: float, *, late: bool) -> None:
    events = [HistoryEvent(event_type=kind) for kind in (EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, FIRST_STEP)]
    events[-1].event_time.FromDatetime(NINE + timedelta(seconds=seconds))
    assert begun_late(WorkflowHistory("jd_delay_card/O1", events), NINE) is late


async def test_a_run_begins_on_a_second_that_is_not_over() -> None:
    origin = next_second()
    assert origin.microsecond == 0
    await wait_until(origin)
    assert timedelta(0) <= datetime.now(UTC) - origin
    with pytest.raises(TooSlow, match="too busy"):
        await wait_until(origin - timedelta(seconds=1))


@pytest.mark.parametrize(
    "unanswered",
    [
        RPCError("context deadline exceeded", RPCStatusCode.DEADLINE_EXCEEDED, b""),
        RPCError("Timeout expired", RPCStatusCode.CANCELLED, b""),
        RPCTimeoutOrCancelledError(),
        WorkflowUpdateRPCTimeoutOrCancelledError(),
    ],
    ids=str,
)
def test_a_server_that_does_not_answer_in_time_makes_the_run_begin_again(unanswered: Exception) -> None:
    with pytest.raises(TooSlow, match="did not answer in time"), answered():
        raise unanswered


def test_other_errors_of_the_server_are_raised_as_they_are() -> None:
    with pytest.raises(RPCError, match="gone"), answered():
        raise RPCError("gone", RPCStatusCode.NOT_FOUND, b"")


async def test_the_time_in_which_the_machine_stood_still_is_not_counted_against_a_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case, instants = VirtualCase(cast("WorkflowEnvironment", None), cast("Any", None), NINE), iter([0.0, 0.5, 1e6, 2e6])
    view = cast("CaseView", SimpleNamespace(timeline=[]))
    answers = iter([None, None, None, RestingCase(view, NINE, timedelta(0), 5)])

    async def resting() -> RestingCase | None:
        return next(answers)

    async def progress() -> None:
        pass

    monkeypatch.setattr(case, "_resting", resting)
    monkeypatch.setattr(case, "_check_progress", progress)
    monkeypatch.setattr(virtual_time, "time", SimpleNamespace(monotonic=lambda: next(instants, 2e6)))
    assert (await case.rest()).events == 5


async def test_a_case_that_does_not_come_to_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    handle, passed = cast("Any", SimpleNamespace(id="douyin_reship/1")), count(0, 0.5)
    case, looks = VirtualCase(cast("WorkflowEnvironment", None), handle, NINE), count()

    async def resting() -> None:
        next(looks)

    async def progress() -> None:
        pass

    monkeypatch.setattr(case, "_resting", resting)
    monkeypatch.setattr(case, "_check_progress", progress)
    monkeypatch.setattr(virtual_time, "REST_SECONDS", 5.0)
    monkeypatch.setattr(virtual_time, "time", SimpleNamespace(monotonic=lambda: next(passed)))
    with pytest.raises(CaseError, match="douyin_reship/1 does not come to rest"):
        await case.rest()
    assert 5 < next(looks) < 20


@pytest.mark.parametrize("slow", [0, 1, simulation.ATTEMPTS - 1, simulation.ATTEMPTS])
async def test_a_busy_machine_is_given_several_tries(monkeypatch: pytest.MonkeyPatch, slow: int) -> None:
    servers: list[object] = []

    @asynccontextmanager
    async def server() -> AsyncIterator[object]:
        servers.append(object())
        yield servers[-1]

    class Slow:
        def __init__(self, on: object, _: Scenario) -> None:
            assert on is servers[-1]
            self.failed = [f"try {len(servers)}"]

        async def run(self) -> dict[str, Any]:
            if len(servers) <= slow:
                raise TooSlow("too busy")
            return {"status": "closed"}

    monkeypatch.setattr(simulation, "virtual_server", server)
    monkeypatch.setattr(simulation, "Simulation", Slow)
    if slow == simulation.ATTEMPTS:
        with pytest.raises(TooSlow):
            await simulation.simulate(SCENARIO)
    else:
        assert await simulation.simulate(SCENARIO) == ({"status": "closed"}, [f"try {slow + 1}"])
    assert len(servers) == min(slow + 1, simulation.ATTEMPTS)


@pytest.mark.parametrize("failures", [0, START_ATTEMPTS - 1, START_ATTEMPTS])
async def test_a_server_that_does_not_answer_in_time_is_started_again_and_then_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    tries: list[object] = []

    async def start(**_: object) -> Any:
        tries.append(object())
        if len(tries) <= failures:
            raise RuntimeError("Failed starting Temporal CLI server: did not start within 5s")

        async def shutdown() -> None:
            return

        return SimpleNamespace(shutdown=shutdown)

    monkeypatch.setattr(WorkflowEnvironment, "start_time_skipping_v2", start)
    if failures == START_ATTEMPTS:
        with pytest.raises(CaseError, match=r"for virtual time did not start: .* within 5s"):
            async with virtual_server():
                pass
    else:
        async with virtual_server():
            pass
    assert len(tries) == min(failures + 1, START_ATTEMPTS)


class Switch:
    """A server's switch, which is on while a block runs."""

    on = False

    @contextmanager
    def with_time_skipping_disabled(self) -> Iterator[None]:
        assert not self.on
        self.on = True
        yield
        self.on = False


async def test_two_openings_never_turn_the_servers_switch_under_each_other() -> None:
    server: Any = Switch()

    async def opening() -> bool:
        async with time_moved_by_hand(server):
            await asyncio.sleep(0)
            return bool(server.on)

    assert await asyncio.gather(*(opening() for _ in range(5))) == [True] * 5
    assert not server.on


class Looked(VirtualCase):
    """A case that counts its queries, and is busy at every second one."""

    looks = 0

    async def _resting(self) -> RestingCase | None:
        self.looks += 1
        return (
            RestingCase(cast("CaseView", SimpleNamespace(timeline=[])), NINE, timedelta(0), 5)
            if self.looks % 2
            else None
        )


class Told(VirtualCase):
    """A case whose history grows when another tells it something."""

    events, looks = 5, 0

    async def _idle(self) -> tuple[timedelta, int]:
        return timedelta(hours=1), self.events

    async def _view(self) -> CaseView:
        self.looks += 1
        return cast("CaseView", SimpleNamespace(timeline=[], next=None))


async def test_a_case_that_another_may_have_told_something_is_queried_again_only_if_its_history_has_grown() -> None:
    case = Told("server", "handle", NINE)  # type: ignore[arg-type]
    await case.rest()
    case.look_again()
    await case.rest()
    assert case.looks == 1
    case.events += 2
    await case.rest()
    assert case.looks == 1, "nobody has doubted it since"
    case.look_again()
    assert (await case.rest()).events == 7
    assert case.looks == 2


class Skipping:
    """A server that skips time."""

    async def fast_forward(self, handle: object, length: timedelta) -> None:
        assert (handle, length) == ("handle", timedelta(hours=1))


async def test_a_case_at_rest_is_looked_at_again_once_it_was_acted_upon_or_its_time_was_moved() -> None:
    server, handle = Skipping(), "handle"
    case = Looked(server, handle, NINE)  # type: ignore[arg-type]
    assert await case.rest() is await case.rest()
    assert case.looks == 1
    assert case.handle_for_change() == handle
    await case.rest()
    assert case.looks == 3, "busy at first"
    await case._skip(timedelta(hours=1))
    await case.rest()
    assert case.looks == 5


@pytest.mark.parametrize(("finished", "seconds", "beyond"), [(False, 59, False), (False, 60, True), (True, 60, False)])
def test_a_case_whose_time_was_skipped_too_far_is_noticed(seconds: int, *, finished: bool, beyond: bool) -> None:
    two_days = timedelta(days=2)
    seen = cast("CaseView", SimpleNamespace(finished=finished))
    resting = RestingCase(seen, NINE, two_days + timedelta(seconds=seconds), 5)

    with pytest.raises(TooSlow, match="beyond the next step") if beyond else nullcontext():
        resting.not_beyond(two_days)
