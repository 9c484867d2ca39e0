"""The workflow of a claim on 1688."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from cases.claim_1688 import ClaimCase
    from statecharts.claim_1688 import Claim1688
    from workflows.engine.case_workflow import CaseWorkflow
    from workflows.engine.process import Process


@workflow.defn(name="claim_1688")
class Claim1688Workflow(CaseWorkflow, process=Process("claim_1688", "1688理赔", Claim1688, ClaimCase)):
    """Pay or appeal in 48 h, or the platform decides."""

    @workflow.init
    def __init__(self, *opening: Any) -> None:
        super().__init__(*opening)

    @workflow.run
    async def run(self, *opening: Any) -> dict[str, Any]:
        """Live the case's life."""
        del opening
        return await self.drive()
