"""Files that forges and tools read: continuous integration, pre-commit hooks, standard documents."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.support.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSIONS = [
    classifier.rpartition(" ")[2]
    for classifier in PROJECT["classifiers"]
    if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", classifier)
]


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_ci_runs_the_script_of_the_repository_on_every_supported_python() -> None:
    job = read_yaml(".github/workflows/ci.yml")["jobs"]["test"]

    assert job["strategy"]["matrix"]["python"] == VERSIONS
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert f"for version in {' '.join(VERSIONS)}; do" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert PROJECT["requires-python"] == f">={VERSIONS[0]}"


def test_every_hook_is_a_tool_of_the_environment_and_is_downloaded_from_nowhere() -> None:
    (local,) = read_yaml(".pre-commit-config.yaml")["repos"]
    tools = {hook["entry"].split()[0] for hook in local["hooks"]}
    developed_with = {re.split(r"[>=\[]", name)[0] for name in PROJECT["optional-dependencies"]["dev"]}

    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    assert {tool.removeprefix(".venv/bin/") for tool in tools} <= developed_with
    assert [hook["entry"].split()[1:2] for hook in local["hooks"]] == [["check"], ["format"], []]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_a_readme_leads_to_contributing_security_and_changelog(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")

    assert [name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") if f"]({name})" not in text] == []


def test_contributing_names_every_folder_that_running_cases_replay() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert [name for name in ("`workflows/engine/`", "`statecharts/`", "`cases/`") if name not in text] == []
    assert "tests/histories/" in text


def test_nothing_says_that_a_licence_was_chosen() -> None:
    assert not {"license", "license-files", "urls"} & set(PROJECT)
    assert [path.name for path in ROOT.glob("LICEN[CS]E*")] == []
