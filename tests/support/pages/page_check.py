"""What a page must have so that everybody can use it, as far as its HTML tells: names, order, ties."""

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "rect", "source", "track", "wbr"}
NAMED_BY_VALUE = {"hidden", "submit", "reset", "button"}


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str]
    parent: "_Element | None" = None
    text: str = ""
    children: list["_Element"] = field(default_factory=list)

    def inside(self, tag: str) -> bool:
        return self.parent is not None and (self.parent.tag == tag or self.parent.inside(tag))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[_Element] = []
        self._open: list[_Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self._open[-1] if self._open else None
        element = _Element(tag, {name: value or "" for name, value in attrs}, parent)
        self.elements.append(element)
        if parent:
            parent.children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data


def faults_of(html: str) -> list[str]:
    """Return what is wrong with a page, each fault in a few words; none if everybody can use it."""
    page = _Page()
    page.feed(html)
    ids = Counter(element.attributes["id"] for element in page.elements if "id" in element.attributes)
    labelled = {element.attributes.get("for") for element in page.elements if element.tag == "label"}
    faults = [f"id {name!r} stands {many} times" for name, many in ids.items() if many > 1]
    for element in page.elements:
        faults += _faults_of_element(element, set(ids), labelled)
    faults += _faults_of_headings([int(one.tag[1]) for one in page.elements if one.tag in {"h1", "h2", "h3", "h4"}])
    if not any(one.tag == "html" and one.attributes.get("lang") == "zh-CN" for one in page.elements):
        faults.append("the page does not say its language")
    if not any(one.tag == "title" and one.text.strip() for one in page.elements):
        faults.append("the page has no title")
    return faults


def _faults_of_element(element: _Element, ids: set[str], labelled: set[str | None]) -> list[str]:
    given, what = element.attributes, f"<{element.tag} {element.attributes}>"
    faults = [
        f"{what}: {name} names {wanted!r}, which is not on the page"
        for name in ("for", "aria-describedby", "aria-labelledby", "aria-controls", "list", "form")
        for wanted in given.get(name, "").split()
        if wanted not in ids
    ]
    is_field = element.tag in {"input", "select", "textarea"} and given.get("type") not in NAMED_BY_VALUE
    named = given.get("aria-label") or given.get("aria-labelledby")
    if is_field and not (named or given.get("id") in labelled or element.inside("label")):
        faults.append(f"{what} has no label")
    is_named = named or element.text.strip() or given.get("label") or element.inside("datalist")
    if element.tag in {"a", "button", "summary", "legend", "th", "option"} and not is_named:
        faults.append(f"{what} has no name")
    described = given.get("aria-describedby", "").split()
    if given.get("aria-invalid") == "true" and not any(name.endswith("-error") for name in described):
        faults.append(f"{what} does not say what is wrong")
    if element.tag == "fieldset" and not any(child.tag == "legend" for child in element.children):
        faults.append(f"{what} has no legend")
    if element.tag == "th" and given.get("scope") not in {"col", "row"}:
        faults.append(f"{what} has no scope")
    if element.tag == "img" and "alt" not in given:
        faults.append(f"{what} has no alternative")
    if int(given.get("tabindex") or 0) > 0:
        faults.append(f"{what} changes the order of the keyboard")
    return faults


def _faults_of_headings(levels: list[int]) -> list[str]:
    faults = [] if levels.count(1) == 1 else [f"{levels.count(1)} headings of the first level"]
    skipped = [(above, below) for above, below in pairwise(levels) if below > above + 1]
    return faults + [f"a heading of level {below} follows one of level {above}" for above, below in skipped]
