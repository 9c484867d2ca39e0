"""A newer build of the project: a copy with one more figure, fact, field of the state and field of a call."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.places import PACKAGES, ROOT
from tests.support.programs.programs import run_python

EDITION = "2099-01-01"
MORE = {
    "cases/douyin_reship.py": {
        "    late_compensation: Figure[Money]": (
            '    patience: Figure[Duration] = duration("1h", "DR-2", "assumption", "assumed")\n    """耐心"""\n'
        ),
        "    shipped: bool = Field(default=True, exclude_if=bool)\n": '    channel: str = "app"\n    """渠道"""\n',
    },
    "workflows/engine/state.py": {"    last_serial: int = 0\n": "    urgency: int = 1\n"},
    "cases/messages.py": {"    effect: str\n    label: str\n": '    urgency: str = "high"\n'},
}
"""What is written before a text that a file has once."""
OPEN = """
import asyncio, json, os, sys
from pathlib import Path
from aftersales.runtime.temporal.connection import connect_to
from cases.messages import Opening
from workflows.opening import start_case
from workflows.registry import PROCESSES

async def main():
    address, queue, openings = json.loads(sys.argv[1])
    client = await connect_to(address)
    for facts, policy in openings:
        await start_case(client, queue, PROCESSES["douyin_reship"], Opening(facts=facts, policy=policy))

asyncio.run(main())
os._exit(0)  # the SDK's own threads now and then abort a process that winds down by itself
"""


async def newer_build(folder: Path, more: Mapping[str, Mapping[str, str]] = MORE) -> Path:
    """Copy the project into a folder, add ``more`` to it, and write its edition; return the folder."""
    changed = {file: {before: added + before for before, added in texts.items()} for file, texts in more.items()}
    copy_of_project(folder, changed)
    await run_python(
        folder,
        "-c",
        "from pathlib import Path; from aftersales.authoring.edition import main; "
        f"raise SystemExit(main(Path('cases/editions'), '{EDITION}'))",
    )
    return folder


def copy_of_project(folder: Path, changed: Mapping[str, Mapping[str, str]]) -> Path:
    """Copy the project into a folder, with some texts, each of which its file has once, replaced; return the folder."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "worker.py", folder)
    for file, texts in changed.items():
        text = (folder / file).read_text(encoding="utf-8")
        for before, after in texts.items():
            assert text.count(before) == 1, (file, before)
            text = text.replace(before, after)
        (folder / file).write_text(text, encoding="utf-8")
    return folder
