"""Reading a case for a user: who may not see its shop is told that there is no such case."""

from datetime import timedelta
from typing import Final

from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.desk.services import DeskServices
from aftersales.desk.users import User
from cases.errors import CaseError
from workflows.engine.view import CaseView

PATIENCE: Final = timedelta(seconds=10)


async def read_case(services: DeskServices, user: User, case_id: str) -> CaseView | None:
    """Return a case; None if there is none that the user sees.  Raises CaseError if no worker answers."""
    handle = services.client.get_workflow_handle(case_id)
    try:
        seen: CaseView = await handle.query("view", result_type=CaseView, rpc_timeout=PATIENCE)
    except RPCError as failed:
        if failed.status is RPCStatusCode.NOT_FOUND:
            return None
        raise CaseError(f"没有 worker 应答 / no worker answers: {failed.message}") from failed
    except WorkflowQueryFailedError as failed:
        raise CaseError(f"{case_id}: 无法读取 / cannot be read: {failed}") from failed
    return seen if user.sees(seen.facts.get("shop_id")) else None
