"""Calls executed locally: short, limited per shop, and left to the regular activity where they cannot be made."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import douyin_reship
from activities.effects import process_activities
from activities.error_interceptor import ErrorInterceptor
from activities.local_calls import LocalCalls, TokenBucket
from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.tokens import TokenStore
from aftersales.sandbox.douyin.faults import Fault
from cases.errors import BadForm, NoCredentials, PlatformRefused, PlatformUnreachable
from cases.messages import EffectCall, EffectOutcome
from tests.support.patience import PATIENCE_SECONDS
from tests.support.platforms.sandboxes import APPS, sandbox_at_work
from tests.support.rules.machines import after

SECOND = timedelta(seconds=1)


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def call(shop_id: str = "1001", own_id: str = "1") -> EffectCall:
    return EffectCall(
        key="c/1",
        case_id="c",
        process="douyin_reship",
        shop_id=shop_id,
        effect="agree_on_platform",
        label="同意",
        rule="agree",
        at=after("0s"),
        facts={"after_sale_id": own_id},
    )


async def made(calls: LocalCalls, shop_id: str, what: Callable[[], Awaitable[Any]], *, local: bool = True) -> Any:
    """Make a call from within an activity that may take a second."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, is_local=local, start_to_close_timeout=SECOND)
    return await environment.run(calls.call, shop_id, what)


async def done() -> str:
    return "done"


def test_a_bucket_saves_up_one_second_and_no_more() -> None:
    clock = Clock()
    bucket = TokenBucket(3, clock)
    taken = []
    for now in (0.0, 0.4, 100.0):
        clock.now = now
        taken.append([bucket.take() for _ in range(4)].count(True))
    assert taken == [3, 1, 3]


def test_a_rate_below_one_a_second_still_gives_one_call_at_its_time() -> None:
    clock = Clock()
    bucket = TokenBucket(0.5, clock)
    taken = []
    for now in (0.0, 1.0, 2.0, 3.9, 4.0):
        clock.now = now
        taken.append(bucket.take())
    assert taken == [True, False, True, False, True]


async def test_without_a_rate_nothing_is_limited() -> None:
    calls = LocalCalls()
    assert [await made(calls, "S1", done) for _ in range(200)] == ["done"] * 200


async def test_a_shop_that_has_had_its_share_is_left_to_the_regular_activity_and_others_are_not() -> None:
    calls = LocalCalls(2, Clock())
    for shop in ("S1", "S2"):
        for _ in range(2):
            assert await made(calls, shop, done) == "done"
        with pytest.raises(ApplicationError, match=shop) as left:
            await made(calls, shop, done)
        assert (left.value.type, left.value.non_retryable) == ("NotHere", True)


async def test_a_regular_activity_is_limited_by_the_server_alone() -> None:
    calls = LocalCalls(1, Clock())
    assert [await made(calls, "S1", done, local=False) for _ in range(5)] == ["done"] * 5
    assert await made(calls, "S1", done) == "done"


async def test_a_worker_without_credentials_leaves_a_local_call_and_refuses_a_regular_one() -> None:
    async def unknown() -> None:
        raise NoCredentials("no credentials for shop: S1", ("shop_id",))

    with pytest.raises(ApplicationError, match="S1") as left:
        await made(LocalCalls(), "S1", unknown)
    assert (left.value.type, left.value.non_retryable) == ("NotHere", True)
    with pytest.raises(BadForm):
        await made(LocalCalls(), "S1", unknown, local=False)


@pytest.mark.parametrize("error", [PlatformRefused("不行"), PlatformUnreachable("忙"), BadForm("x"), ValueError("x")])
async def test_what_a_call_raises_is_raised(error: Exception) -> None:
    async def fails() -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        await made(LocalCalls(), "S1", fails)


async def test_a_local_call_reports_before_its_time_is_over_that_there_was_no_answer() -> None:
    cut = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(PlatformUnreachable, match=r"no answer within 0\.9 s"):
            await made(LocalCalls(), "S1", hangs)
    assert cut.is_set()


@workflow.defn(name="decides", sandboxed=False)
class Decides:
    """Makes a call locally, and if that is not possible regularly; returns which of them answered, and what."""

    @workflow.run
    async def run(self, what: EffectCall) -> list[Any]:
        name = f"{what.process}.{what.effect}"
        try:
            answer = await workflow.execute_local_activity(
                name,
                what,
                result_type=EffectOutcome,
                start_to_close_timeout=SECOND,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ApplicationError as error:  # of a local activity it comes without an ActivityError around it
            if error.type == "PlatformRefused":
                raise
            answer = await workflow.execute_activity(
                name,
                what,
                result_type=EffectOutcome,
                start_to_close_timeout=30 * SECOND,
                retry_policy=RetryPolicy(maximum_attempts=3),
            )
            return [error.type, answer]
        return ["local", answer]


async def decide(
    server: WorkflowEnvironment, marketplaces: Marketplaces, what: EffectCall, calls: LocalCalls | None = None
) -> Any:
    queue = uuid.uuid4().hex
    async with Worker(
        server.client,
        task_queue=queue,
        workflows=[Decides],
        activities=list(
            process_activities(
                "douyin_reship", douyin_reship.EFFECTS, marketplaces, InMemoryLedger(), local_calls=calls
            )
        ),
        interceptors=[ErrorInterceptor()],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        way, answer = await server.client.execute_workflow("decides", what, id=queue, task_queue=queue)
    return way, EffectOutcome.model_validate(answer)


@pytest.mark.parametrize(
    ("fault", "way", "outcome"),
    [
        (None, "local", EffectOutcome(said="success (log_id sandbox)")),
        # Taken, but too slowly for the local call: the regular one finds it done.
        (Fault(kind="slow", method="afterSale.operate", seconds=20, count=1), "PlatformUnreachable", None),
        (Fault(kind="http_500", method="afterSale.operate", count=1, performed=True), "PlatformUnreachable", None),
    ],
)
async def test_g_10_a_decision_is_answered_locally_or_by_the_regular_activity_and_taken_once(
    environment: WorkflowEnvironment, fault: Fault | None, way: str, outcome: EffectOutcome | None
) -> None:
    async with sandbox_at_work() as platform:
        own = platform.sandbox.apply("1001", "一直未收到货", 100).after_sale_id
        if fault:
            platform.sandbox.faults.add(fault)
        access = APPS.of("douyin").model_copy(update={"address": f"{platform.address}/douyin"})
        secrets = APPS.model_copy(update={"douyin": access})
        async with Marketplaces(secrets, TokenStore()) as marketplaces:
            answered = await decide(environment, marketplaces, call(own_id=own))
        record = platform.sandbox.record(own)

    assert answered == (way, outcome or EffectOutcome(already=True))
    assert record is not None
    assert [entry.action for entry in record.log] == ["发起售后申请", "同意补寄"]


async def test_what_is_not_for_here_is_done_by_the_regular_activity(environment: WorkflowEnvironment) -> None:
    calls = LocalCalls(1, Clock())
    assert await made(calls, "1001", done) == "done"
    async with sandbox_at_work() as platform:
        own = platform.sandbox.apply("1001", "一直未收到货", 100).after_sale_id
        access = APPS.of("douyin").model_copy(update={"address": f"{platform.address}/douyin"})
        async with Marketplaces(APPS.model_copy(update={"douyin": access}), TokenStore()) as marketplaces:
            answered = await decide(environment, marketplaces, call(own_id=own), calls)
            with pytest.raises(WorkflowFailureError) as failed:
                await decide(environment, marketplaces, call("unknown shop", own))
    assert answered == ("NotHere", EffectOutcome(said="success (log_id sandbox)"))
    refusal = failed.value.cause.cause  # type: ignore[union-attr]  # of the regular activity
    assert isinstance(refusal, ApplicationError)
    assert (refusal.type, refusal.non_retryable) == ("NoCredentials", True)


async def test_g_10_a_refusal_ends_the_local_call_with_the_platforms_words(
    environment: WorkflowEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    async with sandbox_at_work() as platform:
        own = platform.sandbox.apply("1001", "一直未收到货", 100).after_sale_id
        platform.sandbox.faults.add(Fault(kind="refuse", method="afterSale.operate", text="店铺被处罚"))
        access = APPS.of("douyin").model_copy(update={"address": f"{platform.address}/douyin"})
        async with Marketplaces(APPS.model_copy(update={"douyin": access}), TokenStore()) as marketplaces:
            with pytest.raises(WorkflowFailureError) as failed:
                await decide(environment, marketplaces, call(own_id=own))
    refusal = failed.value.cause
    assert isinstance(refusal, ApplicationError)
    assert (refusal.type, refusal.non_retryable) == ("PlatformRefused", True)
    assert "店铺被处罚" in refusal.message
    assert [record for record in caplog.records if record.exc_info] == [], "no traceback is logged"
