"""Forms of a page, as a browser without script fills and posts them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2

from aftersales.desk.gate import FORM_FIELD


@dataclass
class PageForm:
    """A form of a page: where it is posted to, what stands in its fields, and the words of its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    words: str = ""

    async def post(self, browser: httpx2.AsyncClient, **filled: str) -> httpx2.Response:
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
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: Mapping[str, str | None] = dict(attrs)
        if tag == "form":
            self._form = PageForm(given.get("action") or "")
            self.forms.append(self._form)
        elif self._form is not None:
            name = given.get("name")
            self._in_button |= tag == "button"
            if tag == "textarea" and name:
                self._area = name
                self._form.fields[name] = ""
            elif tag == "input" and name and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
                self._form.fields[name] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None
        elif tag == "button":
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area is not None:
            self._form.fields[self._area] += data.removeprefix("\n")
        elif self._form is not None and self._in_button:
            self._form.words += data.strip()


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
