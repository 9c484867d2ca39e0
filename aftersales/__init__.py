"""Everything around the core: ways in, marketplaces, simulation, ledger, notifications, and what puts them together."""

import sys

if sys.platform == "win32":
    # Said before anything is imported that Windows has not: locks of files, signals, the death signal of a child.
    sys.stderr.write("aftersales: 仅支持 Linux 和 macOS,Windows 请用 WSL / needs a POSIX system; on Windows, use WSL\n")
    sys.exit(2)
