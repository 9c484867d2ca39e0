"""What the shop's ledger knows of a tracking number: told before it is uploaded, and to the case afterwards (DS-3)."""

from typing import Any

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities.douyin_shipment import EFFECTS, MALFORMED_WARNING, check_number, warned_of_number
from activities.effects import process_activities
from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.platforms.scripted import ScriptedPlatform
from cases.errors import LedgerUnreachable
from cases.ledger import NumberUse
from cases.messages import ConsoleTask, EffectCall, EffectOutcome, Report
from tests.support.processes.shipments import OPENED, PARCEL, after, shipment_facts

TASK = ConsoleTask(page="发货", instruction="填写单号")


def call(order: str = "O1", at: str = "1h", effect: str = "check_number", **changes: Any) -> EffectCall:
    form = changes.pop("form", PARCEL)
    return EffectCall(
        key=f"douyin_shipment/{order}/{effect}/u1",
        case_id=f"douyin_shipment/{order}",
        process="douyin_shipment",
        shop_id=changes.get("shop_id", "S1"),
        effect=effect,
        label="核对单号",
        rule="upload_tracking",
        at=after(at),
        facts=shipment_facts(OPENED, order, **changes),
        form=form,
    )


def uses(found: EffectOutcome | Report) -> list[tuple[bool, bool, str]]:
    """Return the earlier uses in a report: same carrier, same person, and when."""
    assert isinstance(found, Report)
    assert found.form is not None
    return [(use["same_carrier"], use["same_person"], use["at"]) for use in found.form["uses"]]


@pytest.fixture
def ledger() -> InMemoryLedger:
    return InMemoryLedger()


def test_ds_3_a_number_used_for_the_first_time_is_stored_and_nothing_is_reported(ledger: InMemoryLedger) -> None:
    assert check_number(call(), ledger) == EffectOutcome()

    (use,) = ledger.numbers_used("S1", PARCEL["tracking_no"], OPENED)
    assert (use.order, use.consignee, use.carrier, use.at) == ("O1", "C1", "SF", after("1h"))


def test_ds_3_a_number_that_was_used_for_another_person_is_reported_as_of_its_upload(ledger: InMemoryLedger) -> None:
    check_number(call("O1", "1h", consignee="C1"), ledger)

    found = check_number(call("O2", "5h", consignee="C2"), ledger)

    assert isinstance(found, Report)
    assert (found.rule, found.occurred_at, found.message_id) == (
        "number_reused",
        after("5h"),
        "douyin_shipment/O2/check_number/u1",
    )
    assert uses(found) == [(True, False, "2026-01-05T02:00:00Z")]


@pytest.mark.parametrize(("carrier", "reported"), [("SF", False), ("YTO", True)])
def test_ds_3_parcels_of_one_person_share_a_number_of_one_carrier(
    ledger: InMemoryLedger, carrier: str, *, reported: bool
) -> None:
    check_number(call("O1", form={**PARCEL, "carrier": carrier}), ledger)

    assert isinstance(check_number(call("O2", "5h"), ledger), Report) is reported


def test_ds_3_who_used_a_number_first_is_not_told_of_who_did_so_later(ledger: InMemoryLedger) -> None:
    check_number(call("O2", "5h", consignee="C2"), ledger)

    assert check_number(call("O1", "1h", consignee="C1"), ledger) == EffectOutcome()


def test_ds_3_an_order_that_uploads_its_number_again_is_no_other(ledger: InMemoryLedger) -> None:
    check_number(call(at="1h"), ledger)

    assert check_number(call(at="5h"), ledger) == EffectOutcome()


def test_ds_3_another_shop_is_no_matter(ledger: InMemoryLedger) -> None:
    check_number(call("O1", shop_id="S2", consignee="C9"), ledger)

    assert check_number(call("O2", "5h"), ledger) == EffectOutcome()


def test_ds_3_a_number_that_nobody_told_is_not_checked(ledger: InMemoryLedger) -> None:
    assert check_number(call(form=None), ledger) == EffectOutcome()


def test_ds_3_only_the_newest_of_many_uses_are_reported(ledger: InMemoryLedger) -> None:
    for number in range(30):
        check_number(call(f"P{number}", f"{number}h", consignee=f"D{number}"), ledger)

    found = uses(check_number(call("O2", "40h"), ledger))

    assert len(found) == 20
    assert found[-1][2] == "2026-01-06T06:00:00Z"


def instruction(ledger: Any, **changes: Any) -> str:
    outcome = warned_of_number(TASK)(call("O2", "5h", "push_tracking_number", **changes), ledger)
    assert isinstance(outcome, EffectOutcome)
    assert outcome.console_task is not None
    return outcome.console_task.instruction


def test_ds_3_a_number_is_told_of_before_it_is_uploaded(ledger: InMemoryLedger) -> None:
    check_number(call("O1", "1h", consignee="C9"), ledger)

    assert "01-05 10:00" in instruction(ledger)
    assert "用于其他收件人" in instruction(ledger)
    assert instruction(ledger).endswith("填写单号")


def test_ds_3_a_malformed_number_is_told_of_before_it_is_uploaded(ledger: InMemoryLedger) -> None:
    assert instruction(ledger, form={"carrier": "SF", "tracking_no": "???"}) == f"注意:{MALFORMED_WARNING}。填写单号"


def test_ds_3_nothing_is_said_of_a_number_without_fault(ledger: InMemoryLedger) -> None:
    check_number(call("O1", "1h"), ledger)

    assert instruction(ledger) == "填写单号"
    assert instruction(ledger, form=None) == "填写单号"


def test_a_ledger_that_is_away_does_not_keep_the_number_from_being_uploaded() -> None:
    class Away(InMemoryLedger):
        def numbers_used(self, *_: object) -> list[NumberUse]:
            raise LedgerUnreachable("away")

    assert instruction(Away()) == "填写单号"


async def run(name: str, argument: EffectCall, ledger: InMemoryLedger, **options: Any) -> EffectOutcome:
    made = process_activities("douyin_shipment", EFFECTS, ScriptedPlatform(), ledger, **options)
    (function,) = [
        one for one in made if activity._Definition.must_from_callable(one).name == f"douyin_shipment.{name}"
    ]
    outcome: EffectOutcome = await ActivityEnvironment().run(function, argument)
    return outcome


class Told:
    """Keeps what cases were told."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, Report]] = []

    async def report(self, case_id: str, report: Report) -> None:
        self.reports.append((case_id, report))


async def test_a_step_of_the_ledger_tells_its_own_case_what_it_found(ledger: InMemoryLedger) -> None:
    told = Told()
    check_number(call("O1", consignee="C9"), ledger)

    assert await run("check_number", call("O2", "5h"), ledger, reports=told) == EffectOutcome()

    assert [(case_id, report.rule) for case_id, report in told.reports] == [("douyin_shipment/O2", "number_reused")]


async def test_a_step_that_found_nothing_tells_nobody(ledger: InMemoryLedger) -> None:
    told = Told()

    assert await run("check_number", call(), ledger, reports=told) == EffectOutcome()
    assert told.reports == []


async def test_what_cannot_be_told_is_an_error(ledger: InMemoryLedger) -> None:
    check_number(call("O1", consignee="C9"), ledger)

    with pytest.raises(RuntimeError, match=r"Dependencies\.reports"):
        await run("check_number", call("O2", "5h"), ledger)


@pytest.mark.parametrize("done", [False, True])
async def test_a_task_with_a_warning_is_a_console_task_unless_those_count_as_done(
    ledger: InMemoryLedger, *, done: bool
) -> None:
    outcome = await run("push_tracking_number", call(effect="push_tracking_number"), ledger, console_done=done)

    assert (outcome.console_task is None) is done
