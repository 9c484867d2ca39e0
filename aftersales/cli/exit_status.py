"""How a command ends: an error becomes one line on standard error and an exit status."""

import errno
import logging
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer

from aftersales.cli.output import complain
from cases.errors import CaseError, PlatformRefused, Refused

REFUSED, BAD_INPUT, UNANSWERED, INTERRUPTED = 1, 2, 3, 130
"""UNANSWERED: a decision was sent and no answer came; it may have been taken, or may be taken later."""

_OF_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG)


class NotWritten(CaseError):
    """A file, a folder or an output of this machine that cannot be read or written."""


def run(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run a command's work and exit.

    The exit status is the work's own or 0, or 1 (refused by the rules or the platform), 2 (bad input, or no answer),
    3 (a decision that may have been taken) or 130 (interrupted).
    """
    import asyncio

    _quieten()
    try:
        status = asyncio.run(work)
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as failed:
        bad = _meaning(failed)
        if bad is None:
            raise
        complain(str(bad))
        raise typer.Exit(REFUSED if isinstance(bad, Refused | PlatformRefused) else BAD_INPUT) from None
    raise typer.Exit(status or 0)


def _quieten() -> None:
    """Let only the one line of how it ended reach people: Temporal's core warns of every repeated call."""
    if "structlog" in sys.modules:  # as with every command that connects; to load it takes others too long
        from aftersales.runtime.telemetry.logs import configure_logs

        configure_logs("ERROR", "json")
    else:
        logging.getLogger().setLevel(logging.ERROR)


def _meaning(failed: Exception) -> CaseError | None:
    """Return what an error means for operators; None if it is a fault of ours."""
    if isinstance(failed, CaseError):
        return failed
    if isinstance(failed, OSError) and not isinstance(failed, BrokenPipeError):
        return NotWritten(why_not_written(failed))
    if "temporalio" in sys.modules:
        from aftersales.runtime.temporal.temporal_errors import meaning_of

        return meaning_of(failed)
    return None


def why_not_written(failed: OSError) -> str:
    """Return which file or output cannot be used, and why."""
    where = failed.filename or ("标准输出 / standard output" if failed.errno in _OF_OUTPUT else "本机 / this machine")
    return f"{where}: 不能使用 / cannot be used: {failed.strerror or failed}"
