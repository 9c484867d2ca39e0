"""A file that is read again whenever it has changed, so that a running process needs no restart."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from cases.errors import BadForm

Content = TypeVar("Content")


class WatchedFile(Generic[Content]):
    """What a file says now.  A change that cannot be used is logged once, and what the file said before stays."""

    def __init__(self, path: Path, read: Callable[[Path], Content]) -> None:
        """Read the file; raises BadForm, as ``read`` does."""
        self._path, self._read = path, read
        self._seen = _look(path)
        self._content = read(path)

    @property
    def content(self) -> Content:
        """What the file says; it is looked at, and read if it is another one than before."""
        # Looked at first: a change while it is read is noticed by the next look.
        seen = _look(self._path)
        if seen != self._seen:
            self._seen = seen
            self._take()
        return self._content

    def _take(self) -> None:
        log = structlog.get_logger("files")
        try:
            self._content = self._read(self._path)
        except BadForm as bad:
            log.error(  # noqa: TRY400 - a traceback says no more
                "a changed file is refused, what it said before stays", file=str(self._path), why=str(bad)
            )
        else:
            log.info("a changed file is read", file=str(self._path))


def _look(path: Path) -> tuple[int, ...] | None:
    """Return what differs once a file has been written, replaced or opened to others; None if it is not there.

    A mounted secret is a link that is replaced, so that the file behind it is another one.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
