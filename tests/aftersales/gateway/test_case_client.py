"""Feeding cases on a real Temporal server."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from activities.reconcile import catch_up_activity
from aftersales.gateway import case_client
from aftersales.gateway.case_client import CaseClient, FeedResult
from aftersales.gateway.reconciler import Reconciler
from aftersales.gateway.senders import NotItsShop
from aftersales.platforms.adapter import MessageAdapter, ReconcilableAdapter
from aftersales.platforms.douyin.reship_reading import needs_record
from aftersales.platforms.inbound import LOOK, CaseKey
from aftersales.runtime.client.known_cases import EndedEarly, find_workflow
from aftersales.runtime.client.revival import revive
from aftersales.runtime.temporal.connection import TemporalUnreachable
from cases.errors import BadForm, CaseError, LedgerUnreachable, PlatformRefused, PlatformUnreachable
from cases.ledger import KnownCase
from cases.messages import CatchUp, CatchUpCall, Opening, Report
from tests.conftest import TASK_QUEUE
from tests.support.processes.claims import claim_facts
from tests.support.records.booking import ended
from tests.support.records.register import Register
from tests.support.rules.machines import SHIPMENT
from tests.support.temporal.early_ends import forgotten
from tests.support.temporal.life import PROCESS, eventually, facts, fired, whole_now
from workflows.opening import start_case
from workflows.registry import PROCESSES

SHOP = "S1"


class Archive(MessageAdapter):
    """An adapter whose records have every after-sale, or fail."""

    def __init__(self, **facts_of_record: Any) -> None:
        self.opened_with, self.asked, self.read = facts_of_record, list[str](), list[str]()
        self.story_told: list[Report] = [report("detail/withdraw", "withdraw", look=True)]
        self.fails: Exception | None = None
        self.record_of: str | None = None

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        raise NotImplementedError

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        raise NotImplementedError

    def needs_record(self, report: Report) -> bool:
        return needs_record(report)

    async def facts(self, shop_id: str, own_id: str) -> dict[str, Any]:
        self.asked.append(own_id)
        if self.fails:
            raise self.fails
        return facts(own_id, shop_id=self.record_of or shop_id, **self.opened_with)

    async def story(self, shop_id: str, own_id: str) -> list[Report]:
        self.read.append(own_id)
        return [entry.model_copy(update={"message_id": f"{entry.message_id}/{shop_id}"}) for entry in self.story_told]


@pytest.fixture
def own_id() -> str:
    return uuid.uuid4().hex[:12]


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def ledger() -> Register:
    return Register()


@pytest.fixture
def feeder(worker: None, environment: WorkflowEnvironment, archive: Archive, ledger: Register) -> CaseClient:
    return made(environment.client, archive, ledger=ledger)


def made(client: Client, archive: Archive, **options: Any) -> CaseClient:
    async def connect() -> Client:
        return client

    return CaseClient(connect, {PROCESS: archive}, TASK_QUEUE, options.pop("ledger", None) or Register(), **options)


def report(message_id: str, rule: str, **fields: Any) -> Report:
    return Report(message_id=message_id, rule=rule, **fields)


def case(own_id: str) -> CaseKey:
    return CaseKey(PROCESS, SHOP, own_id)


async def seen(environment: WorkflowEnvironment, own_id: str) -> dict[str, Any]:
    view: dict[str, Any] = await environment.client.get_workflow_handle(f"{PROCESS}/{own_id}").query("view")
    return view


async def test_a_new_case_is_opened_with_the_platforms_facts_and_signalled_at_once(
    feeder: CaseClient, environment: WorkflowEnvironment, archive: Archive, own_id: str
) -> None:
    with environment.with_time_skipping_disabled():
        assert (await feeder.feed(case(own_id), report("m1", "agree"))).result == FeedResult.OPENED
        assert fired(await seen(environment, own_id)) == ["agree"]
    assert archive.asked == [own_id]


async def test_an_open_case_is_signalled_without_asking_the_platform(
    feeder: CaseClient, environment: WorkflowEnvironment, archive: Archive, own_id: str
) -> None:
    with environment.with_time_skipping_disabled():
        assert (await feeder.feed(case(own_id), None)).result == FeedResult.OPENED
        assert (await feeder.feed(case(own_id), None)).result == FeedResult.KNOWN
        for _ in range(2):
            assert (await feeder.feed(case(own_id), report("m1", "agree"))).result == FeedResult.SIGNALLED
        view = await seen(environment, own_id)
    assert (fired(view), view["ignored"]) == (["agree"], [])
    assert archive.asked == [own_id]


class Watcher(Archive):
    """An adapter whose messages are about cases that people open."""

    opens = False


async def test_a_message_about_a_case_that_only_people_open_opens_none(
    worker: None, environment: WorkflowEnvironment, own_id: str
) -> None:
    watcher = Watcher()
    client = made(environment.client, watcher)
    for message in (report("m1", "agree"), None):
        fed = await client.feed(case(own_id), message)
        assert fed.result == FeedResult.NO_CASE
        assert "没有此案件" in fed.note
    assert watcher.asked == []
    with environment.with_time_skipping_disabled():
        await start_case(
            environment.client, TASK_QUEUE, PROCESSES[PROCESS], Opening(facts=facts(own_id, shop_id=SHOP), policy={})
        )
        assert (await client.feed(case(own_id), report("m2", "agree"))).result == FeedResult.SIGNALLED
        assert fired(await seen(environment, own_id)) == ["agree"]


async def test_the_platform_is_not_asked_for_the_record_of_a_case_that_nobody_opened(
    worker: None, environment: WorkflowEnvironment, own_id: str
) -> None:
    watcher = Watcher()
    client = made(environment.client, watcher)
    unclear = report("m1", "withdraw")
    assert watcher.needs_record(unclear)
    assert (await client.feed(case(own_id), unclear)).result == FeedResult.NO_CASE
    assert watcher.read == []
    opening = Opening(facts=facts(own_id, shop_id=SHOP), policy={})
    await start_case(environment.client, TASK_QUEUE, PROCESSES[PROCESS], opening)
    assert (await client.feed(case(own_id), unclear)).result == FeedResult.SIGNALLED
    assert watcher.read == [own_id]


@pytest.mark.parametrize("adapter", [Archive, Watcher])
async def test_what_was_read_from_the_record_does_not_make_it_be_read_again(
    worker: None, environment: WorkflowEnvironment, own_id: str, adapter: type[Archive]
) -> None:
    archive = adapter()
    client, from_record = made(environment.client, archive), report("detail/withdraw", "withdraw", look=True)
    assert archive.needs_record(from_record)
    opening = Opening(facts=facts(own_id, shop_id=SHOP), policy={})
    await start_case(environment.client, TASK_QUEUE, PROCESSES[PROCESS], opening)
    assert (await client.feed(case(own_id), from_record)).result == FeedResult.SIGNALLED
    assert archive.read == []


async def test_a_case_that_has_closed_stays_closed(
    feeder: CaseClient, environment: WorkflowEnvironment, archive: Archive, own_id: str
) -> None:
    assert (await feeder.feed(case(own_id), report("m1", "withdraw"))).result == FeedResult.OPENED
    await environment.client.get_workflow_handle(f"{PROCESS}/{own_id}").result()
    for message in (report("m2", "agree"), None):
        fed = await feeder.feed(case(own_id), message)
        assert fed.result == FeedResult.CLOSED
        assert "买家已撤销" in fed.note
    assert archive.asked == [own_id]


async def test_many_messages_of_a_new_case_at_once_open_it_once_and_lose_nothing(
    feeder: CaseClient, environment: WorkflowEnvironment, own_id: str
) -> None:
    with environment.with_time_skipping_disabled():
        reports = [report(f"m{number}", "sign") for number in range(8)]
        answers = await asyncio.gather(*(feeder.feed(case(own_id), message) for message in reports))
        view = await seen(environment, own_id)
    assert {fed.result for fed in answers} <= {FeedResult.OPENED, FeedResult.SIGNALLED}
    assert sorted(ignored["message_id"] for ignored in view["ignored"]) == [f"m{number}" for number in range(8)]


class OpenedMeanwhile(Register):
    """A ledger that learns of another message's case just before it is asked the first time."""

    opens: Callable[[], Awaitable[object]]
    loop: asyncio.AbstractEventLoop

    def known(self, case_ids: Sequence[str]) -> dict[str, KnownCase]:
        if not self.asked:
            self.asked.append("first")
            asyncio.run_coroutine_threadsafe(self.opens(), self.loop).result(20)
        return super().known(case_ids)


async def test_a_message_is_not_lost_if_another_opens_its_case_before_the_ledger_is_asked(
    worker: None, environment: WorkflowEnvironment, archive: Archive, own_id: str
) -> None:
    ledger = OpenedMeanwhile()
    ours, other = (made(environment.client, archive, ledger=ledger) for _ in range(2))
    ledger.opens, ledger.loop = lambda: other.feed(case(own_id), report("m1", "sign")), asyncio.get_running_loop()
    with environment.with_time_skipping_disabled():
        fed = await ours.feed(case(own_id), report("m2", "sign"))
        view = await seen(environment, own_id)

    assert fed.result == FeedResult.SIGNALLED
    assert sorted(ignored["message_id"] for ignored in view["ignored"]) == ["m1", "m2"]


async def test_opening_with_a_report_signals_an_open_case_and_refuses_a_closed_one(
    worker: None, environment: WorkflowEnvironment, own_id: str
) -> None:
    client, process, opening = environment.client, PROCESSES[PROCESS], Opening(facts=facts(own_id))
    with environment.with_time_skipping_disabled():
        await start_case(client, TASK_QUEUE, process, opening)
        with pytest.raises(WorkflowAlreadyStartedError):
            await start_case(client, TASK_QUEUE, process, opening)
        handle = await start_case(client, TASK_QUEUE, process, opening, report={"message_id": "m1", "rule": "withdraw"})
        assert (await handle.result()) == {**(await handle.result()), "state": ["withdrawn"]}
        with pytest.raises(WorkflowAlreadyStartedError):
            await start_case(client, TASK_QUEUE, process, opening, report={"message_id": "m2", "rule": "withdraw"})


async def test_dr_15_a_modification_without_its_reason_is_reported_as_the_record_has_it(
    environment: WorkflowEnvironment, worker: None, own_id: str
) -> None:
    archive = Archive(reason="short_shipped")
    archive.story_told = [report("detail/modify", "modify", form={"reason": "never_received"}, look=True)]
    feeder = made(environment.client, archive)
    with environment.with_time_skipping_disabled():
        await feeder.feed(case(own_id), report("m1", "refuse"))
        await feeder.feed(case(own_id), report("m2", "modify"))
        assert fired(await seen(environment, own_id)) == ["refuse", "modify"]
        await feeder.feed(case(own_id), report("m3", "refuse"))
        assert (await seen(environment, own_id))["state"] == ["arbitration"]
    assert (archive.asked, archive.read) == ([own_id], [own_id])


async def test_dr_18_the_end_of_a_case_is_reported_as_the_record_has_it_whatever_its_message_may_mean(
    environment: WorkflowEnvironment, worker: None, own_id: str
) -> None:
    archive = Archive()
    archive.story_told = [report("detail/request", "request_intervention", otherwise=("refuse",), look=True)]
    archive.story_told += [report("detail/dismiss", "rule_dismiss", look=True)]
    feeder = made(environment.client, archive)
    assert (await feeder.feed(case(own_id), report("m1", "withdraw"))).result == FeedResult.OPENED
    assert (await environment.client.get_workflow_handle(f"{PROCESS}/{own_id}").result())["state"] == ["dismissed"]


async def test_a_record_that_has_nothing_to_tell_only_opens_its_case(
    environment: WorkflowEnvironment, worker: None, own_id: str
) -> None:
    archive = Archive()
    archive.story_told = []
    with environment.with_time_skipping_disabled():
        fed = await made(environment.client, archive).feed(case(own_id), report("m1", "modify"))
        assert fed.result == FeedResult.OPENED
        assert fired(await seen(environment, own_id)) == []


async def test_what_could_not_be_read_makes_its_case_look_at_the_record(
    environment: WorkflowEnvironment, worker: None, own_id: str
) -> None:
    archive = Archive()
    archive.story_told = [report("detail/agree", "agree", look=True)]
    feeder = made(environment.client, archive)
    with environment.with_time_skipping_disabled():
        await feeder.feed(case(own_id), None)
        for _ in range(2):
            assert (await feeder.feed(case(own_id), LOOK)).result is FeedResult.SIGNALLED
        view = await seen(environment, own_id)
    assert (fired(view), view["ignored"]) == (["agree"], [])
    assert archive.read == [own_id, own_id]


ALL_KINDS = (None, LOOK, Report(message_id="m2", rule="agree"), Report(message_id="m3", rule="modify"))


async def test_nothing_that_is_said_of_another_shop_s_case_reaches_it(
    feeder: CaseClient, environment: WorkflowEnvironment, archive: Archive, own_id: str
) -> None:
    fresh = made(environment.client, archive)
    with environment.with_time_skipping_disabled():
        await feeder.feed(case(own_id), report("m1", "sign"))
        before = await seen(environment, own_id)
        for message in ALL_KINDS:
            for client in (feeder, fresh):  # one that knows of which shop the case is, and one that has to ask
                with pytest.raises(NotItsShop, match="S2"):
                    await client.feed(CaseKey(PROCESS, "S2", own_id), message)
        after = await seen(environment, own_id)
    assert (after["timeline"], after["ignored"]) == (before["timeline"], before["ignored"])
    assert archive.read == []


async def test_a_message_of_another_shop_does_not_wait_until_a_case_is_revived(
    feeder: CaseClient, environment: WorkflowEnvironment, own_id: str
) -> None:
    with environment.with_time_skipping_disabled():
        await feeder.feed(case(own_id), None)
        await environment.client.get_workflow_handle(f"{PROCESS}/{own_id}").terminate()
        for message in ALL_KINDS:
            with pytest.raises(NotItsShop):
                await made(environment.client, Archive()).feed(CaseKey(PROCESS, "S2", own_id), message)


async def test_no_case_is_opened_for_another_shop_than_its_record_names(
    feeder: CaseClient, environment: WorkflowEnvironment, archive: Archive, own_id: str
) -> None:
    archive.record_of = SHOP
    with pytest.raises(NotItsShop):
        await feeder.feed(CaseKey(PROCESS, "S2", own_id), report("m1", "agree"))
    assert await find_workflow(environment.client, f"{PROCESS}/{own_id}") is None


async def test_temporal_is_asked_once_of_which_shop_a_case_is(
    environment: WorkflowEnvironment, worker: None, own_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def counting(client: Client, case_id: str, rpc_timeout: timedelta | None = None) -> Any:
        asked.append(case_id)
        return await find_workflow(client, case_id, rpc_timeout)

    monkeypatch.setattr(case_client, "find_workflow", counting)
    monkeypatch.setattr(case_client, "SHOPS_KEPT", 1)
    one, other = own_id, uuid.uuid4().hex[:12]
    with environment.with_time_skipping_disabled():
        await made(environment.client, Archive()).feed(case(one), None)
        await made(environment.client, Archive()).feed(case(other), None)
        feeder = made(environment.client, Archive())
        asked.clear()
        for own in (one, one, other, other, one):
            await feeder.feed(case(own), report(f"m{len(asked)}", "sign"))
    assert [case_id.partition("/")[2] for case_id in asked] == [one, other, one]


async def test_a_message_waits_while_a_case_started_by_hand_does_not_say_of_which_shop_it_is(
    feeder: CaseClient, environment: WorkflowEnvironment, own_id: str
) -> None:
    with environment.with_time_skipping_disabled():
        handle = await environment.client.start_workflow(
            PROCESS, {"facts": facts(own_id, shop_id=SHOP)}, id=f"{PROCESS}/{own_id}", task_queue="nobody works here"
        )
        with pytest.raises(CaseError, match="of which shop"):
            await feeder.feed(case(own_id), report("m1", "agree"))
        await handle.terminate()


async def test_a_shop_s_own_figures_count(worker: None, environment: WorkflowEnvironment, own_id: str) -> None:
    figures = {SHOP: {PROCESS: {"shipping": "3h"}}, "S2": {PROCESS: {"shipping": "5h"}}}
    feeder = made(environment.client, Archive(), figures=figures)
    with environment.with_time_skipping_disabled():
        await feeder.feed(case(own_id), None)
        assert (await seen(environment, own_id))["policy"]["shipping"]["value"] == "3h"


@pytest.mark.parametrize("bad", [PlatformUnreachable("no answer"), PlatformRefused("no such"), BadForm("no shop")])
async def test_where_the_platform_does_not_tell_no_case_is_opened(
    feeder: CaseClient, environment: WorkflowEnvironment, archive: Archive, own_id: str, bad: Exception
) -> None:
    archive.fails = bad
    for message in (None, report("m1", "agree")):
        with pytest.raises(type(bad)):
            await feeder.feed(case(own_id), message)
    with pytest.raises(RPCError):
        await environment.client.get_workflow_handle(f"{PROCESS}/{own_id}").describe()


async def test_facts_that_open_no_case_say_which_field(feeder: CaseClient, archive: Archive, own_id: str) -> None:
    archive.opened_with["order_amount"] = "much"
    with pytest.raises(BadForm, match="order_amount"):
        await feeder.feed(case(own_id), report("m1", "agree"))


async def test_an_outage_of_temporal_is_told_apart_and_survived(
    environment: WorkflowEnvironment, worker: None, archive: Archive, own_id: str
) -> None:
    tries = 0

    async def connect() -> Client:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise TemporalUnreachable("no Temporal server answers")
        return environment.client

    feeder = CaseClient(connect, {PROCESS: archive}, TASK_QUEUE, Register())
    with environment.with_time_skipping_disabled():
        with pytest.raises(TemporalUnreachable):
            await feeder.feed(case(own_id), None)
        assert archive.asked == []
        for _ in range(2):
            await feeder.feed(case(own_id), None)
    assert tries == 2


async def test_a_missing_namespace_is_not_taken_for_a_new_case(
    environment: WorkflowEnvironment, archive: Archive, own_id: str
) -> None:
    config = environment.client.config()
    config["namespace"] = "nowhere"
    for message in (None, report("m1", "agree")):
        with pytest.raises(TemporalUnreachable, match="nowhere"):
            await made(Client(**config), archive).feed(case(own_id), message)
    assert archive.asked == []


async def test_a_refusal_of_one_case_is_not_taken_for_an_outage(
    feeder: CaseClient, environment: WorkflowEnvironment, own_id: str
) -> None:
    larger_than_temporal_takes = Report.model_construct(rule="agree", form={"x": "x" * 3_000_000})
    with environment.with_time_skipping_disabled():
        await feeder.feed(case(own_id), None)
        with pytest.raises(RPCError) as refused:
            await feeder.feed(case(own_id), larger_than_temporal_takes)
    assert refused.value.status is RPCStatusCode.INVALID_ARGUMENT


async def test_a_case_that_cannot_be_opened_by_hand_is_not_taken_for_open(
    feeder: CaseClient, environment: WorkflowEnvironment, own_id: str
) -> None:
    handle = await environment.client.start_workflow(
        PROCESS, {"facts": {}}, id=f"{PROCESS}/{own_id}", task_queue=TASK_QUEUE
    )
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    with pytest.raises(EndedEarly, match="delete that workflow"):
        await feeder.feed(case(own_id), report("m1", "agree"))


@pytest.mark.parametrize("message", [None, Report(message_id="late", rule="agree")])
async def test_g_14_a_case_that_temporal_has_forgotten_is_not_opened_again_and_it_is_said_where_it_ended(
    feeder: CaseClient,
    environment: WorkflowEnvironment,
    archive: Archive,
    ledger: Register,
    own_id: str,
    message: Report | None,
) -> None:
    await feeder.feed(case(own_id), report("m1", "withdraw"))
    await environment.client.get_workflow_handle(f"{PROCESS}/{own_id}").result()
    ledger.record_outcome(ended(own_id, "withdrawn", process=PROCESS))
    await forgotten(environment.client, f"{PROCESS}/{own_id}")
    fed = await feeder.feed(case(own_id), message)
    assert fed.result is FeedResult.CLOSED
    assert fed.note.startswith("closed: 此前已新建,已于 2026-11-05 09:00 结束 / opened before, ended: 买家已撤销")
    assert await find_workflow(environment.client, f"{PROCESS}/{own_id}") is None
    assert archive.asked == [own_id]


class Listing(Archive, ReconcilableAdapter):
    """An archive that lists some records as changed."""

    def __init__(self, *changed: str) -> None:
        super().__init__()
        self.listed = changed

    async def changed(self, shop_id: str, since: datetime, until: datetime) -> AsyncIterator[str]:
        del shop_id, since, until
        for own_id in self.listed:
            yield own_id


async def test_g_14_a_repeated_look_opens_no_forgotten_case_and_tells_no_open_one_anything_twice(
    worker: None, environment: WorkflowEnvironment, ledger: Register, own_id: str
) -> None:
    over = uuid.uuid4().hex[:12]
    archive = Listing(own_id, over)
    archive.story_told = [report("detail/agree", "agree", look=True)]
    client = made(environment.client, archive, ledger=ledger)
    look = CatchUpCall(platform="douyin", shop_id=SHOP, since=whole_now(), until=whole_now())
    with environment.with_time_skipping_disabled():
        await client.feed(case(over), None)
        await environment.client.get_workflow_handle(f"{PROCESS}/{over}").terminate()
        ledger.record_outcome(ended(over, "withdrawn", process=PROCESS))
        await forgotten(environment.client, f"{PROCESS}/{over}")
        views, counts = list[dict[str, Any]](), list[CatchUp]()
        for _ in range(2):
            activity = catch_up_activity({"douyin": Reconciler({PROCESS: archive}, client.feed).reconcile})
            counts.append(await ActivityEnvironment().run(activity, look))
            views.append(await seen(environment, own_id))
    assert counts == [CatchUp(records=2, opened=1), CatchUp(records=2)]
    first, second = ([view[name] for name in ("timeline", "ignored", "notifications", "effects")] for view in views)
    assert first == second
    assert fired(views[0]) == ["agree"]
    assert await find_workflow(environment.client, f"{PROCESS}/{over}") is None


async def test_g_14_a_case_is_entered_in_the_ledger_when_it_is_opened_and_only_a_new_one_is_asked_for(
    feeder: CaseClient, environment: WorkflowEnvironment, ledger: Register, own_id: str
) -> None:
    with environment.with_time_skipping_disabled():
        for number in range(3):
            await feeder.feed(case(own_id), report(f"m{number}", "sign"))
    (entered,) = ledger.entered
    assert (entered.case_id, entered.shop_id, entered.order) == (f"{PROCESS}/{own_id}", SHOP, "O1")
    assert ledger.asked == [f"{PROCESS}/{own_id}"]


async def test_g_14_while_the_ledger_is_away_open_cases_are_signalled_and_new_ones_wait(
    feeder: CaseClient, environment: WorkflowEnvironment, ledger: Register, own_id: str
) -> None:
    new = uuid.uuid4().hex[:12]
    with environment.with_time_skipping_disabled():
        await feeder.feed(case(own_id), None)
        ledger.away = True
        assert (await feeder.feed(case(own_id), report("m1", "agree"))).result is FeedResult.SIGNALLED
        with pytest.raises(LedgerUnreachable):
            await feeder.feed(case(new), report("m1", "agree"))
        assert await find_workflow(environment.client, f"{PROCESS}/{new}") is None
        ledger.away = False
        assert (await feeder.feed(case(new), report("m1", "agree"))).result is FeedResult.OPENED


async def test_a_message_of_a_terminated_case_waits_until_the_case_is_revived(
    feeder: CaseClient, environment: WorkflowEnvironment, own_id: str
) -> None:
    case_id = f"{PROCESS}/{own_id}"
    with environment.with_time_skipping_disabled():
        await feeder.feed(case(own_id), report("m1", "agree"))
        assert fired(await seen(environment, own_id)) == ["agree"]
        await environment.client.get_workflow_handle(case_id).terminate()
        for message in (report("m2", "ship", form=SHIPMENT), None):
            with pytest.raises(EndedEarly, match=f"aftersales revive {case_id}"):
                await feeder.feed(case(own_id), message)
        await revive(environment.client, case_id)
        assert (await feeder.feed(case(own_id), report("m2", "ship", form=SHIPMENT))).result is FeedResult.SIGNALLED

        async def shipped() -> bool:
            return fired(await seen(environment, own_id)) == ["agree", "ship"]

        await eventually("the message counts", shipped)


class Claims(MessageAdapter):
    """An adapter for 1688's messages about claims, which are understood without reading a record."""

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        raise NotImplementedError

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        raise NotImplementedError


async def test_a_report_is_judged_by_the_adapter_of_its_own_process(
    worker: None, environment: WorkflowEnvironment, archive: Archive, own_id: str
) -> None:
    """``withdraw`` is a rule of both processes, but only a reship's needs the record."""

    async def connect() -> Client:
        return environment.client

    feeder = CaseClient(connect, {PROCESS: archive, "claim_1688": Claims()}, TASK_QUEUE, Register())
    opening = Opening(facts=claim_facts(own_id, whole_now()))
    with environment.with_time_skipping_disabled():
        handle = await start_case(environment.client, TASK_QUEUE, PROCESSES["claim_1688"], opening)
        claim = CaseKey("claim_1688", SHOP, own_id)
        assert (await feeder.feed(claim, report("m1", "withdraw"))).result == FeedResult.SIGNALLED
        assert (await handle.result()) == {**(await handle.result()), "state": ["buyer_withdrew"]}
    assert archive.read == []


async def test_a_message_of_a_process_that_takes_none_is_set_aside(feeder: CaseClient, own_id: str) -> None:
    with pytest.raises(BadForm, match="anxinjian_split"):
        await feeder.feed(CaseKey("anxinjian_split", SHOP, own_id), report("m1", "withdraw"))
