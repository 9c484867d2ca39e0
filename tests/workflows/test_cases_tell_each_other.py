"""Cases about one order, or of one shop, tell each other what concerns them, whichever was opened first (G-15)."""

import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.settings import Settings
from cases.errors import LedgerUnreachable
from cases.ledger import Booked, OpenedCase, ToldFact
from cases.messages import Opening
from tests.support.processes.advance_reports import PROOF, advance_facts
from tests.support.processes.anomalies import anomaly_facts
from tests.support.processes.claims import claim_facts
from tests.support.processes.delays import CHAT, delay_facts
from tests.support.processes.interceptions import interception_facts
from tests.support.processes.jd_shipments import PARCEL, watch_facts
from tests.support.processes.shipments import PARCEL as NUMBER
from tests.support.processes.shipments import shipment_facts
from tests.support.processes.shortages import DELETION, shortage_facts
from tests.support.rules.stage import Stage
from tests.support.temporal.early_ends import reset_by_hand
from tests.support.temporal.life import Life, at, eventually, fired, whole_now
from tests.support.temporal.life import facts as reship_facts
from tests.support.temporal.servers import start_server
from workflows.opening import start_case
from workflows.registry import PROCESSES
from workflows.replay.replayer import replay

HOUR = timedelta(hours=1)
SUGGESTED_AFTER = 52
"""Events after which the server of a test suggests to continue as new."""


class ShopLedger(SqlLedger):
    """A ledger that a test can cut off, or let hesitate to say what watches were told."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.away = False
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.answered: list[ToldFact] = []

    def prepare(self) -> None:
        if self.away:
            raise LedgerUnreachable("away")
        super().prepare()

    def told(self, case: OpenedCase) -> list[ToldFact]:
        if case.process == "jd_shipment":
            self.may_answer.wait(20)
        facts = super().told(case)
        self.answered += facts
        return facts


class World:
    """Cases in real time that share a ledger; their facts are of the hours before now."""

    def __init__(self, server: WorkflowEnvironment, client: Client, ledger: ShopLedger, queue: str) -> None:
        self.server, self.client, self.ledger, self.queue = server, client, ledger, queue
        self.stage = Stage()
        self.now = whole_now()
        self.lives: list[Life] = []

    def ago(self, hours: float) -> datetime:
        return self.now - hours * HOUR

    async def open(self, process: str, facts: dict[str, Any], **fields: Any) -> Life:
        opening = Opening(facts=facts | fields)
        handle: Any = await start_case(self.client, self.queue, PROCESSES[process], opening)
        self.lives.append(Life(self.server, handle, self.stage.scenes[handle.id], self.now))
        return self.lives[-1]

    async def watch(self, order: str, hours_ago: float = 30, **fields: Any) -> Life:
        """Watch a JD order of goods in stock, placed so many hours ago."""
        return await self.open("jd_shipment", watch_facts(self.ago(hours_ago), order, **fields))

    async def card(self, order: str, **changes: str) -> Life:
        """Open a card that was sent 20 hours ago; the order is to be shipped within 30 h more."""
        offsets = {"sent_at": "0s", "promised_ship_at": "40h", "proposed_ship_at": "50h"} | changes
        return await self.open("jd_delay_card", delay_facts(self.ago(20), order, **offsets))

    async def accept(self, card: Life) -> datetime:
        """Let the buyer accept a card three hours ago; return when."""
        instant = self.ago(3)
        await card.report(message_id="accepted", rule="accept", occurred_at=instant.isoformat())
        await until_fired(card, "accept")
        return instant

    async def late_orders(self, order: str, *statuses: str) -> list[Booked]:
        """Wait until the ledger has late orders of an order with these statuses; return them."""

        async def booked() -> list[Booked] | None:
            first = date(2000, 1, 1)
            entries = [entry for entry in self.ledger.entries(first, first.replace(year=2099)) if entry.order == order]
            return entries if [entry.status for entry in entries] == list(statuses) else None

        return await eventually(f"late orders of {order}: {statuses}", booked)  # type: ignore[no-any-return]

    async def known(self, *lives: Life) -> None:
        """Wait until the ledger knows cases, as it does before they ask what was told."""

        async def all_known() -> bool:
            return len(self.ledger.known([life.id for life in lives])) == len(lives)

        await eventually("known to the ledger", all_known)


async def until_fired(life: Life, rule: str) -> dict[str, Any]:
    return await life.until(rule, lambda seen: rule in fired(seen))


async def until_late(life: Life) -> None:
    await until_fired(life, "miss_upload")


async def until_done(life: Life, effect: str) -> None:
    """Wait until a case has performed an effect."""
    await life.until(effect, lambda seen: (effect, "done") in statuses(seen))


async def until_task(life: Life, effect: str) -> None:
    """Wait until an operator has the console task of an effect."""
    await life.until(effect, lambda seen: (effect, "console_task") in statuses(seen))


def statuses(seen: dict[str, Any]) -> list[tuple[str, str]]:
    return [(effect["effect"], effect["status"]) for effect in seen["effects"]]


def agreed(card: Life) -> datetime:
    """Return the time until which an order is exempt by its card."""
    return card.opened + 30 * HOUR


def deadlines(seen: dict[str, Any]) -> set[datetime]:
    return {datetime.fromisoformat(deadline["due"]) for deadline in seen["deadlines"]}


def signals(kinds: list[str]) -> int:
    return kinds.count("WORKFLOW_EXECUTION_SIGNALED")


@pytest.fixture
def order() -> str:
    return f"O{uuid.uuid4().hex[:10]}"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ShopLedger]:
    with ShopLedger(tmp_path / "ledger.sqlite3") as opened:
        opened.prepare()
        yield opened


async def _worlds(server: WorkflowEnvironment, ledger: ShopLedger) -> AsyncIterator[World]:
    """Yield a world on a server; replay all its histories afterwards."""
    queue = f"telling-{uuid.uuid4().hex[:8]}"
    target = server.client.service_client.config.target_host
    client = await Client.connect(target, data_converter=pydantic_data_converter)
    made = World(server, client, ledger, queue)
    settings = Settings(task_queue=queue, graceful_shutdown_seconds=0.1)
    async with make_worker(client, settings, Dependencies(made.stage, ledger, made.stage)):
        yield made
        ledger.may_answer.set()
    for life in made.lives:
        assert await life.wedged() == []
        for history in await life.histories():
            await replay(history)


@pytest_asyncio.fixture
async def world(environment: WorkflowEnvironment, ledger: ShopLedger) -> AsyncIterator[World]:
    async for made in _worlds(environment, ledger):
        yield made


@pytest_asyncio.fixture
async def world_short_of_history(ledger: ShopLedger) -> AsyncIterator[World]:
    server = await start_server("--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={SUGGESTED_AFTER}")
    async for made in _worlds(server, ledger):
        yield made
    await server.shutdown()


async def test_g_15_an_accepted_card_exempts_the_watch_that_was_opened_before(world: World, order: str) -> None:
    watch = await world.watch(order)
    await until_late(watch)
    card = await world.card(order)
    accepted = await world.accept(card)
    seen = await until_fired(watch, "exempt")
    assert (at(seen, "exempt"), seen["timeline"][-1]["way"]) == (accepted, "case")
    assert fired(seen) == ["miss_upload", "exempt"]
    assert deadlines(seen) == {agreed(card)}
    assert [entry["status"] for entry in seen["ledger"]] == ["reversed"]
    assert signals(await watch.kinds()) == 1


async def test_g_15_an_accepted_card_exempts_the_watch_that_is_opened_after(world: World, order: str) -> None:
    card = await world.card(order)
    accepted = await world.accept(card)
    await until_done(card, "exempt_by_card")
    watch = await world.watch(order)
    seen = await until_fired(watch, "exempt")
    assert (at(seen, "exempt"), seen["timeline"][-1]["way"]) == (accepted, "case")
    assert fired(seen) == ["miss_upload", "exempt"]
    assert deadlines(seen) == {agreed(card)}
    assert signals(await watch.kinds()) == 0


async def test_g_15_what_is_told_both_ways_is_heard_once(world: World, order: str) -> None:
    """The watch has become known to the ledger, but has not got its answer yet, when the card is accepted."""
    world.ledger.may_answer.clear()
    watch = await world.watch(order)
    await world.known(watch)
    card = await world.card(order)
    await world.accept(card)
    await until_done(card, "exempt_by_card")
    world.ledger.may_answer.set()

    async def answered() -> bool:
        return f"{card.id}/" in "".join(fact.key for fact in world.ledger.answered)

    await eventually("the watch is answered", answered)
    await until_fired(watch, "exempt")
    await watch.act("upload_tracking", PARCEL)
    seen = await watch.view()
    assert fired(seen) == ["miss_upload", "exempt", "upload_tracking"]
    assert (seen["ignored"], signals(await watch.kinds())) == ([], 1)


async def test_g_15_a_fact_for_the_whole_shop_reaches_its_watches_and_those_of_no_other_shop(
    world: World, order: str
) -> None:
    watches = [await world.watch(f"{order}{number}", hours_ago) for number, hours_ago in enumerate((26, 10))]
    elsewhere = await world.watch(f"{order}X", shop_id="S2")
    await world.known(*watches, elsewhere)
    period = {"begins_at": "-48h", "ends_at": "48h"}
    report = await world.open("jd_advance_report", advance_facts(world.now, order, **period))
    await report.act("file", PROOF)
    await report.act("done_by_hand")
    await report.report(message_id="approved", rule="approve")
    await until_done(report, "exempt_orders")
    later = [await world.watch(f"{order}2", 20), await world.watch(f"{order}Y", 20, shop_id="S2")]
    for watch in (*watches, later[0]):
        assert deadlines(await until_fired(watch, "exempt")) == set()
    for other in (elsewhere, later[1]):
        await other.act("upload_tracking", PARCEL)
        assert "exempt" not in fired(await other.view())
        assert signals(await other.kinds()) == 0
    await world.late_orders(f"{order}0", "reversed")
    await world.late_orders(f"{order}X", "expected")


async def test_jd_14_a_watch_that_has_ended_is_passed_over_and_its_late_order_is_taken_back_all_the_same(
    world: World, order: str
) -> None:
    watch = await world.watch(order)
    await until_late(watch)
    await watch.report(message_id="picked up", rule="pick_up")
    await watch.until_over()
    (late,) = await world.late_orders(order, "expected")
    card = await world.card(order)
    await world.accept(card)
    await until_done(card, "exempt_by_card")
    (back,) = await world.late_orders(order, "reversed")
    assert (back.key, back.clause, back.undone_by) == (late.key, "JD-10", card.id)
    assert fired(await watch.view()) == ["miss_upload", "pick_up"]
    assert (await card.view())["needs_operator"] is False


async def test_g_15_while_the_ledger_is_away_the_case_runs_on_and_the_fact_is_told_when_it_is_back(
    world: World, order: str
) -> None:
    watch, card = await world.watch(order), await world.card(order)
    await until_late(watch)
    await world.known(watch)
    world.ledger.away = True
    await world.accept(card)
    later = {"agreed_ship_at": (world.now + 60 * HOUR).isoformat(), "evidence": [CHAT]}
    await card.act("file_emergency_report", later)
    await card.act("done_by_hand")
    seen = await card.until("under review", lambda seen: seen["state"] == ["emergency_review"])
    assert ("exempt_by_card", "pending") in statuses(seen)
    assert "exempt" not in fired(await watch.view())
    world.ledger.away = False
    await until_done(card, "exempt_by_card")
    assert deadlines(await until_fired(watch, "exempt")) == {agreed(card)}
    assert signals(await watch.kinds()) == 1


async def test_g_15_a_watch_opened_while_the_ledger_is_away_runs_on_and_hears_when_it_is_back(
    world: World, order: str
) -> None:
    card = await world.card(order)
    accepted = await world.accept(card)
    await until_done(card, "exempt_by_card")
    world.ledger.away = True
    watch = await world.watch(order)
    await until_late(watch)
    await watch.act("upload_tracking", PARCEL)
    assert fired(await watch.view()) == ["miss_upload", "upload_tracking"]
    # The ledger learns that the order is late, which the card has taken back, before it tells the watch of the card.
    world.ledger.may_answer.clear()
    world.ledger.away = False
    await world.late_orders(order, "reversed")
    world.ledger.may_answer.set()
    seen = await until_fired(watch, "exempt")
    assert (fired(seen), at(seen, "exempt")) == (["miss_upload", "exempt", "upload_tracking"], accepted)
    await world.late_orders(order, "reversed")


async def test_g_8_a_console_task_does_not_wait_for_a_fact_that_cannot_be_told(world: World, order: str) -> None:
    shortage = await world.open("jd_presale_shortage", shortage_facts(world.ago(1), order, paid=True))
    await until_task(shortage, "call_buyer")
    await shortage.act("done_by_hand")
    await shortage.act("file_deletion", DELETION)
    await shortage.act("done_by_hand")
    await shortage.until_state("deletion_review")
    world.ledger.away = True
    await shortage.report(message_id="approved", rule="approve_deletion")
    await until_task(shortage, "return_deposit")
    assert ("stop_watch_of_deleted", "pending") in statuses(await shortage.view())
    world.ledger.away = False
    await until_done(shortage, "stop_watch_of_deleted")


async def test_g_15_a_new_run_does_not_hear_again(world_short_of_history: World, order: str) -> None:
    world = world_short_of_history
    card = await world.card(order)
    await world.accept(card)
    await until_done(card, "exempt_by_card")
    watch = await world.watch(order)
    await until_fired(watch, "exempt")
    asked = len(world.ledger.answered)
    for number in range(SUGGESTED_AFTER):
        await watch.report(message_id=f"fill{number}", rule="refuse_report", form={"reason": "x"})
        await watch.view()
        if len(await watch.histories()) > 1:
            break
    assert len(await watch.histories()) > 1
    (fact,) = world.ledger.answered
    await watch.report(message_id=fact.key, rule="exempt", form=fact.form, occurred_at=fact.occurred_at.isoformat())
    await watch.act("upload_tracking", PARCEL)
    assert fired(await watch.view()) == ["miss_upload", "exempt", "upload_tracking"]
    assert len(world.ledger.answered) == asked


async def test_g_15_after_a_reset_what_was_told_both_ways_is_still_heard_once(world: World, order: str) -> None:
    watch = await world.watch(order)
    await until_late(watch)
    await world.known(watch)
    card = await world.card(order)
    accepted = await world.accept(card)
    await until_fired(watch, "exempt")
    await reset_by_hand(world.client, watch.id)
    again = Life(world.server, world.client.get_workflow_handle(watch.id), watch.scene, watch.opened)

    async def heard() -> bool:
        return len(world.ledger.answered) == 1

    await eventually("asked again", heard)
    seen = await until_fired(again, "exempt")
    assert (fired(seen), at(seen, "exempt")) == (["miss_upload", "exempt"], accepted)
    await again.act("upload_tracking", PARCEL)
    assert fired(await again.view()) == ["miss_upload", "exempt", "upload_tracking"]
    await world.late_orders(order, "reversed")
    await replay(await again.handle.fetch_history())


async def approved_report(world: World, **period: str) -> Life:
    """Have an advance report of a period approved, in hours from now."""
    report = await world.open("jd_advance_report", advance_facts(world.now, **period))
    await report.act("file", PROOF)
    await report.act("done_by_hand")
    await report.report(message_id="approved", rule="approve")
    await until_done(report, "exempt_orders")
    return report


async def test_jd_7_an_approved_period_takes_back_the_late_order_of_a_watch_that_has_ended(
    world: World, order: str
) -> None:
    watch, other = await world.watch(order, 30), await world.watch(f"{order}B", 33)
    for one in (watch, other):
        await until_late(one)
        await one.act("upload_tracking", PARCEL)
    await watch.report(message_id="picked up", rule="pick_up")
    await watch.until_over()
    await world.late_orders(order, "expected")
    report = await approved_report(world, begins_at="-32h", ends_at="1h")
    (back,) = await world.late_orders(order, "reversed")
    assert back.undone_by == report.id
    await world.late_orders(f"{order}B", "expected")
    assert signals(await other.kinds()) == 0


async def test_g_15_a_fact_that_is_taken_back_is_not_told_to_a_case_that_is_opened_later(
    world: World, order: str
) -> None:
    card = await world.card(order)
    agreed = {"agreed_ship_at": (world.now + 60 * HOUR).isoformat(), "evidence": [CHAT]}
    await card.act("file_emergency_report", agreed | {"occurred_at": world.ago(6).isoformat()})
    await card.report(message_id="approved", rule="approve_report", occurred_at=world.ago(4).isoformat())
    await until_done(card, "exempt_by_report")
    first = await world.watch(order)
    await until_fired(first, "exempt")
    of_order = OpenedCase(
        case_id="jd_shipment/new", process="jd_shipment", shop_id="S1", order=order, opened_at=world.ago(30)
    )
    assert len(world.ledger.told(of_order)) == 1
    await card.act("recall_report", {"occurred_at": world.ago(5).isoformat()})

    async def withdrawn() -> bool:
        return world.ledger.told(of_order) == []

    await eventually("withdrawn", withdrawn)
    assert "WORKFLOW_EXECUTION_COMPLETED" not in await card.kinds()


async def test_g_5_what_was_told_before_is_heard_before_anybody_is_reminded(world: World, order: str) -> None:
    """Without the exemption the pickup would be due within the hour, and two reminders of it."""
    card = await world.card(order)
    await world.accept(card)
    await until_done(card, "exempt_by_card")
    watch = await world.watch(order, 23.5)
    seen = await until_fired(watch, "exempt")
    assert deadlines(seen) == {agreed(card)}
    assert world.stage.scenes[watch.id].reminders == []


async def test_cl_11_the_claim_that_comes_is_linked_with_the_anomaly_of_which_it_was_expected(
    world: World, order: str
) -> None:
    before = await world.open("claim_1688", claim_facts(f"B{order}", world.ago(1), order_id=order))
    await world.known(before)
    anomaly = await world.open("anomaly_1688", anomaly_facts(f"A{order}", world.ago(25), order_id=order))
    await until_done(anomaly, "tell_claim")
    seen = await until_fired(before, "link_anomaly")
    assert seen["timeline"][-1]["form"] == {"anomaly_id": f"A{order}"}
    for number, status in enumerate(("processing", "established")):
        after = claim_facts(f"C{number}{order}", world.ago(0), order_id=order, status=status)
        claim = await world.open("claim_1688", after)
        assert fired(await until_fired(claim, "link_anomaly"))[0] == "link_anomaly"
    assert (await claim.until_over())["state"] == ["established"]


async def test_g_15_an_upload_and_a_cancellation_in_the_watch_end_the_card_and_are_not_told_back(
    world: World, order: str
) -> None:
    for rule, ended in (("upload_tracking", "shipped_on_time"), ("cancel_order", "order_cancelled")):
        of = f"{order}{rule}"
        watch, card = await world.watch(of, 3), await world.card(of)
        await world.known(watch, card)
        if rule == "upload_tracking":
            await watch.act(rule, PARCEL)
        else:
            await watch.report(message_id="cancelled", rule=rule)
        assert (await card.until_over())["state"] == [ended]
        seen = await card.view()
        assert (seen["state"], seen["timeline"][-1]["way"], seen["ledger"]) == ([ended], "case", [])
        assert signals(await watch.kinds()) == (rule == "cancel_order")
        assert card.scene.told == []


async def refund(world: World, order: str) -> Life:
    """Let the platform rule a refund for a reship of an order."""
    reship = await world.open("douyin_reship", reship_facts(f"A{order}", order_id=order))
    await reship.act("refuse", {"reason": "已签收"})
    await reship.report(message_id="ruled", rule="rule_refund")
    await until_done(reship, "tell_refund")
    return reship


async def test_g_15_a_reship_on_its_way_and_a_parcel_that_comes_back_end_the_watch(world: World, order: str) -> None:
    reship = await world.open("douyin_reship", reship_facts(f"A{order}", order_id=order))
    watches = [await world.open("douyin_shipment", shipment_facts(world.ago(5), f"{order}{n}")) for n in ("", "B", "C")]
    await world.known(*watches)
    for watch in watches:
        await watch.report(message_id="uploaded", rule="upload_tracking", form=NUMBER)
    await reship.act("agree")
    await reship.act("ship", {"carrier": "SF", "tracking_no": "SF2"})
    assert (await watches[0].until_over())["state"] == ["watch_ended"]
    parcel = {"tracking_no": "SF1", "carrier": "SF", "goods_amount": "100.00", "out_for_delivery": False}
    parcels = {"C": (parcel, parcel | {"tracking_no": "SF9"}), "B": (parcel,)}
    for n, of_order in parcels.items():
        facts = interception_facts(f"{order}{n}", order_id=f"{order}{n}", parcels=list(of_order), agreement_signed=True)
        interception = await world.open("douyin_interception", facts)
        await interception.act("choose_parcel", {"tracking_no": "SF1"})
        await interception.act("confirm")
        await interception.until_state("intercepting")
        await interception.report(message_id="stopped", rule="intercept_succeeds")
        await interception.until_state("returning")
    assert (await watches[1].until_over())["state"] == ["watch_ended"]
    await watches[2].report(message_id="refunded", rule="refund")
    assert (await watches[2].until_over())["state"] == ["refunded"]


async def test_g_15_a_refund_of_a_reship_ends_the_watch_opened_before_or_after(world: World, order: str) -> None:
    watch = await world.open("douyin_shipment", shipment_facts(world.ago(5), order))
    other = await world.open("douyin_shipment", shipment_facts(world.ago(5), f"{order}B"))
    await world.known(watch, other)
    await refund(world, order)
    assert (await watch.until_over())["state"] == ["refunded"]
    await refund(world, f"{order}C")
    later = await world.open("douyin_shipment", shipment_facts(world.ago(5), f"{order}C"))
    assert (await later.until_over())["state"] == ["refunded"]
    assert fired(await other.view()) == []
