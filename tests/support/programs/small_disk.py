"""Disks of 16 megabytes that a test can fill, or make fail, under the programs that use them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SIZE = 16 * 1024 * 1024
FILLING = "filling"


class FillableDisk:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def spoil(self) -> None:
        """Leave no free byte."""
        with (self.folder / FILLING).open("ab", buffering=0) as file:
            for size in (64 * 1024, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    continue
        assert os.statvfs(self.folder).f_bavail == 0

    def mend(self) -> None:
        """Make room; whoever uses the disk goes on."""
        (self.folder / FILLING).unlink()


class FailingDisk:
    """A mounted ext4 in a file, which the kernel makes read-only after an error, also for files that are open."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder, self._image = folder, image

    def mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.folder))

    def spoil(self) -> None:
        _run("mount", "-o", "remount,abort", str(self.folder))

    def mend(self) -> None:
        """Check the disk and mount it again, after all that used it has ended."""
        _run("umount", str(self.folder))
        repaired = subprocess.run(["e2fsck", "-p", str(self._image)], check=False, capture_output=True)
        assert repaired.returncode <= 1, repaired.stdout
        self.mount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@contextmanager
def _or_skip() -> Iterator[None]:
    """Skip the test, with the reason, where nothing may be mounted."""
    if sys.platform != "linux":
        pytest.skip("mounts as Linux does")
    try:
        yield
    except (OSError, subprocess.CalledProcessError) as refused:
        pytest.skip(f"no disk can be mounted here, which takes root: {getattr(refused, 'stderr', None) or refused}")


@contextmanager
def fillable_disk(folder: Path) -> Iterator[FillableDisk]:
    """Mount a disk on a new folder that can be filled."""
    folder.mkdir()
    with _or_skip():
        _run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(folder))
    try:
        yield FillableDisk(folder)
    finally:
        _run("umount", "--lazy", str(folder))


@contextmanager
def failing_disk(folder: Path) -> Iterator[FailingDisk]:
    """Mount a disk on a new folder that can become read-only."""
    folder.mkdir()
    disk = FailingDisk(folder, folder.with_suffix(".image"))
    with _or_skip():
        with disk._image.open("wb") as image:
            image.truncate(SIZE)
        _run("mkfs.ext4", "-q", "-m", "0", str(disk._image))
        disk.mount()
    try:
        yield disk
    finally:
        _run("umount", "--lazy", str(folder))
