"""Forms of a page, as a browser without script fills and posts them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2

from aftersales.desk.gate import FORM_FIELD


@dataclass
class PageForm:
    """A form of a page: where it is posted to, what stands in its fields, and the words of its buttons.

    A field that occurs several times has a list of texts; ``choices`` are the values of named buttons by their words.
    """

    action: str
    fields: dict[str, str | list[str]] = field(default_factory=dict)
    words: str = ""
    choices: dict[str, tuple[str, str]] = field(default_factory=dict)

    def stands(self, name: str, text: str) -> None:
        """Note what stands in a field, beside what stands in others of its name."""
        before = self.fields.get(name)
        if before is None:
            self.fields[name] = text
        else:
            self.fields[name] = [*(before if isinstance(before, list) else [before]), text]

    async def choose(self, browser: httpx2.AsyncClient, words: str) -> httpx2.Response:
        """Post the form by its button that begins with these words."""
        ((name, value),) = [choice for said, choice in self.choices.items() if said.startswith(words)]
        return await self.post(browser, **{name: value})

    async def post(self, browser: httpx2.AsyncClient, **filled: str | list[str]) -> httpx2.Response:
        """Fill some fields, post the form, and follow to where the answer sends the browser.

        The browser sends the token of its own session, whoever the page was shown to.
        """
        fields = {name: value for name, value in self.fields.items() if name != FORM_FIELD} | filled
        return await browser.post(self.action, data=fields, follow_redirects=True)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._form: PageForm | None = None
        self._area: str | None = None
        self._select: str | None = None
        self._in_button = False
        self._button: tuple[str, str] | None = None
        self._said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: Mapping[str, str | None] = dict(attrs)
        if tag == "form":
            self._form = PageForm(given.get("action") or "")
            self.forms.append(self._form)
        elif self._form is not None:
            name = given.get("name")
            if tag == "button":
                self._in_button, self._said = True, ""
                self._button = (name, given.get("value") or "") if name else None
            if tag == "select":
                self._select = name
            elif tag == "option" and self._select and "selected" in given:
                self._form.stands(self._select, given.get("value") or "")
            if tag == "textarea" and name:
                self._area = name
                self._form.fields[name] = ""
            elif tag == "input" and name and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
                self._form.stands(name, given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None
        elif tag == "button":
            if self._form is not None and self._button:
                self._form.choices[self._said] = self._button
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area is not None:
            self._form.fields[self._area] = f"{self._form.fields[self._area]}{data}".removeprefix("\n")
        elif self._form is not None and self._in_button:
            self._form.words += data.strip()
            self._said += data.strip()


def forms_of(page: httpx2.Response) -> list[PageForm]:
    """Return the forms of a page."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.forms


def form_with(page: httpx2.Response, words: str) -> PageForm:
    """Return the form whose button has these words."""
    found = [form for form in forms_of(page) if form.words == words]
    assert len(found) == 1, f"{words!r} is on {len(found)} of the buttons: {[form.words for form in forms_of(page)]}"
    return found[0]


def part_about(page: httpx2.Response, case_id: str) -> str:
    """Return what a list says about a case, without tags: all from the beginning of its row to that of the next."""
    marked = f'data-case="{case_id}"'
    assert marked in page.text, f"{case_id} is not shown"
    part = re.split(r"<li [^>]*data-case=|</main>", page.text.partition(marked)[2])[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part.partition(">")[2]).split())
