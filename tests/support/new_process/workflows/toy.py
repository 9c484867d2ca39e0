"""The workflow of a toy."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from cases.toy import ToyCase
    from statecharts.toy import Toy

    from workflows.engine.case_workflow import CaseWorkflow
    from workflows.engine.process import Process


@workflow.defn(name="toy")
class ToyWorkflow(CaseWorkflow, process=Process("toy", "玩具", Toy, ToyCase)):
    """Agree, ship, wait."""

    @workflow.init
    def __init__(self, *opening: Any) -> None:
        super().__init__(*opening)

    @workflow.run
    async def run(self, *opening: Any) -> dict[str, Any]:
        """Run the case until it closes."""
        del opening
        return await self.drive()
