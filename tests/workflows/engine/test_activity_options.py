"""The fairness key of an activity is that of its shop if it calls the platform, otherwise that of its case."""

import pytest

from tests.support.rules.stage import UNREACHABLE
from tests.support.temporal.life import Life, Open, eventually
from workflows.engine.activity_options import KEY_BYTES, case_share, shop_share


async def shares(life: Life) -> dict[str, set[str]]:
    """Return the fairness keys with which the activities of a case were scheduled."""
    keys: dict[str, set[str]] = {}
    for history in await life.histories():
        for event in history.events:
            if event.HasField("activity_task_scheduled_event_attributes"):
                scheduled = event.activity_task_scheduled_event_attributes
                keys.setdefault(scheduled.activity_type.name, set()).add(scheduled.priority.fairness_key)
    return keys


async def until_called(life: Life, *activities: str) -> None:
    """Wait until activities were scheduled, as their calls were not answered at once; then let them be answered."""

    async def called() -> bool:
        return set(activities) <= set(await shares(life))

    await eventually(f"{life.id}: {activities}", called)
    life.scene.fails.clear()


async def test_calls_of_the_platform_take_from_their_shops_share_and_the_rest_from_the_cases(open_case: Open) -> None:
    life = await open_case(shop_id="S7", reason="other")
    scene, process = life.scene, "douyin_reship"
    scene.fails["agree_on_platform"] = UNREACHABLE
    await life.act("mark_out_of_stock")  # what an operator is told to do in the console is answered at once
    await life.act("agree")
    await until_called(life, f"{process}.agree_on_platform")
    await life.until_state("awaiting_shipment")
    scene.fails |= dict.fromkeys(("settle", "ledger"), UNREACHABLE)
    await life.reach("49h")
    await until_called(life, f"{process}.resolve_expiry")
    scene.fails["ledger"] = UNREACHABLE
    await life.pass_time("1h")  # it is asked again
    await until_called(life, "record_case")
    await life.pass_time("1h")
    await life.until_state("overdue")
    scene.fails["ledger"] = UNREACHABLE
    await life.report(message_id="m1", rule="withdraw")
    await until_called(life, "close_case")
    await life.pass_time("1h")
    await life.until_over()

    own, shop = {life.id}, {"shop/S7"}
    assert await shares(life) == {
        "douyin_reship.agree_on_platform": shop,
        "remind": own,
        "notify_action_required": own,
        "douyin_reship.resolve_expiry": shop,
        "record_case": own,
        "close_case": own,
    }


@pytest.mark.parametrize("length", [1, KEY_BYTES - len("shop/"), KEY_BYTES, 200])
@pytest.mark.parametrize("letter", ["S", "店"])
def test_a_key_is_never_longer_than_the_server_takes_and_each_has_its_own(letter: str, length: int) -> None:
    one, other = letter * length, letter * (length - 1) + "x"
    keys = [str(share(name).fairness_key) for share in (shop_share, case_share) for name in (one, other)]

    assert len(set(keys)) == len(keys)
    assert max(len(key.encode()) for key in keys) <= KEY_BYTES
    assert keys == [str(share(name).fairness_key) for share in (shop_share, case_share) for name in (one, other)]


def test_a_key_that_fits_can_be_read() -> None:
    assert shop_share("S1").fairness_key == "shop/S1"
    assert case_share("douyin_reship/A1").fairness_key == "douyin_reship/A1"
