"""The Temporal worker: runs every case's workflow and activities until SIGTERM or Ctrl-C.

Run it as ``python worker.py`` against any Temporal; ``docs/settings.md`` lists its settings.
"""

import logging
import os
import sys

from aftersales.bootstrap import main

if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)  # the SDK's own threads now and then abort a process that winds down by itself
