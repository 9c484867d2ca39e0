"""Programs whose machine's clock is wrong: a library that the loader puts between them and the system."""

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += AHEAD;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (kept) *kept = exact.tv_sec;
    return exact.tv_sec;
}
"""


def clock_ahead(folder: Path, by: timedelta) -> dict[str, str]:
    """Return the variables with which a program's clock is ahead; skip the test, with the reason, where none can be."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("a clock is set wrong by a library for Linux, and there is no C compiler to make it")
    source, library = folder / "wrong_clock.c", folder / "wrong_clock.so"
    source.write_text(SOURCE, encoding="utf-8")
    ahead = f"-DAHEAD={int(by.total_seconds())}"
    subprocess.run([compiler, "-shared", "-fPIC", ahead, "-o", str(library), str(source), "-ldl"], check=True)
    others = os.environ.get("LD_PRELOAD")
    return {"LD_PRELOAD": f"{library}:{others}" if others else str(library)}
