"""Reporting facts to cases through Temporal."""

from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client
from temporalio.service import RPCError

from aftersales.runtime.client.known_cases import is_missing
from aftersales.runtime.client.sender_header import with_sender
from cases.messages import Report
from workflows.engine.sender import FROM_A_CASE

_PATIENCE: Final = timedelta(seconds=5)
"""How long Temporal may take to accept a signal."""


class TemporalCaseReports:
    """The way by which cases tell each other facts (G-15)."""

    def __init__(self, client: Client) -> None:
        self._client = with_sender(client, FROM_A_CASE, timed=False)  # a report of a fact bears its instant

    async def report(self, case_id: str, report: Report) -> None:
        """Signal a case; one that has ended, or was never opened, is passed over.  Raises RPCError."""
        signal: dict[str, Any] = report.model_dump(mode="json", exclude_defaults=True)
        try:
            await self._client.get_workflow_handle(case_id).signal("report", signal, rpc_timeout=_PATIENCE)
        except RPCError as failed:
            if not is_missing(failed):
                raise
