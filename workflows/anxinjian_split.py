"""The workflow of an Anxinjian item whose purchase was split over several orders."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from cases.anxinjian_split import SplitCase
    from statecharts.anxinjian_split import AnxinjianOrder, AnxinjianSplit
    from workflows.engine.case_workflow import CaseWorkflow
    from workflows.engine.process import Process

PROCESS = Process("anxinjian_split", "安心鉴拆单", AnxinjianSplit, SplitCase, AnxinjianOrder)


@workflow.defn(name="anxinjian_split")
class AnxinjianSplitWorkflow(CaseWorkflow, process=PROCESS):
    """One item authenticated once, however many orders its purchase was split over."""

    @workflow.init
    def __init__(self, *opening: Any) -> None:
        super().__init__(*opening)

    @workflow.run
    async def run(self, *opening: Any) -> dict[str, Any]:
        """Live the case's life."""
        del opening
        return await self.drive()
