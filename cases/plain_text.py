"""Words of others as plain text: on one line, without what steers a terminal or hides, and as text in Markdown.

A platform, a buyer or a file may say anything.  Wherever it is shown, it must not look like ours.
"""

import re
from typing import Final

_STEERING: Final = "\x00-\x1f\x7f-\x9f\u2028\u2029"
_HALVES: Final = "\ud800-\udfff"
_INVISIBLE: Final = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f"
)
NOT_PLAIN: Final = re.compile(f"[{_STEERING}{_HALVES}{_INVISIBLE}]")
"""Line breaks and control characters, halves of characters, and invisible marks, among them those of direction."""
_MARKUP: Final = re.compile(r"[\\`*_{}\[\]<!|~&@]|(?<=:)//|(?<=www)\.")


def plain(text: str) -> str:
    """Return a text on one line: a space for what steers, nothing for what is invisible."""
    return NOT_PLAIN.sub(_replaced, text)


def _replaced(found: re.Match[str]) -> str:
    character = found.group()
    if re.match(f"[{_STEERING}]", character):
        return " "
    return "\ufffd" if re.match(f"[{_HALVES}]", character) else ""


def plain_lines(text: str) -> str:
    """Return a text of several lines, each of them plain."""
    return "\n".join(map(plain, text.split("\n")))


def squeezed(text: str) -> str:
    """Return a plain text with single spaces."""
    return " ".join(plain(text).split())


def as_markdown(text: str) -> str:
    """Return a text that Markdown shows as it is: no image, link, heading, emphasis or HTML."""
    return _MARKUP.sub(lambda found: "".join(f"\\{mark}" for mark in found.group()), squeezed(text))


def as_code(text: str) -> str:
    """Return a text as code in Markdown; a backtick, which would end it, becomes an apostrophe."""
    return f"`{squeezed(text).replace('`', chr(39))}`"
