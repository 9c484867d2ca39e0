"""The link to cases due soon, whose query is made when it is opened."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from aftersales.gateway.due import due_route
from aftersales.runtime.temporal.web_ui import list_address
from cases.errors import CaseError

LISTED = list_address("https://ui.example.com/", "shop a")
TOKEN = "令牌 a:b"  # noqa: S105 - of this test
LOGIN = base64.b64encode(f"王芳:{TOKEN}".encode()).decode()


async def opened(
    path: str, *, reachable: bool = True, authorization: str = f"Basic {LOGIN}", token: str | None = TOKEN
) -> httpx2.Response:
    async def listed_at() -> str:
        if not reachable:
            raise CaseError("no Temporal server answers at 127.0.0.1:7233")
        return LISTED

    app = Starlette(routes=[due_route(listed_at, lambda: SecretStr(token) if token is not None else None)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://gateway") as client:
        return await client.get(path, headers={"authorization": authorization.encode()})


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


@pytest.mark.parametrize("hours", ["1", "12", "720"])
async def test_up_to_thirty_days_are_offered(hours: str) -> None:
    assert (await opened(f"/due/{hours}")).status_code == 307


@pytest.mark.parametrize("hours", ["0", "721", "9" * 4301, "x", "-1", "1.5", "１２", "%20", "²"])
async def test_hours_that_are_none_are_refused_in_words(hours: str) -> None:
    answer = await opened(f"/due/{hours}")
    assert (answer.status_code, answer.text) == (400, "expected 1 to 720 hours")


async def test_it_is_open_to_whoever_logs_in_with_the_token_or_bears_it() -> None:
    for authorization in (f"Basic {LOGIN}", f"Bearer {TOKEN}"):
        assert (await opened("/due/12", authorization=authorization)).status_code == 307


def basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


OTHERS = (
    "",
    "Basic",
    "Basic ===",
    "Basic é",
    basic("x"),
    basic("x:"),
    basic(f"{TOKEN}:"),
    basic(f"x:{TOKEN} "),
    "Bearer x",
)


async def test_it_is_closed_to_all_others_and_a_browser_asks_for_the_login() -> None:
    for authorization in OTHERS:
        for path in ("/due/12", "/due/x"):
            answer = await opened(path, authorization=authorization)
            assert (answer.status_code, answer.text) == (401, "unauthorized"), authorization
            assert answer.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Basic eDo=", f"Basic {LOGIN}"])
async def test_without_a_token_it_is_closed_to_everybody(authorization: str) -> None:
    assert (await opened("/due/12", authorization=authorization, token=None)).status_code == 401


async def test_without_temporal_it_says_so() -> None:
    answer = await opened("/due/12", reachable=False)
    assert (answer.status_code, answer.text) == (503, "no Temporal server answers at 127.0.0.1:7233")
