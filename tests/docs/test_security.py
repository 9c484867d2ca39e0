"""Security: the table of addresses is that of the settings and the code; every threat names tests that there are."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aftersales.runtime.settings import Settings
from tests.support.places import DOCS, ROOT

TEXT = (DOCS / "security.md").read_text("utf-8")
CONSIDERED = {
    "forged push",
    "foreign shop",
    "replayed push",
    "stolen session",
    "CSRF",
    "injection into visibility queries",
    "zip bombs",
    "formulas",
    "buyers' data in logs and traces",
    "stolen database",
    "malicious clerk",
    "stolen backup",
    "dependency",
}
LISTENS = re.compile(
    r"(?<!event\.)(?<!def )\b(?:listen|open_listener)\(|PrometheusConfig\(|\"start-dev\"|start_server\(|uvicorn\.run"
)
ON_THIS_MACHINE = "127.0.0.1"
SOURCES = ("statecharts", "cases", "workflows", "activities", "aftersales", "benchmarks")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def variables(names: Iterator[str]) -> set[str]:
    return {f"AFTERSALES_{name.upper()}" for name in names}


def test_every_setting_of_an_address_is_in_the_table_with_its_default() -> None:
    named = {name for row in rows("Addresses") for name in re.findall(r"`(AFTERSALES_\w+)`", row[2])}
    fields = Settings.model_fields
    listening = (name for name in fields if re.search(r"(^|_)(host|port)$", name) or name == "metrics_address")
    assert named == variables(listening)
    for _, default, setting, *_ in rows("Addresses"):
        told = re.findall(r"`AFTERSALES_(\w+)`", setting)
        of = {name.rpartition("_")[2]: fields[name.lower()].default for name in map(str.lower, told)}
        if default != "as above":
            port = of.get("port")
            assert default == (f"`{of.get('host', ON_THIS_MACHINE)}:{port}`" if port else "off"), setting
            assert of.get("host", ON_THIS_MACHINE) == ON_THIS_MACHINE
            assert of.get("address") is None
            assert "host" in of or port is None or "always this machine" in setting


def test_every_place_that_listens_is_in_the_table() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in [*(ROOT / "aftersales").rglob("*.py"), ROOT / "worker.py"]
        if path.name != "http_server.py"  # which listens for them
        and LISTENS.search(path.read_text("utf-8"))
    }
    assert {place for row in rows("Addresses") for place in re.findall(r"`([\w/]+\.py)`", row[5])} == found


def test_every_endpoint_of_pushes_is_in_the_table() -> None:
    sources = (ROOT / "aftersales" / "platforms").glob("*/marketplace.py")
    paths = {
        path
        for source in sources
        for path in re.findall(r'^    path = "(/\w+)"', source.read_text("utf-8"), re.MULTILINE)
    }
    assert set(re.findall(r"`(/\w+)`", rows("Addresses")[0][0])) == paths


def test_every_threat_is_considered_and_names_tests_that_there_are() -> None:
    held = {threat: re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests) for threat, _, tests in rows("Threats")}
    assert CONSIDERED - set(held) == set()
    assert [threat for threat, tests in held.items() if not tests] == []
    missing = [
        f"{path}::{name}"
        for tests in held.values()
        for path, name in tests
        if not re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    ]
    assert missing == []


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def required(extras: tuple[str, ...]) -> set[str]:
    """Return what the project needs with these extras, and what that needs, of what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = project["optional-dependencies"]
    waiting = [Requirement(line) for line in [*project["dependencies"], *(line for one in extras for line in own[one])]]
    found = set[tuple[str, frozenset[str]]]()
    while waiting:
        wanted = waiting.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in found or key[0] == project["name"]:
            continue
        try:
            needs = [Requirement(line) for line in distribution(wanted.name).requires or ()]
        except PackageNotFoundError:
            continue  # of another platform, or an extra that is not installed
        found.add(key)
        asked = [{"extra": extra} for extra in ("", *wanted.extras)]
        waiting += [need for need in needs if not need.marker or any(need.marker.evaluate(one) for one in asked)]
    return {name for name, _ in found}


def test_what_is_installed_is_what_is_pinned() -> None:
    needed = required(("embedded", "postgresql", "tracing", "dev"))
    assert len(needed) > 60
    different = {
        name: (distribution(name).version, pins().get(name))
        for name in sorted(needed)
        if distribution(name).version != pins().get(name)
    }
    assert different == {}


@pytest.mark.parametrize("package", SOURCES)
def test_every_exclusion_of_bandit_has_a_reason(package: str) -> None:
    excluded = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if "# nosec" in line and not re.search(r"# noqa: S\d+ - \w.*# nosec|# nosec B\d+  # \w", line)
    ]
    assert excluded == []


def test_bandit_is_part_of_make_check_and_looks_at_every_package() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (checked,) = re.findall(r"^check: (.*?) ##", makefile, flags=re.MULTILINE)
    (looked_at,) = re.findall(r"^SOURCES := (.*)$", makefile, flags=re.MULTILINE)
    assert "bandit" in checked.split()
    assert set(looked_at.split()) == {*SOURCES, "worker.py"}
    assert (ROOT / "worker.py").is_file()
