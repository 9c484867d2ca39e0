"""Pages of the desk as a browser without script sees them: their forms, and posting them as they stand."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx2

UNSENT = ("file", "checkbox", "radio")
"""What a browser does not post as it stands, unless it is checked."""


class PageForm:
    """A form of a page: where it is posted, and its fields as they stand."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []

    def __getitem__(self, name: str) -> str:
        return next(value for own, value in self.fields if own == name)

    def values(self, name: str) -> list[str]:
        return [value for own, value in self.fields if own == name]

    def filled(self, **changed: Any) -> list[tuple[str, str]]:
        """Return the fields as they are posted, with some of them changed; a list is posted several times."""
        kept = [(name, value) for name, value in self.fields if name not in changed]
        given = [
            (name, str(one))
            for name, value in changed.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        return [*kept, *given]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._open: PageForm | None = None
        self._textarea: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = PageForm(given.get("action", ""))
            self.forms.append(self._open)
        elif self._open is None or "name" not in given:
            return
        elif tag == "textarea":
            self._textarea, self._text = given["name"], ""
        elif tag == "button":
            self._open.buttons.append((given["name"], given.get("value", "")))
        elif tag == "input" and (given.get("type") not in UNSENT or "checked" in given):
            self._open.fields.append((given["name"], given.get("value", "")))

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea" and self._textarea and self._open:
            self._open.fields.append((self._textarea, self._text.removeprefix("\n")))
            self._textarea = None


def forms_of(page: httpx2.Response, action: str) -> list[PageForm]:
    """Return the forms of a page that are posted to an address."""
    parser = _Forms()
    parser.feed(page.text)
    return [form for form in parser.forms if form.action == action]


async def post(browser: httpx2.AsyncClient, form: PageForm | str, fields: list[tuple[str, str]]) -> httpx2.Response:
    """Post fields to where a form is posted, and follow where the answer leads."""
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    action = form if isinstance(form, str) else form.action
    return await browser.post(action, data=data, follow_redirects=True)


def part_about(page: httpx2.Response, case_id: str) -> str:
    """Return what a page says about a case, without tags: all between its row's beginning and the next one's."""
    marked = f'data-case="{case_id}"'
    assert marked in page.text, f"{case_id} is not shown"
    part = re.split(r"<li [^>]*data-case=|</main>", page.text.partition(marked)[2])[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part.partition(">")[2]).split())
