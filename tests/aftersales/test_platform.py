"""On Windows every way in says at once, in one line, that it needs a POSIX system."""

import subprocess
import sys

import pytest

from tests.support.places import ROOT

ON_WINDOWS = """
import runpy, sys
sys.platform = "win32"
for missing in ("fcntl", "pwd", "grp", "resource", "termios"):
    sys.modules[missing] = None
sys.argv = {argv!r}
{runs}
"""


@pytest.mark.parametrize(
    "runs",
    [
        "from aftersales.cli.main import main; main()",
        "runpy.run_path('worker.py', run_name='__main__')",
        "runpy.run_module('aftersales.cli.main', run_name='__main__')",
    ],
)
def test_on_windows_every_way_in_says_at_once_that_it_needs_a_posix_system(runs: str) -> None:
    script = ON_WINDOWS.format(argv=["aftersales", "--help"], runs=runs)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "needs a POSIX system" in line
