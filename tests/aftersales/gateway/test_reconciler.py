"""Reconciling: what no message reported is read from the platform's records, on a real Temporal server."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.client import Client, Schedule, ScheduleHandle, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.error_interceptor import ErrorInterceptor
from activities.reconcile import catch_up_activity
from aftersales.gateway.case_client import Fed, FeedResult
from aftersales.gateway.reconciler import AT_ONCE, MOST_FAILURES, Reconciler
from aftersales.platforms.adapter import FollowingAdapter, ReconcilableAdapter
from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.douyin_reship import DouyinReshipAdapter
from aftersales.platforms.douyin.session import DouyinAccess
from aftersales.platforms.inbound import CaseKey
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.client.known_cases import EndedEarly
from aftersales.runtime.http.http_client import Transport
from aftersales.runtime.temporal.connection import TemporalUnreachable
from aftersales.runtime.temporal.schedules import look_again, schedule_catch_up
from cases.errors import BadForm, LedgerUnreachable, PlatformUnreachable
from cases.messages import CatchUp, CatchUpCall, Report
from cases.ports import LookProgress
from tests.support.platforms.pushing import APP, SECRET, SHOP
from tests.support.platforms.serving import serving
from tests.support.rules.looks import Looked
from tests.support.temporal.life import eventually, whole_now
from workflows.reconcile import FIRST_SPAN, OVERLAP, SILENCE, CatchUpWorkflow
from workflows.worker_options import CaseRunner

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Records:
    """Douyin with a few records: after-sale id, status, when it changed."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[int, datetime]] = {}
        self.asked: list[dict[str, Any]] = []
        self.down = False

    async def _token(self, _: Request) -> Response:
        return self._data({"access_token": "t", "refresh_token": "r", "expires_in": 604800, "shop_id": int(SHOP)})

    async def _list(self, request: Request) -> Response:
        asked = await request.json()
        self.asked.append(asked)
        items = [
            {
                "aftersale_info": {
                    "aftersale_id": own_id,
                    "aftersale_status": status,
                    "aftersale_type": 7,
                    "update_time": int(at.timestamp()),
                },
                "order_info": {"shop_order_id": 1},
            }
            for own_id, (status, at) in self.rows.items()
            if asked["update_start_time"] <= at.timestamp() <= asked["update_end_time"]
        ]
        return self._data({"items": items, "has_more": False, "total": len(items), "page": 0, "size": 100})

    async def _detail(self, request: Request) -> Response:
        if self.down:
            return Response(status_code=502)
        own_id = int((await request.json())["after_sale_id"])
        status, at = self.rows[own_id]
        info = {
            "after_sale_id": own_id,
            "after_sale_status": status,
            "after_sale_type": 7 if own_id != 999 else "nonsense",
            "apply_time": int((NOW - timedelta(hours=5)).timestamp()),
            "update_time": int(at.timestamp()),
            "reason": "一直未收到货",
        }
        return self._data({"process_info": {"after_sale_info": info}, "order_info": {"shop_order_id": 1}})

    @staticmethod
    def _data(data: dict[str, Any]) -> Response:
        return JSONResponse({"code": 10000, "msg": "success", "data": data})

    def app(self) -> Starlette:
        paths = {"/token/create": self._token, "/afterSale/List": self._list, "/afterSale/Detail": self._detail}
        return Starlette(routes=[Route(path, endpoint, methods=["POST"]) for path, endpoint in paths.items()])


class Recorder:
    """A ``feed`` that records its calls, and answers that a case it has not seen before was opened."""

    def __init__(self) -> None:
        self.fed: dict[str, list[Report | None]] = {}
        self.fails: dict[str, Exception] = {}

    async def feed(self, case: CaseKey, report: Report | None) -> Fed:
        assert (case.process, case.shop_id) == ("douyin_reship", SHOP)
        own_id = case.own_id
        if bad := self.fails.get(own_id):
            raise bad
        new = own_id not in self.fed
        self.fed.setdefault(own_id, []).append(report)
        return Fed(FeedResult.OPENED if new else FeedResult.SIGNALLED)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def records() -> Records:
    return Records()


@pytest_asyncio.fixture
async def catching_up(records: Records, recorder: Recorder) -> AsyncIterator[Reconciler]:
    async with serving(records.app()) as address, Transport("douyin") as transport:
        access = DouyinAccess.model_validate_json(
            json.dumps(
                {
                    "address": address,
                    "apps": [{"app_key": APP, "app_secret": SECRET}],
                    "shops": [{"shop_id": SHOP, "app_key": APP}],
                }
            )
        )
        douyin = DouyinClient(access, transport, TokenStore())
        yield Reconciler({"douyin_reship": DouyinReshipAdapter(douyin)}, recorder.feed)


async def looked(reconciler: Reconciler, since: datetime = NOW, until: datetime = NOW) -> CatchUp:
    progress = Looked()
    call = CatchUpCall(platform="douyin", shop_id=SHOP, since=since, until=until)
    await reconciler.reconcile(call, progress)
    return progress.counts


async def test_changes_are_fed_in_order_and_with_the_same_ids_each_time(
    catching_up: Reconciler, records: Records, recorder: Recorder
) -> None:
    records.rows = {
        1: (6, NOW - timedelta(hours=5)),
        2: (13, NOW),
        3: (8, NOW - timedelta(days=9)),
    }
    result = await looked(catching_up, NOW - timedelta(days=1))
    assert result == CatchUp(records=2, opened=2)
    assert recorder.fed["1"] == [None]
    shipped = [report and report.rule for report in recorder.fed["2"]]
    assert shipped == ["agree", "ship"]
    again = dict(recorder.fed)
    recorder.fed = {"1": [], "2": []}
    assert await looked(catching_up, NOW - timedelta(days=1)) == CatchUp(records=2)
    assert recorder.fed == again


async def test_a_record_that_cannot_be_fed_does_not_stop_the_others(
    catching_up: Reconciler, records: Records, recorder: Recorder
) -> None:
    records.rows = dict.fromkeys((1, 2, 3), (8, NOW))
    recorder.fails["2"] = BadForm("order_amount")
    assert await looked(catching_up) == CatchUp(records=3, opened=2, failed=1)


async def test_a_platform_that_does_not_answer_fails_the_reconciliation(
    catching_up: Reconciler, records: Records, recorder: Recorder
) -> None:
    records.rows, records.down = dict.fromkeys(range(1, 9), (8, NOW)), True
    with pytest.raises(PlatformUnreachable):
        await looked(catching_up)


EXHAUSTED = RPCError("namespace rate limit exceeded", RPCStatusCode.RESOURCE_EXHAUSTED, b"")


@pytest.mark.parametrize("why", [EXHAUSTED, TemporalUnreachable("x"), LedgerUnreachable("x"), PlatformUnreachable("x")])
async def test_a_record_that_nobody_could_look_at_fails_the_run_once_the_others_have_been_looked_at(
    catching_up: Reconciler, records: Records, recorder: Recorder, why: Exception
) -> None:
    records.rows = dict.fromkeys((1, 2, 3, 4, 5, 6), (8, NOW))
    recorder.fails["2"] = why
    progress, call = Looked(), CatchUpCall(platform="douyin", shop_id=SHOP, since=NOW, until=NOW)
    with pytest.raises(type(why)):
        await catching_up.reconcile(call, progress)
    assert sorted(progress.done) == [f"douyin_reship/{own_id}" for own_id in (1, 3, 4, 5, 6)]
    recorder.fails.clear()
    fed = dict(recorder.fed)
    await catching_up.reconcile(call, progress)
    assert {own_id for own_id in recorder.fed if own_id not in fed} == {"2"}
    assert progress.counts == CatchUp(records=6, opened=6)


async def test_a_marketplace_that_is_down_is_not_asked_for_every_record(
    catching_up: Reconciler, records: Records, recorder: Recorder
) -> None:
    records.rows = dict.fromkeys(range(1, 101), (8, NOW))
    tries = 0

    async def refuse(*_: Any) -> Fed:
        nonlocal tries
        tries += 1
        raise EXHAUSTED

    catching_up._feed = refuse
    with pytest.raises(RPCError):
        await looked(catching_up)
    assert tries <= MOST_FAILURES + AT_ONCE


async def test_a_case_that_has_to_be_revived_holds_up_no_look(
    catching_up: Reconciler, records: Records, recorder: Recorder
) -> None:
    records.rows = dict.fromkeys((1, 2), (8, NOW))
    recorder.fails["1"] = EndedEarly("x")
    assert await looked(catching_up) == CatchUp(records=2, opened=1, failed=1)


class Parcels(ReconcilableAdapter):
    """Another process on the same marketplace, of which one record changed and is listed twice."""

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        raise NotImplementedError

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        raise NotImplementedError

    async def story(self, shop_id: str, own_id: str) -> list[Report]:
        return [Report(message_id=f"{shop_id}/{own_id}", rule="arrive")]

    async def changed(self, shop_id: str, since: datetime, until: datetime) -> AsyncIterator[str]:
        del shop_id, since, until
        for own_id in ("P1", "P1"):
            yield own_id


async def test_every_process_of_a_marketplace_is_reconciled_and_a_record_is_fed_once() -> None:
    fed: list[tuple[CaseKey, Report | None]] = []

    async def feed(case: CaseKey, report: Report | None) -> Fed:
        fed.append((case, report))
        return Fed(FeedResult.OPENED)

    result = await looked(Reconciler({"one": Parcels(), "two": Parcels()}, feed))
    assert result == CatchUp(records=2, opened=2)
    arrived = Report(message_id=f"{SHOP}/P1", rule="arrive")
    assert fed == [(CaseKey(process, SHOP, "P1"), arrived) for process in ("one", "two")]


class FakeReconciler:
    """A reconciler that records its runs, and raises ``fails`` if it is set."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, datetime, datetime]] = []
        self.fails: Exception | None = None
        self.stopped_after: list[str] = []

    async def reconcile(self, call: CatchUpCall, progress: LookProgress) -> None:
        self.runs.append((call.shop_id, call.since, call.until))
        for case_id in self.stopped_after:
            if not progress.has_looked(case_id):
                progress.looked(case_id, opened=True)
                raise PlatformUnreachable("x")
        if self.fails:
            raise self.fails
        progress.looked("douyin_reship/last", opened=False)


@pytest.fixture
def reconciler() -> FakeReconciler:
    return FakeReconciler()


@pytest_asyncio.fixture
async def queue(environment: WorkflowEnvironment, reconciler: FakeReconciler) -> AsyncIterator[str]:
    name = uuid.uuid4().hex
    async with Worker(
        environment.client,
        task_queue=name,
        workflows=[CatchUpWorkflow],
        activities=[catch_up_activity({"douyin": reconciler.reconcile})],
        workflow_runner=CaseRunner(),
        interceptors=[ErrorInterceptor()],
        graceful_shutdown_timeout=timedelta(seconds=0.1),
    ):
        yield name


async def results(handle: ScheduleHandle, client: Client, count: int) -> list[Any]:
    """Return the results of the first ``count`` runs of a schedule."""

    async def ran() -> list[str]:
        actions = (await handle.describe()).info.recent_actions
        workflow_ids = [action.action.workflow_id for action in actions]  # type: ignore[union-attr]
        return workflow_ids if len(workflow_ids) >= count else []

    ids = await eventually(f"{count} runs", ran)
    return list(await asyncio.gather(*(client.get_workflow_handle(workflow_id).result() for workflow_id in ids)))


async def test_each_run_begins_where_the_last_one_of_its_schedule_ended(
    environment: WorkflowEnvironment, queue: str, reconciler: FakeReconciler
) -> None:
    client, shop = environment.client, uuid.uuid4().hex
    with environment.with_time_skipping_disabled():
        (own_id,) = await schedule_catch_up(client, queue, "douyin", [shop])
        handle = client.get_schedule_handle(own_id)
        try:
            await results(handle, client, 1)
            await handle.trigger()
            await results(handle, client, 2)
        finally:
            await handle.delete()
    first, second = reconciler.runs
    assert own_id == f"catch-up/douyin/{shop}"
    assert first == (shop, first[2] - FIRST_SPAN, first[2])
    assert second[:2] == (shop, first[2] - OVERLAP)
    assert abs(second[2] - whole_now()) < timedelta(minutes=1)


async def test_point_10_a_run_that_could_not_see_all_does_not_move_the_window(
    environment: WorkflowEnvironment, queue: str, reconciler: FakeReconciler
) -> None:
    client, shop = environment.client, uuid.uuid4().hex
    reconciler.fails = EXHAUSTED
    with environment.with_time_skipping_disabled():
        (own_id,) = await schedule_catch_up(client, queue, "douyin", [shop])
        handle = client.get_schedule_handle(own_id)
        try:
            with pytest.raises(WorkflowFailureError):
                await results(handle, client, 1)
            tried = len(reconciler.runs)
            reconciler.fails = None
            await handle.trigger()

            async def again() -> bool:
                return len(reconciler.runs) > tried

            await eventually("the next run", again)
        finally:
            await handle.delete()
    assert reconciler.runs[tried][1] == reconciler.runs[tried][2] - FIRST_SPAN


async def test_a_shop_is_looked_at_again_from_an_instant_on_when_a_case_of_it_is_revived(
    environment: WorkflowEnvironment, queue: str, reconciler: FakeReconciler
) -> None:
    client, shop = environment.client, uuid.uuid4().hex
    since = whole_now() - timedelta(days=9)
    with environment.with_time_skipping_disabled():
        assert not await look_again(client, "douyin", shop, since)
        (own_id,) = await schedule_catch_up(client, queue, "douyin", [shop])
        handle = client.get_schedule_handle(own_id)
        try:
            await results(handle, client, 1)
            assert await look_again(client, "douyin", shop, since)

            async def again() -> bool:
                return len(reconciler.runs) == 2

            await eventually("it is looked again", again)
        finally:
            await handle.delete()
    assert reconciler.runs[1][:2] == (shop, since)


async def test_a_repeated_attempt_goes_on_where_the_last_one_stopped(
    environment: WorkflowEnvironment, queue: str, reconciler: FakeReconciler
) -> None:
    reconciler.stopped_after = ["douyin_reship/1", "douyin_reship/2"]
    result = await environment.client.execute_workflow(
        "catch_up", {"platform": "douyin", "shop_id": "S1"}, id=uuid.uuid4().hex, task_queue=queue
    )
    assert len(reconciler.runs) == 3
    assert {name: result[name] for name in ("records", "opened", "failed")} == {"records": 3, "opened": 2, "failed": 0}


async def test_the_looks_of_a_shop_have_a_share_of_their_own_and_are_missed_when_silent(
    environment: WorkflowEnvironment, queue: str
) -> None:
    handle = await environment.client.start_workflow(
        "catch_up", {"platform": "douyin", "shop_id": "S1"}, id=uuid.uuid4().hex, task_queue=queue
    )
    await handle.result()
    (scheduled,) = [
        event.activity_task_scheduled_event_attributes
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert scheduled.priority.fairness_key == "shop/S1"
    assert scheduled.heartbeat_timeout.ToTimedelta() == SILENCE


async def test_a_schedule_that_exists_takes_new_settings_and_stays_paused(
    environment: WorkflowEnvironment, queue: str
) -> None:
    client, shop = environment.client, uuid.uuid4().hex

    async def schedule() -> Schedule:
        return (await handle.describe()).schedule

    with environment.with_time_skipping_disabled():
        (own_id,) = await schedule_catch_up(client, queue, "douyin", [shop])
        handle = client.get_schedule_handle(own_id)
        try:
            await handle.pause(note="the shop is closed")
            await schedule_catch_up(client, queue, "douyin", [shop], every=timedelta(minutes=3))
            updated = await schedule()
        finally:
            await handle.delete()
    assert [interval.every for interval in updated.spec.intervals] == [timedelta(minutes=3)]
    assert (updated.state.paused, updated.state.note) == (True, "the shop is closed")
    assert updated.policy.overlap.name == "SKIP"


@pytest.mark.parametrize(
    "arguments", [[], [{}], [{"platform": "douyin"}], [1], [{"platform": "douyin", "shop_id": "S1"}, 2]]
)
async def test_a_reconciliation_without_a_shop_fails_and_says_so(
    environment: WorkflowEnvironment, queue: str, reconciler: FakeReconciler, arguments: list[Any]
) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await environment.client.execute_workflow("catch_up", args=arguments, id=uuid.uuid4().hex, task_queue=queue)
    assert "catch_up" in str(failed.value.cause)
    assert reconciler.runs == []


@pytest.mark.parametrize(("platform", "bad", "times"), [("douyin", PlatformUnreachable("x"), 3), ("jd", None, 0)])
async def test_a_reconciliation_that_fails_is_retried_if_that_may_help(
    environment: WorkflowEnvironment,
    queue: str,
    reconciler: FakeReconciler,
    platform: str,
    bad: Exception | None,
    times: int,
) -> None:
    reconciler.fails, scope = bad, {"platform": platform, "shop_id": "S1"}
    with pytest.raises(WorkflowFailureError) as failed:
        await environment.client.execute_workflow("catch_up", scope, id=uuid.uuid4().hex, task_queue=queue)
    assert len(reconciler.runs) == times
    cause = failed.value.cause.__cause__
    assert isinstance(cause, ApplicationError)
    assert cause.type == ("PlatformUnreachable" if bad else "BadForm")


class Followed(FollowingAdapter):
    """A process whose open cases are looked at in turn; each has a line more whenever it is read."""

    opens = False
    every = timedelta(hours=2)

    def __init__(self) -> None:
        self.read: list[str] = []

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        raise NotImplementedError

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        raise NotImplementedError

    async def story(self, shop_id: str, own_id: str) -> list[Report]:
        assert shop_id == SHOP
        self.read.append(own_id)
        return [Report(message_id=f"{own_id}/{line}", rule="scan") for line in range(self.read.count(own_id))]


class Open:
    """The open cases of a shop, and what they are fed."""

    def __init__(self, *own_ids: str) -> None:
        self.own_ids, self.asked, self.fed = own_ids, list[tuple[str, str]](), list[str | None]()

    async def cases(self, process: str, shop_id: str) -> AsyncIterator[str]:
        self.asked.append((process, shop_id))
        for own_id in self.own_ids:
            yield f"{process}/{own_id}"

    async def feed(self, case: CaseKey, report: Report | None) -> Fed:
        assert (case.process, case.shop_id) == ("followed", SHOP)
        self.fed.append(report and report.message_id)
        return Fed(FeedResult.SIGNALLED)


async def test_where_nothing_lists_what_changed_each_open_case_is_looked_at_in_its_turn() -> None:
    adapter, shop = Followed(), Open(*(str(number) for number in range(60)))
    reconciler = Reconciler({"followed": adapter}, shop.feed, shop.cases)
    runs = [await looked(reconciler, at, at + timedelta(minutes=10)) for at in ten_minutes(13)]

    assert shop.asked == [("followed", SHOP)] * 13
    assert {adapter.read.count(own_id) for own_id in shop.own_ids[:60]} == {1, 2}, "12 runs are a round"
    assert sum(run.records for run in runs) == len(adapter.read)
    assert max(run.records for run in runs) <= 15, "the turns are spread"


def ten_minutes(runs: int) -> list[datetime]:
    return [NOW + run * timedelta(minutes=10) for run in range(runs)]


async def test_a_followed_case_is_told_only_what_is_new() -> None:
    adapter, shop = Followed(), Open("1")
    reconciler = Reconciler({"followed": adapter}, shop.feed, shop.cases)
    for run in range(3):
        await looked(reconciler, NOW + run * timedelta(hours=2), NOW + (run + 1) * timedelta(hours=2))
    assert shop.fed == ["1/0", "1/1", "1/2"][: len(shop.fed)]
    assert len(adapter.read) == 3
