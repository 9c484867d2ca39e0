"""The skeleton of a new process is complete: it passes every check as it is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aftersales.authoring.skeleton import checked_label, clause_prefix, marketplace, write_skeleton
from cases.errors import BadForm
from tests.support.places import ROOT, RULES

TREE = ("statecharts", "cases", "workflows", "activities", "aftersales", "docs", "examples", "tests")
NAME = "jd_price_protection"


def copied(folder: Path) -> Path:
    """A checkout with all that the command writes to."""
    for part in TREE:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("histories", "images"))
    for file in ("pyproject.toml", "worker.py", "README.md"):
        shutil.copy(ROOT / file, folder)
    return folder


def program(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(
        [sys.executable, "-P", "-m", *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(400)  # it runs nine programs one after the other, one of which checks types from an empty cache
def test_what_it_writes_passes_every_check_and_its_scenario_is_played(tmp_path: Path) -> None:
    tree = copied(tmp_path)

    made = program(tree, "aftersales.cli.main", "new-process", NAME, "--label", "京东价保")
    assert made.returncode == 0, made.stderr
    files = made.stdout.splitlines()[:-1]
    assert len(files) == len(set(files))
    assert all((tree / file).exists() for file in files)
    sources = [file for file in files if file.endswith(".py")]

    checks = [
        ("ruff", "check", "--no-cache", *sources),
        ("ruff", "format", "--no-cache", "--check", *sources),
        (
            "mypy",
            "--cache-dir",
            str(tmp_path / "mypy"),
            "--follow-imports",
            "silent",
            *sources,
        ),
        ("aftersales.cli.main", "rulebook", "--check", NAME),
        ("aftersales.cli.main", "rulebook", NAME, "--write", "docs/rulebook"),
        ("aftersales.cli.main", "simulate", f"examples/scenarios/{NAME}_silent.yaml"),
        ("pytest", "-q", f"tests/statecharts/test_{NAME}.py", "tests/cases/test_policy.py"),
        ("pytest", "-q", "tests/docs/test_rulebooks.py", "-k", f"{NAME} or clause_is_in_the_rule_book or no_document"),
    ]
    for arguments in checks:
        done = program(tree, *arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)

    again = program(tree, "aftersales.cli.main", "new-process", NAME)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith(f"aftersales: {NAME}: statecharts/{NAME}.py has it already")


def test_without_a_checkout_it_says_so(tmp_path: Path) -> None:
    for part in TREE[:5]:
        shutil.copytree(ROOT / part, tmp_path / part)

    refused = program(tmp_path, "aftersales.cli.main", "new-process", NAME)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"aftersales: new-process writes source files and needs a checkout: {tmp_path} has no pyproject.toml\n"
    )


def test_nothing_is_written_where_a_file_is_there_already(tmp_path: Path) -> None:
    tree = copied(tmp_path)
    (tree / "cases" / f"{NAME}.py").write_text("mine")

    with pytest.raises(BadForm, match=rf"cases/{NAME}\.py has it already; nothing was written"):
        write_skeleton(tree, NAME, "jd", NAME)

    assert not (tree / "statecharts" / f"{NAME}.py").exists()
    assert (tree / "docs" / "rules.md").read_text(encoding="utf-8") == RULES.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", "jd", "Jd_Card", "jd-card", "jd__card", "_jd_card", "../jd_card", "1_card"])
def test_an_unfit_name_is_refused(name: str) -> None:
    with pytest.raises(BadForm, match="lower-case words"):
        marketplace(name, "jd")


@pytest.mark.parametrize("label", [" ", '京东"价保', "京东\\价保", "京东|价保", "京东\n价保", "京东`价保"])
def test_a_label_that_would_break_a_string_or_a_table_is_refused(label: str) -> None:
    with pytest.raises(BadForm, match="--label: expected a name without quotes"):
        checked_label(label)


def test_the_marketplace_is_the_one_that_is_named_or_that_the_name_begins_with() -> None:
    assert marketplace("jd_card", None) == "jd"
    assert marketplace("price_card", "taobao") == "taobao"
    with pytest.raises(BadForm, match="price_card begins with no marketplace; name one of alibaba_1688, douyin, jd, t"):
        marketplace("price_card", None)
    with pytest.raises(BadForm, match="got 'ebay'"):
        marketplace("jd_card", "ebay")


def test_clauses_get_initials_that_the_rule_book_does_not_have() -> None:
    assert clause_prefix("jd_price_protection", "| JD-1 |") == "JPP"
    assert clause_prefix("douyin_reship", "| DR-1 |") == "DRX"
