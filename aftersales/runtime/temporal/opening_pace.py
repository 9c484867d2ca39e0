"""The pace of bulk openings: no faster than the workers open cases, so that no decision waits behind them.

Temporal's priority of a workflow is one for its whole life: with a low one, the decisions about a case that was opened
in bulk would for ever wait behind everybody else's openings and clocks.  So it is not used; openings are held back
where they come from instead.
"""

import time
from datetime import timedelta
from typing import Final

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

ASKED_EVERY: Final = 2
"""After so many openings one is waited for."""
PROBE_PATIENCE: Final = timedelta(seconds=20)
UNPACED_SECONDS: Final = 60.0
"""How long openings are not held back after no worker has answered: then there is no decision to be held up."""


class OpeningPace:
    """The pace of a sequence of openings; several sequences may share one."""

    def __init__(self) -> None:
        self._opened = 0
        self._unpaced_until = float("-inf")

    async def opened(self, client: Client, case_id: str) -> None:
        """Note that a case was opened; for every other one, wait until a worker has it and answers for it."""
        self._opened += 1
        if self._opened % ASKED_EVERY or time.monotonic() < self._unpaced_until:
            return
        try:
            await client.get_workflow_handle(case_id).query("view", rpc_timeout=PROBE_PATIENCE)
        except WorkflowQueryFailedError:
            return
        except RPCError:
            self._unpaced_until = time.monotonic() + UNPACED_SECONDS
