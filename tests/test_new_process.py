"""A process with an interface is five files and one line of the registry, whatever else there is."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.places import PACKAGES, ROOT
from tests.support.programs.embedded import surroundings

FILES = ROOT / "tests" / "support" / "new_process"
REGISTRY = "REGISTERED: Mapping[str, str] = {\n"


def project_with_a_toy(folder: Path) -> None:
    """Copy the project, add the five files, and enter the process."""
    without = shutil.ignore_patterns("__pycache__", "new_process")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=without)
    shutil.copytree(ROOT / "tests" / "support", folder / "tests" / "support", ignore=without)
    added = [path for path in FILES.rglob("*.py") if path.parent != FILES]
    assert len(added) == 5
    for path in added:
        target = folder / path.relative_to(FILES)
        assert not target.exists()
        shutil.copy(path, target)
    registry = folder / "workflows" / "registry.py"
    text = registry.read_text(encoding="utf-8")
    assert REGISTRY in text
    registry.write_text(text.replace(REGISTRY, f'{REGISTRY}    "toy": "douyin",\n'), encoding="utf-8")


def test_a_new_process_is_opened_by_a_push_and_moved_on_the_desk_by_message_and_by_clock(tmp_path: Path) -> None:
    project, data = tmp_path / "project", tmp_path / "data"
    project_with_a_toy(project)
    data.mkdir()
    driven = subprocess.run(
        [sys.executable, FILES / "drive.py", data],
        cwd=project,
        env=surroundings(PYTHONPATH=str(project)),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert driven.returncode == 0, driven.stderr
    assert json.loads(driven.stdout.splitlines()[-1]) == {
        "state": ["closed_by_clock"],
        "moves": [["agree", "merchant"], ["ship", "platform"], ["complete", "clock"]],
        "calls": [{"method": "toy.detail", "toy_id": "7"}, {"method": "toy.agree", "toy_id": "7"}],
        "messages": 2,
        "pages": ["list", "tasks", "batch", "plan", "month", "case", "decision", "live"],
    }
