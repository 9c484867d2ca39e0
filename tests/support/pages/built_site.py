"""What is wrong with a built site: ``python -m tests.support.pages.built_site FOLDER``, as ``make site`` runs it."""

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

POLICY = "Content-Security-Policy"
LOADING = ("stylesheet", "icon", "preload", "modulepreload", "preconnect", "prefetch", "dns-prefetch", "manifest")
"""Relations of a link that make a browser ask for its address."""
SEARCHED = ("补寄", "deadline")
"""Words that a reader of either language looks for."""


class Page(HTMLParser):
    """What a page loads, leads to and can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.anchors = {""}
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        self.anchors |= {held[name] for name in ("id", "name") if name in held}
        self.loads += [held[name] for name in ("src", "data", "poster") if name in held]
        self.loads += [part.split()[0] for part in held.get("srcset", "").split(",") if part.strip()]
        if tag == "link" and set(held.get("rel", "").split()) & set(LOADING):
            self.loads.append(held.get("href", ""))
        elif tag in ("a", "link") and "href" in held:
            self.leads.append(held["href"])
        if tag == "meta" and held.get("http-equiv") == POLICY:
            self.policy = held.get("content", "")


@cache
def page(path: Path) -> Page:
    """Return a page of the site."""
    return Page(path.read_text(encoding="utf-8"))


def faults(site: Path) -> Iterator[str]:
    """Yield what is wrong with a site, a line each."""
    pages = sorted(path for path in site.rglob("*.html") if path.name != "404.html")
    if not pages:
        yield f"{site}: no pages"
    for path in pages:
        name, read = path.relative_to(site), page(path)
        yield from (f"{name}: loads {address}" for address in read.loads if elsewhere(address))
        if not read.policy.startswith("default-src 'self'") or "http" in read.policy:
            yield f"{name}: no policy that forbids other hosts"
        for address in (*read.loads, *read.leads):
            if not elsewhere(address) and not leads_somewhere(site, path, address):
                yield f"{name}: leads nowhere: {address}"
    for path in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')]+)", path.read_text(encoding="utf-8"))
        yield from (f"{path.relative_to(site)}: loads {address}" for address in found if elsewhere(address))
    for index in (site / "search.json", site / "zh" / "search.json"):
        text = json.dumps(json.loads(index.read_bytes()), ensure_ascii=False) if index.exists() else ""
        yield from (f"{index.relative_to(site)}: {word} is not found" for word in SEARCHED if word not in text)


def elsewhere(address: str) -> bool:
    """Return whether an address is one of another host."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def leads_somewhere(site: Path, path: Path, address: str) -> bool:
    """Return whether an address on a page is a file of the site, and its anchor is there."""
    parts = urlsplit(address)
    if parts.scheme == "data":
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(site):
        return False
    if target.is_dir():
        target /= "index.html"
    if target.suffix != ".html" or not target.is_file():
        return target.is_file()
    return unquote(parts.fragment) in page(target).anchors


if __name__ == "__main__":
    (folder,) = sys.argv[1:]
    lines = list(faults(Path(folder).resolve()))
    sys.stderr.writelines(f"{line}\n" for line in lines)
    sys.exit(bool(lines))
