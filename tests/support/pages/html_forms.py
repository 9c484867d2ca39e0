"""What a browser without script posts from a page: the fields of its forms with what stands in them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Control:
    """An input, a select or a textarea, as the page has it."""

    tag: str
    attributes: dict[str, str]
    value: str = ""
    posted: bool = True
    options: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")


class FormPage(HTMLParser):
    """Reads a page; ``controls`` are its fields in order, ``labelled`` the ids that have a label of their own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.controls: list[Control] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.legends = 0
        self._labels = 0
        self.unlabelled: list[Control] = []
        self._textarea: Control | None = None
        self._select: Control | None = None
        self.feed(page)
        self.unlabelled = [one for one in self.unlabelled if one.attributes.get("id") not in self.labelled]

    @property
    def posted(self) -> dict[str, str | list[str]]:
        """What would be posted, by name; the texts of a name that is posted several times in a list."""
        posted: dict[str, str | list[str]] = {}
        for one in self.controls:
            if one.posted and one.name:
                known = posted.get(one.name)
                posted[one.name] = (
                    one.value if known is None else [*([known] if isinstance(known, str) else known), one.value]
                )
        return posted

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if identity := attributes.get("id"):
            self.ids.append(identity)
        match tag:
            case "label":
                self._labels += 1
                self.labelled.add(attributes.get("for", ""))
            case "input":
                ticked = attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes
                self._add(Control(tag, attributes, attributes.get("value", ""), ticked))
            case "textarea":
                self._textarea = Control(tag, attributes)
                self._add(self._textarea)
            case "select":
                self._select = Control(tag, attributes)
                self._add(self._select)
            case "option" if self._select:
                self._select.options.append((attributes.get("value", ""), "selected" in attributes))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._labels -= 1
        elif tag == "textarea" and self._textarea:
            self._textarea.value = self._textarea.value.removeprefix("\n")
            self._textarea = None
        elif tag == "select" and self._select:
            chosen = [value for value, selected in self._select.options if selected]
            self._select.value = (chosen or [self._select.options[0][0]])[-1]
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._textarea.value += data

    def _add(self, control: Control) -> None:
        self.controls.append(control)
        if not self._labels and control.attributes.get("type") != "hidden":
            self.unlabelled.append(control)
