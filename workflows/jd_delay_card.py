"""The workflow of a delay card on JD."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from cases.jd_delay_card import DelayCase
    from statecharts.jd_delay_card import JdDelayCard
    from workflows.engine.case_workflow import CaseWorkflow
    from workflows.engine.process import Process


@workflow.defn(name="jd_delay_card")
class JdDelayCardWorkflow(CaseWorkflow, process=Process("jd_delay_card", "京东延迟发货卡片", JdDelayCard, DelayCase)):
    """One card an order, 48 h to be clicked; a report after that."""

    @workflow.init
    def __init__(self, *opening: Any) -> None:
        super().__init__(*opening)

    @workflow.run
    async def run(self, *opening: Any) -> dict[str, Any]:
        """Live the case's life."""
        del opening
        return await self.drive()
