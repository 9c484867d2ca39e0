"""Sample cases in the sandbox: their buyers apply once, and the platform's messages open their cases if they can."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersales.importing.batch import case_id
from aftersales.platforms.credentials import Secrets
from aftersales.sandbox.douyin.applications import announce, opens_by_message
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.running import shops_of
from cases.messages import Opening
from cases.models import read
from tests.support.rules.playing import reship
from workflows.engine.process import Process
from workflows.registry import PROCESSES

SHOPS = {"1001", "S2"}

Sample = tuple[Process, Opening]


def sample(process: str = "douyin_reship", policy: dict[str, Any] | None = None, **fields: Any) -> Sample:
    applied = (datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)).isoformat()
    facts = reship(**{"shop_id": "1001", "applied_at": applied, "order_id": "31", **fields})
    return PROCESSES[process], Opening(facts=facts, policy=policy or {})


@pytest.fixture
def sandbox() -> Sandbox:
    shops = [{"shop_id": shop, "app_key": "K1"} for shop in sorted(SHOPS)]
    block = {"apps": [{"app_key": "K1", "app_secret": "s3cret"}], "shops": shops}
    return Sandbox(read(Secrets, {"douyin": block}, "secrets"))


def test_samples_are_announced_once_and_their_messages_open_them(sandbox: Sandbox) -> None:
    plain = sample(own_id="9001", reason="never_received", order_amount="58.50", description="急")
    announce(sandbox, [plain])
    record = sandbox.record("9001")
    assert record
    assert (record.shop_id, record.order_id, record.reason, record.amount) == ("1001", "31", "一直未收到货", 5850)
    assert (record.remark, record.status) == ("急", 6)
    assert record.applied_at == int(plain[0].open_case(plain[1]).facts.applied_at.timestamp())
    assert opens_by_message(*plain)

    sandbox.advance(48 * 3600)
    announce(sandbox, [plain])
    changed = sandbox.record("9001")
    assert changed
    assert changed.status == 8, "applied before: it goes on where it stood"


def test_a_sample_with_figures_of_its_own_is_known_to_the_platform_but_opened_from_its_file(sandbox: Sandbox) -> None:
    own = sample(own_id="9002", policy={"default_decision": "agree"})
    announce(sandbox, [own])
    assert sandbox.record("9002")
    assert not opens_by_message(*own)


@pytest.mark.parametrize("own_id", ["A1", "٣", "07", "1" * 20])
def test_a_sample_whose_ids_are_no_numbers_is_opened_from_its_file_alone(sandbox: Sandbox, own_id: str) -> None:
    for case in (sample(own_id=own_id), sample(order_id=own_id, own_id="9003")):
        announce(sandbox, [case])
        assert not opens_by_message(*case)
    assert sandbox.records() == []


def test_a_shop_whose_id_is_not_a_number_gets_no_messages() -> None:
    assert not opens_by_message(*sample(own_id="9004", shop_id="S2"))


def test_shops_and_ids_of_cases_are_what_their_facts_say() -> None:
    cases = [sample(own_id="1"), sample(own_id="2", shop_id="S2")]
    assert shops_of(cases) == {"1001", "S2"}
    assert [case_id(*case) for case in cases] == ["douyin_reship/1", "douyin_reship/2"]
