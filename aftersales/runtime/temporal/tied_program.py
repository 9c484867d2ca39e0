"""A program that becomes another one, which ends when the process that has started it does, however that ends.

It is run as a file, by a Python without our packages: ``tied_program.py HOW PARENT PROGRAM ARGUMENTS``.  Linux sends
the signal itself (``signal``).  Elsewhere (``watchdog``) a process reads from standard input, a pipe whose other end
only the parent has, until that is closed.
"""

import ctypes
import os
import select
import signal
import sys

BY_SIGNAL, BY_WATCHDOG = "signal", "watchdog"
_SET_PARENT_DEATH_SIGNAL = 1
_LOOK_SECONDS = 1.0


def main(how: str, parent: str, program: str, *arguments: str) -> None:
    """Tie this process to its parent, and become the program."""
    if how == BY_SIGNAL:
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    elif not os.fork():
        _watch(os.getppid())
    if os.getppid() != int(parent):  # it ended before it could be noticed
        sys.exit(1)
    os.execv(program, [program, *arguments])  # noqa: S606 - that is what this is for  # nosec B606


def _watch(watched: int) -> None:
    """End the process that forked us once the pipe is closed, and ourselves once that process has ended."""
    while os.getppid() == watched:
        ready, _, _ = select.select([0], [], [], _LOOK_SECONDS)
        if ready and not os.read(0, 1):
            os.kill(watched, signal.SIGTERM)
            break
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
