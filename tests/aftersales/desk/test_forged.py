"""Requests that no page of the desk has sent, and names that lead to it by a trick."""

import re

import httpx2

from aftersales.desk.access.login import OneUser
from aftersales.desk.gate import LARGEST_BODY, PAGE_HEADERS
from aftersales.desk.rendering import DESK_FOLDER
from aftersales.desk.services import DeskServices
from tests.aftersales.desk.conftest import CLERK, browsing, token_in

PAGE = "/case/none/none"
"""Any page: there is no such case, but whoever is let in is told so."""


LET_IN = 400
"""The answer of a case's page to a form that it does not know."""


async def posted(browser: httpx2.AsyncClient, token: str | None, **headers: str | None) -> httpx2.Response:
    """Post a form, with some headers changed or, if they are None, left out."""
    given = {"origin": str(browser.base_url).rstrip("/")} | {name.replace("_", "-"): v for name, v in headers.items()}
    request = browser.build_request("POST", PAGE, data={} if token is None else {"csrf": token})
    request.headers.pop("x-csrf-token", None)
    request.headers.pop("origin", None)
    request.headers.update({name: value for name, value in given.items() if value is not None})
    return await browser.send(request)


async def test_a_form_of_our_own_is_let_in(desk: httpx2.AsyncClient) -> None:
    token = token_in(await desk.get(PAGE))

    for headers in ({}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "same-origin", "origin": None}):
        assert (await posted(desk, token, **headers)).status_code == LET_IN


FROM_ELSEWHERE: list[dict[str, str | None]] = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": None},
    {"origin": "http://localhost:1"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "cross-site", "origin": None},
]


async def test_what_another_page_posts_is_refused_in_words(desk: httpx2.AsyncClient) -> None:
    token = token_in(await desk.get(PAGE))
    for headers in FROM_ELSEWHERE:
        refused = await posted(desk, token, **headers)
        assert refused.status_code == 403, headers
        assert "不是从工作台的页面发出的" in refused.text


async def test_a_form_without_the_token_of_its_session_is_refused_in_words(desk: httpx2.AsyncClient) -> None:
    for token in [None, "", "0" * 64, "é"]:
        refused = await posted(desk, token)
        assert refused.status_code == 403
        assert "页面已过期,没有提交" in refused.text


async def test_the_token_of_another_browser_is_worth_nothing(desk: httpx2.AsyncClient, services: DeskServices) -> None:
    async with browsing(services, OneUser(CLERK)) as other:
        foreign = token_in(await other.get(PAGE))

    assert (await posted(desk, foreign)).status_code == 403
    desk.cookies.clear()
    assert (await posted(desk, token_in(await desk.get(PAGE)))).status_code == LET_IN


async def test_a_file_that_is_uploaded_comes_with_the_token_and_arrives_whole(desk: httpx2.AsyncClient) -> None:
    del desk.headers["x-csrf-token"]
    token, files = token_in(await desk.get(PAGE)), {"file": ("numbers.csv", b"a,b\n" * 100_000)}

    assert (await desk.post(PAGE, data={"csrf": token}, files=files)).status_code == LET_IN
    assert (await desk.post(PAGE, data={"csrf": "0" * 64}, files=files)).status_code == 403


async def test_what_is_too_large_or_no_form_is_refused(desk: httpx2.AsyncClient) -> None:
    del desk.headers["x-csrf-token"]

    assert (await desk.post(PAGE, content=b"x" * (LARGEST_BODY + 1))).status_code == 413
    token = token_in(await desk.get(PAGE))
    pasted = await desk.post("/batch", data={"csrf": token, "lines": "1\n" * 700_000, "case": ["x/1"] * 1200})
    assert pasted.status_code == 422
    assert "超过 200 行" in pasted.text
    broken = {"content-type": "multipart/form-data; boundary=b"}
    assert (await desk.post(PAGE, content=b"--c\r\n", headers=broken)).status_code in (400, 403)
    assert (await desk.post(PAGE, json={"csrf": token_in(await desk.get(PAGE))})).status_code == 403


async def test_every_other_method_that_changes_something_is_checked_too(desk: httpx2.AsyncClient) -> None:
    del desk.headers["x-csrf-token"]
    for method in ("PUT", "DELETE", "PATCH", "QUERY"):
        assert (await desk.request(method, PAGE)).status_code == 403


async def test_a_foreign_name_of_the_desk_is_refused(desk: httpx2.AsyncClient) -> None:
    for host in ["evil.example", "127.0.0.1.evil.example:80", "evil.example@127.0.0.1", "[::1", "a:b:c"]:
        refused = await desk.get("/", headers={"host": host})
        assert refused.status_code == 400, host
        for path in ("/healthz", "/readyz"):
            assert (await desk.get(path, headers={"host": host})).text == "ok"


async def test_the_public_address_is_the_only_origin(worker: None, services: DeskServices) -> None:
    public = "https://Desk.example.com:443/"
    async with browsing(services, OneUser(CLERK), public) as browser:
        browser.headers["host"] = "desk.example.com"
        shown = await browser.get(PAGE)
        # The cookie is for https, which this browser does not speak.
        browser.headers["cookie"] = shown.headers["set-cookie"].partition(";")[0]
        token = token_in(shown)
        assert (await posted(browser, token, origin="https://desk.example.com")).status_code == LET_IN
        for origin in ("http://desk.example.com", "https://desk.example.com.evil.example", str(browser.base_url)):
            assert (await posted(browser, token, origin=origin)).status_code == 403


async def test_every_answer_has_the_headers(desk: httpx2.AsyncClient) -> None:
    answers = [
        await desk.get(PAGE),
        await desk.get("/nowhere"),
        await desk.get("/static/desk.css"),
        await posted(desk, None),
        await desk.get("/", headers={"host": "evil.example"}),
    ]

    for answer in answers:
        assert {name: answer.headers.get(name) for name in PAGE_HEADERS} == PAGE_HEADERS
        assert "strict-transport-security" not in answer.headers


def test_no_template_has_anything_that_the_policy_of_contents_forbids_or_a_form_without_its_token() -> None:
    templates = list((DESK_FOLDER / "templates").glob("*.html"))
    assert templates
    for path in templates:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), path.name
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
            if re.search(r'method="post"', form, re.IGNORECASE):
                assert "{{ csrf }}" in form, path.name
