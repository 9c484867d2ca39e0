"""The guide to deployment says of every command whether it was run, and by what."""

import re
from pathlib import Path

from tests.support.places import DOCS, ROOT

GUIDE = (DOCS / "deployment.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *(\S[^\n]*)\n\s*\n *```sh\n(.*?)^ *```", GUIDE, flags=re.MULTILINE | re.DOTALL)
OF_CLUSTERS = {"docker", "helm", "kubectl"}


def programs(block: str) -> set[str]:
    return {line.split()[0] for line in block.splitlines() if line.strip()} - {"cd"}


def test_above_every_command_stands_whether_it_was_run_here() -> None:
    assert len(BLOCKS) == GUIDE.count("```sh")
    assert [mark for mark, _ in BLOCKS if not mark.startswith(("Run here: ", "Not run here"))] == []


def test_what_needs_a_daemon_or_a_cluster_was_not_run_and_all_else_was() -> None:
    for mark, block in BLOCKS:
        assert mark.startswith("Not run here") == bool(programs(block) & OF_CLUSTERS), block


def test_what_was_run_is_named_and_exists() -> None:
    for mark, _ in BLOCKS:
        if mark.startswith("Run here: "):
            what = mark.removeprefix("Run here: ")
            assert what == "make manifests" or (ROOT / what).is_file(), what


def test_every_command_that_a_test_runs_is_one_that_it_knows() -> None:
    recipe = (DOCS / "operations.md").read_text(encoding="utf-8")
    for mark, block in BLOCKS:
        if not mark.startswith("Run here: tests/"):
            continue
        source = (ROOT / mark.removeprefix("Run here: ")).read_text(encoding="utf-8")
        for line in filter(None, map(str.strip, block.splitlines())):
            if '"operations.md"' in source:  # it runs the recipe there
                assert line.replace("2026.11.1", "OLD").replace("2026.11.2", "NEW") in set(
                    map(str.strip, recipe.splitlines())
                )
            else:
                program, *arguments = line.split()
                assert [word for word in (Path(program).name, *arguments) if word not in source] == [], line


def test_every_test_that_holds_a_row_exists() -> None:
    _, _, table = GUIDE.partition("## Incident")
    named = re.findall(r"`(tests/[\w/.]+)`", table)

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_operations_leads_to_the_guide() -> None:
    assert "(deployment.md)" in (DOCS / "operations.md").read_text(encoding="utf-8")
