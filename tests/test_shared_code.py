"""Shared code names no process and no marketplace: those have modules of their own, and the registry."""

import re
from pathlib import Path

from aftersales.platforms.marketplace import installed_marketplaces
from tests.support.programs.programs import ROOT
from workflows.registry import REGISTERED

CORE = ("statecharts", "cases", "workflows", "activities")
OWN_FOLDERS = ("aftersales/sandbox/", "aftersales/ledger/migrations/")
DESK = [path for kind in ("*.html", "*.js", "*.css") for path in (ROOT / "aftersales" / "desk").rglob(kind)]
"""What is shown on the desk is made from charts, forms and advice: its templates name no process either."""
REGISTRY = "workflows/registry.py"
CLAUSE = re.compile(r"\b[A-Z]{1,2}-\d+\b")
"""Ids of rules in the rule book, such as JD-11, do not count as names of marketplaces."""
NAMES = re.compile(
    "|".join(
        [
            *REGISTERED,
            *REGISTERED.values(),
            *("douyin", r"(?<![a-z])jd(?![a-z])", "1688", "alibaba", "taobao", "anxinjian", "reship"),
            *("抖店", "抖音", "京东", "淘宝"),
        ]
    ),
    re.IGNORECASE,
)


def shared(path: str) -> bool:
    """Return whether a file belongs to no process and no marketplace."""
    folder, _, name = path.rpartition("/")
    if folder in CORE and name.removesuffix(".py") in REGISTERED:
        return False
    own = (*OWN_FOLDERS, *(f"aftersales/platforms/{marketplace}/" for marketplace in installed_marketplaces()))
    return path != REGISTRY and not path.startswith(own)


def named(path: Path) -> list[str]:
    lines = CLAUSE.sub("", path.read_text(encoding="utf-8")).splitlines()
    return [f"{number}: {line.strip()}" for number, line in enumerate(lines, 1) if NAMES.search(line)]


def test_shared_code_names_no_process_and_no_marketplace() -> None:
    files = [
        ROOT / "worker.py",
        *(path for folder in (*CORE, "aftersales") for path in (ROOT / folder).rglob("*.py")),
        *DESK,
    ]
    paths = {path.relative_to(ROOT).as_posix(): path for path in files}
    found = {name: lines for name, path in paths.items() if shared(name) and (lines := named(path))}
    assert found == {}


def test_the_search_finds_what_it_looks_for() -> None:
    for line in ("PROCESS = 'douyin_reship'", "京东周评分", "the 1688 share", "JD weekly score", "for jd_delay_card"):
        assert NAMES.search(CLAUSE.sub("", line)), line
    for line in ("the late orders of JD-11", "adjust", "TB-5"):
        assert not NAMES.search(CLAUSE.sub("", line)), line
