"""What is at stake in open cases, as the server lists them, and as the month's report tells it."""

import asyncio
import uuid
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.client import Client

from aftersales.ledger.month_figures import month_of
from aftersales.ledger.month_report import NOBODY_TELLS, OpenNow, OpenStake, read_report
from aftersales.ledger.open_stakes import KEPT_FACTOR, KeptStakes, open_stakes
from aftersales.ledger.store import SqlLedger
from tests.support.records.booking import opened
from tests.support.temporal.listed import are_listed, list_case

NOVEMBER = month_of("2026-11")


@pytest.fixture
def shop() -> str:
    return uuid.uuid4().hex[:12]


async def test_open_cases_are_added_up_by_process_and_state(client: Client, shop: str) -> None:
    own = uuid.uuid4().hex[:12]
    for number in range(3):
        await list_case(client, shop, case_id=f"douyin_reship/{own}{number}")
    await list_case(client, shop, case_id=f"claim_1688/{own}")
    await are_listed(client, shop, 4)

    found = await open_stakes(client, [shop])

    assert found == OpenNow(
        [
            OpenStake(shop=shop, process="claim_1688", state="待商家处理", cases=1, amount=Decimal("129.00")),
            OpenStake(shop=shop, process="douyin_reship", state="待商家处理", cases=3, amount=Decimal("387.00")),
        ],
        complete=True,
    )


async def test_a_server_that_takes_too_long_leaves_cases_out_and_says_so(client: Client, shop: str) -> None:
    await list_case(client, shop)
    await are_listed(client, shop, 1)

    assert not (await open_stakes(client, [shop], patience=0)).complete


async def test_who_asks_again_at_once_is_told_the_same_without_another_list(
    client: Client, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[Sequence[str] | None]()

    async def slowly(_: Client, shops: Sequence[str] | None) -> OpenNow:
        asked.append(shops)
        await asyncio.sleep(0.05)
        return OpenNow(complete=True)

    monkeypatch.setattr("aftersales.ledger.open_stakes.open_stakes", slowly)
    stakes = KeptStakes(client)

    await asyncio.gather(stakes.of([shop]), stakes.of([shop]), stakes.of(None))
    await stakes.of([shop])
    assert asked == [(shop,), None]

    await asyncio.sleep(0.05 * (KEPT_FACTOR + 4))
    await stakes.of([shop])
    assert asked == [(shop,), None, (shop,)]


@pytest.fixture
def ledger(tmp_path: Path) -> SqlLedger:
    ledger = SqlLedger(tmp_path / "ledger.sqlite3")
    ledger.opened([opened(f"C{number}") for number in range(4)])
    return ledger


def test_what_the_server_left_out_is_counted_as_of_unknown_amount(ledger: SqlLedger) -> None:
    told = OpenStake(shop="S1", process="claim_1688", state="平台处理中", cases=3, amount=Decimal("30.00"))

    with ledger:
        report = read_report(ledger, NOVEMBER, open_now=OpenNow([told]))

    assert report.open_now == {"S1": [told, OpenStake(shop="S1", process="claim_1688", cases=1, unknown=1)]}


def test_nothing_is_added_to_what_the_server_told_completely(ledger: SqlLedger) -> None:
    told = OpenStake(shop="S1", process="claim_1688", state="平台处理中", cases=3, amount=Decimal("30.00"))

    with ledger:
        report = read_report(ledger, NOVEMBER, open_now=OpenNow([told], complete=True))
        untold = read_report(ledger, NOVEMBER, open_now=NOBODY_TELLS)

    assert report.open_now == {"S1": [told]}
    assert untold.open_now == {"S1": [OpenStake(shop="S1", process="claim_1688", cases=4, unknown=4)]}
