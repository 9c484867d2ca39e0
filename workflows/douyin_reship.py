"""The workflow of a Douyin reship."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from cases.douyin_reship import ReshipCase
    from statecharts.douyin_reship import DouyinReship
    from workflows.engine.case_workflow import CaseWorkflow
    from workflows.engine.process import Process


@workflow.defn(name="douyin_reship")
class DouyinReshipWorkflow(CaseWorkflow, process=Process("douyin_reship", "抖音补寄", DouyinReship, ReshipCase)):
    """Agree in 48 h, ship in 48 h, or the platform decides."""

    @workflow.init
    def __init__(self, *opening: Any) -> None:
        super().__init__(*opening)

    @workflow.run
    async def run(self, *opening: Any) -> dict[str, Any]:
        """Live the case's life."""
        del opening
        return await self.drive()
