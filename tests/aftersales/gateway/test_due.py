"""The link to cases due soon, whose query is made when it is opened."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette

from aftersales.gateway.due import due_route
from aftersales.runtime.web_ui import list_address
from cases.errors import CaseError

LISTED = list_address("https://ui.example.com/", "shop a")


async def opened(path: str, *, reachable: bool = True) -> httpx2.Response:
    async def listed_at() -> str:
        if not reachable:
            raise CaseError("no Temporal server answers at 127.0.0.1:7233")
        return LISTED

    app = Starlette(routes=[due_route(listed_at)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://gateway") as client:
        return await client.get(path)


async def test_it_leads_to_the_open_cases_with_a_deadline_within_that_many_hours() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    answer = await opened("/due/12")
    after = datetime.now(UTC)
    assert answer.status_code in (302, 307)
    assert answer.headers["cache-control"] == "no-store"
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == (
        "https://ui.example.com/namespaces/shop%20a/workflows"
    )
    (query,) = parse_qs(address.query)["query"]
    began, _, instant = query.rpartition(" <= ")
    assert began == (
        "ExecutionStatus = 'Running' AND (CaseWaitsFor IS NOT NULL OR CaseNeedsOperator = true) AND CaseDeadline"
    )
    assert before <= datetime.fromisoformat(instant.strip("'")) - timedelta(hours=12) <= after


@pytest.mark.parametrize(("hours", "status"), [("0", 404), ("1", 307), ("720", 307), ("721", 404), ("x", 404)])
async def test_hours_are_bounded(hours: str, status: int) -> None:
    assert (await opened(f"/due/{hours}")).status_code == status


async def test_without_temporal_it_says_so() -> None:
    answer = await opened("/due/12", reachable=False)
    assert (answer.status_code, answer.text) == (503, "no Temporal server answers at 127.0.0.1:7233")
