"""Who acts and reports in a scenario, as the case is told."""

from temporalio.testing import WorkflowEnvironment

from tests.support.rules.playing import Play, act, report
from tests.support.temporal.senders import SIGNALED, UPDATED, senders


async def test_a_scenario_decides_and_reports_under_its_own_name_and_in_its_own_time(
    server: WorkflowEnvironment, play: Play
) -> None:
    played = await play(act("1h", "agree"), report("2h", "withdraw", "m1"), until="2h")
    handle = server.client.get_workflow_handle(played.result["case_id"])
    for kind in (UPDATED, SIGNALED):
        assert await senders(handle, kind) == [{"name": "simulate", "way": "command"}]
