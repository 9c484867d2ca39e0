"""Every effect has its activity and every activity its effect; a console task says where and what to do (G-8)."""

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities import douyin_reship
from activities.dependencies import all_activities
from activities.effects import PLATFORM_CALL, process_activities
from aftersales.authoring.process_check import effect_tables
from aftersales.bootstrap import simulated_dependencies
from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.platforms.scripted import Script, ScriptedPlatform
from cases.messages import ConsoleTask, EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery
from tests.support.rules.machines import after
from tests.support.rules.stage import Stage
from workflows.engine import activity_calls
from workflows.registry import PROCESSES

EFFECTS = effect_tables()


def names() -> list[str]:
    names = [
        activity._Definition.must_from_callable(function).name
        for function in all_activities(EFFECTS, simulated_dependencies(Script()))
    ]
    return [name for name in names if name is not None]


@pytest.mark.parametrize("process", PROCESSES.values(), ids=lambda process: process.name)
def test_every_effect_of_a_chart_has_an_activity_and_every_activity_an_effect(process: object) -> None:
    assert isinstance(process, type(PROCESSES["douyin_reship"]))
    performed = {name for name, effect in process.effects().items() if effect.is_performed}
    assert performed == EFFECTS[process.name].keys()
    offered = {name for name in names() if name.startswith(f"{process.name}.")}
    assert offered == {activity_calls.effect_activity(process.name, name) for name in performed} | {
        activity_calls.expiry_activity(process.name)
    }


def test_the_activities_all_processes_share_are_there_once() -> None:
    assert sorted(set(names())) == sorted(names())
    assert {name for name in names() if "." not in name} == {
        activity_calls.RECORD_CASE,
        activity_calls.CLOSE_CASE,
        activity_calls.SEND_REMINDER,
        activity_calls.NOTIFY_ACTION_REQUIRED,
        "catch_up",
    }


@pytest.mark.parametrize("process", PROCESSES.values(), ids=lambda process: process.name)
def test_what_commands_the_platform_is_a_call_of_it_or_a_task_in_its_console(process: object) -> None:
    assert isinstance(process, type(PROCESSES["douyin_reship"]))
    for name, how in EFFECTS[process.name].items():
        assert how == PLATFORM_CALL or isinstance(how, ConsoleTask) or callable(how), name
        if how == PLATFORM_CALL:
            assert process.effects()[name].calls_platform, name


def call(effect: str, key: str = "douyin_reship/A1/1") -> EffectCall:
    return EffectCall(
        key=key,
        case_id="douyin_reship/A1",
        process="douyin_reship",
        shop_id="S1",
        effect=effect,
        label="x",
        rule="agree",
        at=after("0s"),
        facts={},
    )


async def run(name: str, argument: object, stage: Stage) -> object:
    activities = {
        activity._Definition.must_from_callable(function).name: function
        for function in process_activities("douyin_reship", douyin_reship.EFFECTS, stage, stage)
    }
    return await ActivityEnvironment().run(activities[name], argument)


async def test_an_effect_reaches_the_platform_once_by_its_key() -> None:
    stage = Stage()
    outcomes = [await run("douyin_reship.agree_on_platform", call("agree_on_platform"), stage) for _ in range(2)]
    assert outcomes == [EffectOutcome(), EffectOutcome(already=True)]
    assert stage.scenes["douyin_reship/A1"].performed == ["agree_on_platform"]


async def test_g_8_a_console_task_says_which_page_and_what_to_do_and_touches_nothing() -> None:
    stage = Stage()
    outcome = await run("douyin_reship.contact_buyer", call("contact_buyer"), stage)
    assert isinstance(outcome, EffectOutcome)
    assert outcome.console_task is not None
    assert outcome.console_task.page.startswith("抖店后台 > ")
    assert "撤销" in outcome.console_task.instruction
    assert "凭证" in outcome.console_task.instruction
    assert stage.scenes == {}


async def test_g_2_the_platform_is_asked_what_its_clock_led_to() -> None:
    question = ExpiryQuery(
        key="k",
        case_id="douyin_reship/A1",
        process="douyin_reship",
        shop_id="S1",
        state="awaiting_merchant",
        rule="auto_agree",
        due=after("48h"),
        facts={},
    )
    platform = ScriptedPlatform(Script(settle={"auto_agree": ExpiryOutcome(rule="withdraw")}))
    (resolve,) = [
        function
        for function in process_activities("douyin_reship", {}, platform, InMemoryLedger())
        if activity._Definition.must_from_callable(function).name == "douyin_reship.resolve_expiry"
    ]
    assert await ActivityEnvironment().run(resolve, question) == ExpiryOutcome(rule="withdraw")
