"""Several cases of one world in a scenario (G-15)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aftersales.simulation.scenario import Scenario
from cases.errors import BadForm
from tests.support.rules.playing import HOUR, Perform, Played

ORDER = {"shop_id": "J1", "order_id": "O1"}
CARD = ORDER | {"promised_ship_at": "+24h", "proposed_ship_at": "+96h", "reason": "缺货", "sent_at": "+0s"}
WATCH = ORDER | {"ordered_at": "+0s", "kind": "stock"}


def scenario(*steps: dict[str, Any], at: str = "0s", **changes: Any) -> dict[str, Any]:
    watch = {"name": "watch", "process": "jd_shipment", "at": at, "opening": WATCH}
    return {
        "process": "jd_delay_card",
        "opening": CARD,
        "also": [watch],
        "steps": list(steps),
        "until": "60h",
        **changes,
    }


def of_watch(played: Played) -> list[tuple[int, str]]:
    return [(entry["at"], entry["rule"]) for entry in played.result["also"]["watch"]["timeline"]]


async def test_g_15_a_case_tells_another_at_the_instant_at_which_it_happened(perform: Perform) -> None:
    played = await perform(scenario({"at": "12h", "report": "accept"}))

    assert played.fired[-1] == (12 * HOUR, "accept")
    assert of_watch(played) == [(12 * HOUR, "exempt")], "neither deadline is missed: both are those of the card"


async def test_g_15_a_case_that_is_opened_later_is_told_at_its_opening(perform: Perform) -> None:
    played = await perform(scenario({"at": "30h", "report": "accept"}, at="40h"))

    assert of_watch(played) == [(24 * HOUR, "miss_upload"), (30 * HOUR, "exempt")]
    entries = played.result["also"]["watch"]["ledger"]
    assert [(entry["clause"], entry["status"]) for entry in entries] == [("JD-10", "reversed")]


async def test_the_time_of_the_world_stops_wherever_something_happens_in_any_case(perform: Perform) -> None:
    steps = ({"at": "50h", "case": "watch", "expect": {"state": ["awaiting_upload"]}},)
    played = await perform(scenario(*steps))

    assert played.failed == []
    assert of_watch(played) == [(24 * HOUR, "miss_upload"), (48 * HOUR, "miss_pickup")]
    assert (24 * HOUR, "miss_promise") in played.fired


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": [{"at": "1h", "case": "card", "act": "ship"}]}, ("case", "'card'", "watch")),
        ({"steps": [{"at": "1h", "case": "watch", "act": "accept"}]}, ("act", "upload_tracking")),
        ({"at": "2h", "steps": [{"at": "1h", "case": "watch", "report": "pick_up"}]}, ("opened only at 2h",)),
        ({"also": [{"name": "watch", "process": "jd_watch", "opening": WATCH}]}, ("no such process",)),
        ({"also": [{"name": "watch", "process": "jd_shipment", "opening": CARD}]}, ("opening", "ordered_at")),
        ({"also": [{"name": "watch", "process": "jd_shipment", "opening": WATCH}] * 2}, ("'watch' is taken",)),
    ],
)
def test_a_fault_of_a_further_case_names_its_place(
    scenario_file: Callable[[dict[str, Any]], Path], changes: dict[str, Any], words: tuple[str, ...]
) -> None:
    steps, at = changes.pop("steps", []), changes.pop("at", "0s")
    path = scenario_file(scenario(*steps, at=at, **changes))

    with pytest.raises(BadForm) as refused:
        Scenario(path)

    assert [word for word in (path.name, *words) if word not in str(refused.value)] == []


async def test_g_15_a_number_that_is_uploaded_for_the_card_is_uploaded_for_the_watch(perform: Perform) -> None:
    ship = {"at": "20h", "act": "ship", "form": {"carrier": "SF", "tracking_no": "SF1234567890"}}
    played = await perform(scenario(ship, until="30h"))

    assert of_watch(played) == [(20 * HOUR, "upload_tracking")], "its upload is not missed at 24 h"


async def test_g_15_an_order_cancelled_for_the_card_is_cancelled_for_the_watch(perform: Perform) -> None:
    played = await perform(scenario({"at": "20h", "report": "cancel_order"}, until="30h"))

    assert of_watch(played) == [(20 * HOUR, "cancel_order")]
