"""Descriptions, summaries and details of an open case in the Web UI and in lists."""

from typing import Any

from temporalio.api.sdk.v1 import WorkflowMetadata

from aftersales.runtime.client.case_search import OPEN, RUNNING
from tests.support.temporal.life import Life, Open, due, eventually
from workflows.registry import PROCESSES

PERSONAL = "王小明 13800000000"


async def metadata(life: Life) -> WorkflowMetadata:
    answer: WorkflowMetadata = await life.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return answer


async def attributes(life: Life) -> dict[str, Any]:
    pairs = (await life.handle.describe()).typed_search_attributes
    return {pair.key.name: pair.value for pair in pairs if pair.key.name.startswith("Case")}


async def test_g_4_every_rule_of_people_is_offered_with_label_and_clause(open_case: Open) -> None:
    life = await open_case()
    offered = {
        definition.name: definition.description for definition in (await metadata(life)).definition.update_definitions
    }
    process = PROCESSES["douyin_reship"]
    assert set(offered) == {name for name, rule in process.chart.rules.items() if rule.clock is None} | {
        "retry_effect",
        "done_by_hand",
    }
    for name, rule in process.chart.rules.items():
        if rule.clock is None:
            assert str(rule.name) in offered[name]
            assert all(clause in offered[name] for clause in rule.clauses)
    assert offered["withdraw"].startswith("登记:买家")
    assert not offered["agree"].startswith("登记")


async def test_details_follow_the_case_and_hold_nothing_of_the_buyer(open_case: Open) -> None:
    life = await open_case(description=PERSONAL)
    first = (await metadata(life)).current_details
    await life.act("agree")
    second = (await metadata(life)).current_details
    assert "待商家处理" in first
    assert "待补寄发货" in second
    for shown in (first, second):
        assert not any(part in shown for part in PERSONAL.split())


async def test_attributes_change_as_the_case_moves(open_case: Open) -> None:
    life = await open_case()
    assert (await attributes(life))["CaseState"] == "待商家处理"
    assert (await attributes(life))["CaseDeadline"] == due(await life.view())
    await life.act("mark_out_of_stock")
    await life.until("task", lambda seen: seen["effects"][0]["status"] == "console_task")
    assert (await attributes(life))["CaseNeedsOperator"] is True
    await life.act("done_by_hand")
    await life.act("refuse", {"reason": "已签收"})
    seen = await attributes(life)
    assert (seen["CaseState"], seen["CaseWaitsFor"], seen["CaseNeedsOperator"]) == ("平台仲裁中", "平台", False)
    assert "CaseDeadline" not in seen


async def test_a_case_that_ends_by_its_clock_is_listed_where_it_ended(open_case: Open) -> None:
    life = await open_case(reason="other")
    await life.act("refuse", {"reason": "已签收"})
    await life.pass_time("48h")
    await life.until_closed()
    seen = await attributes(life)
    assert seen["CaseState"] == "逾期未申诉已关闭"
    assert not seen.keys() & {"CaseDeadline", "CaseWaitsFor"}


async def test_only_attributes_that_changed_are_written(open_case: Open) -> None:
    life = await open_case()
    await life.pass_time("1h")
    await life.act("agree")
    await life.until("performed", lambda seen: not seen["busy"])
    (history,) = await life.histories()
    written = [
        set(event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields)
        for event in history.events
        if event.HasField("upsert_workflow_search_attributes_event_attributes")
    ]
    assert written[1:] == [{"CaseState", "CaseDeadline"}]


async def test_timers_and_activities_have_readable_summaries(open_case: Open) -> None:
    life = await open_case()
    await life.act("agree")
    await life.until("performed", lambda seen: not seen["busy"])
    (history,) = await life.histories()
    summaries = [
        event.user_metadata.summary.data.decode() for event in history.events if event.HasField("user_metadata")
    ]
    assert any("在平台同意补寄" in summary for summary in summaries)
    assert any("抖音补寄" in summary for summary in summaries)


async def test_g_11_a_case_that_facts_can_still_put_right_is_not_listed_as_open(open_case: Open) -> None:
    life = await open_case()

    async def listed(query: str) -> int:
        about = f"{query} AND WorkflowId = '{life.id}'"
        return len([found async for found in life.environment.client.list_workflows(about)])

    async def is_open() -> bool:
        return await listed(OPEN) == 1

    async def has_ended() -> bool:
        return (await listed(RUNNING), await listed(OPEN)) == (1, 0)

    await eventually("it is open", is_open)
    await life.pass_time("97h")
    await life.until_state("refunded")
    await eventually("it has ended, and runs", has_ended)
