"""Who may import whom, as pyproject.toml has it."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support.places import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def lint(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nobody_enters_a_house_that_is_closed_to_them() -> None:
    found = lint()

    assert found.returncode == 0, found.stdout + found.stderr


def test_a_broken_contract_is_noticed(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ini"
    broken.write_text(
        "[importlinter]\nroot_packages=\n  statecharts\n  workflows\n\n[importlinter:contract:1]\n"
        "name=workflows without charts\ntype=forbidden\nsource_modules=\n  workflows\n"
        "forbidden_modules=\n  statecharts\n",
        encoding="utf-8",
    )

    found = lint("--config", str(broken))

    assert found.returncode == 1
    assert "workflows without charts BROKEN" in found.stdout


def test_every_package_is_watched() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert set(SETTINGS["importlinter"]["root_packages"]) == packages
