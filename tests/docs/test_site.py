"""The documents as a site: both navigations lead to every document, and what is wrong with a built site is found."""

import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.pages.built_site import POLICY, faults, page
from tests.support.places import DOCS, ROOT

CONFIGURATIONS = ("zensical.toml", "zensical.zh.toml")
HEAD = f'<meta http-equiv="{POLICY}" content="default-src \'self\'">'
SEARCH = json.dumps({"items": ["补寄", "deadline"]})


def project(name: str) -> dict[str, Any]:
    read: dict[str, Any] = tomllib.loads((ROOT / name).read_text("utf-8"))["project"]
    return read


def pages(entries: list[Any]) -> Iterator[str]:
    """Return the pages of a navigation, in its order."""
    for entry in entries:
        for leads in [entry] if isinstance(entry, str) else entry.values():
            yield from [leads] if isinstance(leads, str) else pages(leads)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_navigation_leads_to_every_document_once(name: str) -> None:
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    decisions = {page for page in written if page.startswith("adr/0")}  # their table leads to them
    assert sorted(pages(project(name)["nav"])) == sorted(written - decisions)
    table = (DOCS / "adr" / "README.md").read_text("utf-8")
    assert [page for page in decisions if f"({page.removeprefix('adr/')})" not in table] == []


def test_the_two_differ_in_language_alone_and_lead_to_each_other() -> None:
    english, chinese = (project(name) for name in CONFIGURATIONS)
    assert [one["theme"].pop("language") for one in (english, chinese)] == ["en", "zh"]
    assert [[each["link"] for each in one["extra"].pop("alternate")] for one in (english, chinese)] == [
        ["./", "./zh/"],
        ["../", "./"],
    ]
    assert (english["site_dir"], chinese["site_dir"]) == ("site", "site/zh")
    for one in (english, chinese):
        for own in ("nav", "site_dir", "site_name"):
            del one[own]
    assert english == chinese
    assert english["theme"]["font"] is False


def test_the_entry_page_leads_to_every_rule_book_and_is_in_both_languages() -> None:
    text = (DOCS / "index.md").read_text("utf-8")
    books = [path.name for path in (DOCS / "rulebook").iterdir() if f"(rulebook/{path.name})" not in text]
    assert books == []
    assert [name for name in ("README.md", "README.zh-CN.md", "## 中文", "## English") if name not in text] == []


def test_the_built_site_is_not_committed_and_ci_builds_it() -> None:
    subprocess.run(["git", "check-ignore", "site/index.html", ".cache/x"], cwd=ROOT, check=True)
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert (runs["site"], runs["audit"]) == (["make site"], ["make audit"])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    page.cache_clear()
    for folder in (tmp_path, tmp_path / "zh"):
        (folder / "rules").mkdir(parents=True)
        (folder / "search.json").write_text(SEARCH, "utf-8")
        (folder / "style.css").write_text("a { background: url(data:image/png;base64,AA==) }", "utf-8")
        sheet = '<link rel="stylesheet" href="{up}style.css"><link rel="next" href="{up}rules/">'
        (folder / "index.html").write_text(HEAD + sheet.format(up="") + '<a href="rules/#补寄">', "utf-8")
        (folder / "rules" / "index.html").write_text(HEAD + sheet.format(up="../") + '<h2 id="补寄">', "utf-8")
    return tmp_path


def test_a_site_that_is_whole_has_no_faults(site: Path) -> None:
    assert list(faults(site)) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ('<script src="https://cdn.example/x.js">', "loads https://cdn.example/x.js"),
        ('<img src="//cdn.example/x.png">', "loads //cdn.example/x.png"),
        ('<link rel="preconnect" href="https://fonts.example">', "loads https://fonts.example"),
        ('<img srcset="style.css 1x, https://cdn.example/2.png 2x">', "loads https://cdn.example/2.png"),
        ('<a href="gone/">', "leads nowhere: gone/"),
        ('<a href="rules/#gone">', "leads nowhere: rules/#gone"),
        ('<a href="#gone">', "leads nowhere: #gone"),
        ('<a href="../../etc/">', "leads nowhere: ../../etc/"),
        ('<img src="gone.png">', "leads nowhere: gone.png"),
        (f'<meta http-equiv="{POLICY}" content="default-src \'self\' https://cdn.example">', "no policy"),
    ],
)
def test_what_is_loaded_from_elsewhere_and_what_leads_nowhere_is_found(site: Path, planted: str, found: str) -> None:
    with (site / "index.html").open("a", encoding="utf-8") as end:
        end.write(planted)
    (fault,) = faults(site)
    assert fault.startswith(f"index.html: {found}")


def test_a_link_to_another_host_may_stand_on_a_page_and_a_sheet_may_load_nothing_from_there(site: Path) -> None:
    with (site / "index.html").open("a", encoding="utf-8") as end:
        end.write('<a href="https://temporal.example/">')
    assert list(faults(site)) == []
    (site / "style.css").write_text('@import "https://fonts.example/x.css";', "utf-8")
    assert list(faults(site)) == ["style.css: loads https://fonts.example/x.css"]


def test_a_search_that_knows_one_language_alone_is_found(site: Path) -> None:
    (site / "zh" / "search.json").write_text('{"items": ["deadline"]}', "utf-8")
    assert list(faults(site)) == ["zh/search.json: 补寄 is not found"]


def test_a_site_that_was_not_built_is_found(tmp_path: Path) -> None:
    assert next(faults(tmp_path)).endswith("no pages")
