"""Packages: who may import whom, and what a wheel installs."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support.places import EXAMPLES, ROOT
from tests.support.programs.surroundings import without_ours

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


def test_no_package_imports_what_is_closed_to_it() -> None:
    done = lint()

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_contract_is_noticed(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ini"
    broken.write_text(
        "[importlinter]\nroot_packages=\n  statecharts\n  workflows\n\n[importlinter:contract:1]\n"
        "name=workflows without charts\ntype=forbidden\nsource_modules=\n  workflows\n"
        "forbidden_modules=\n  statecharts\n",
        encoding="utf-8",
    )

    done = lint("--config", str(broken))

    assert done.returncode == 1
    assert "workflows without charts BROKEN" in done.stdout


def test_every_package_is_watched() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert set(SETTINGS["importlinter"]["root_packages"]) == packages


def test_the_entry_point_imports_the_composition_root_alone() -> None:
    lines = (ROOT / "worker.py").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line.startswith("from")] == ["from aftersales.bootstrap import main"]


PACKAGES = {"activities", "aftersales", "cases", "statecharts", "workflows"}
SOURCES = (*sorted(PACKAGES), "worker.py", "pyproject.toml", "README.md")
WITHOUT_NETWORK = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")


def pip(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments, *WITHOUT_NETWORK], check=True, capture_output=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the product, built from a copy of its sources alone."""
    copy, built = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("built")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    pip("wheel", "--no-build-isolation", "--wheel-dir", built, copy)
    (path,) = built.iterdir()
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel was installed, without what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--target", folder, wheel)
    return folder


def run_installed(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -P keeps the working directory off the path, -B the folder clean.
    program = [sys.executable, "-P", "-B", *arguments]
    environment = {**without_ours(dict(os.environ)), "PYTHONPATH": str(installed)}
    return subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_wheel_installs_the_five_packages_and_the_worker_under_no_other_name(wheel: Path) -> None:
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    tops = {path.parts[0] for path in names if not path.parts[0].endswith(".dist-info")}

    assert tops == PACKAGES | {"worker.py"}


def test_a_wheel_holds_every_module_and_says_that_each_package_is_typed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}

    assert modules - names == set()
    assert {f"{package}/py.typed" for package in PACKAGES} - names == set()


def test_a_wheel_is_refused_by_public_registries_and_names_no_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    lines = archive.read(metadata).decode().partition("\n\n")[0].splitlines()

    assert "Classifier: Private :: Do Not Upload" in lines
    assert [line for line in lines if line.startswith(("License", "Classifier: License", "Project-URL"))] == []


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("--help",), "simulate"),
        (("rulebook", "douyin_reship"), "DR-4"),
        (("simulate", EXAMPLES / "scenarios" / "douyin_reship_silent.yaml"), "DR-10: 3.00"),
    ],
    ids=["help", "rulebook", "simulate"],
)
def test_the_installed_wheel_runs_outside_the_checkout(
    installed: Path, tmp_path: Path, arguments: tuple[str | Path, ...], printed: str
) -> None:
    done = run_installed(installed, tmp_path, "-m", "aftersales.cli.main", *map(str, arguments))

    assert done.returncode == 0, done.stderr
    assert printed in done.stdout


def test_what_runs_outside_the_checkout_is_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    names = sorted({*PACKAGES, "worker"})
    program = f"import {', '.join(names)}; print(*[module.__file__ for module in ({', '.join(names)})], sep='\\n')"
    done = run_installed(installed, tmp_path, "-c", program)

    assert [path for path in done.stdout.split() if not Path(path).is_relative_to(installed)] == []
