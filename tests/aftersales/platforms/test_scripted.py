"""The scripted platform: idempotent by key, failing in the two ways a platform fails (G-7)."""

import pytest
from pydantic import ValidationError

from aftersales.platforms.journal import Journal
from aftersales.platforms.scripted import Script, ScriptedPlatform
from cases.errors import PlatformError, PlatformRefused, PlatformUnreachable
from cases.messages import EffectCall, ExpiryOutcome, ExpiryQuery
from tests.support.rules.machines import after


def call(key: str = "c/1", effect: str = "agree_on_platform") -> EffectCall:
    return EffectCall(
        key=key,
        case_id="c",
        process="p",
        shop_id="S1",
        effect=effect,
        label="x",
        rule="agree",
        at=after("0s"),
        facts={"description": "王小明"},
    )


def question(rule: str = "auto_agree") -> ExpiryQuery:
    return ExpiryQuery(
        key="c/1", case_id="c", process="p", shop_id="S1", state="s", rule=rule, due=after("48h"), facts={}
    )


async def test_a_call_is_done_once_by_its_key() -> None:
    journal = Journal()
    platform = ScriptedPlatform(journal=journal)
    for key in ("c/1", "c/1", "c/2"):
        await platform.perform(call(key))
    assert list(journal.rows) == ["c/1", "c/2"]


async def test_the_journal_keeps_nothing_of_the_buyer() -> None:
    journal = Journal()
    await ScriptedPlatform(journal=journal).perform(call())
    assert "王小明" not in str(journal.rows)


@pytest.mark.parametrize(("how", "error"), [("business", PlatformRefused), ("unreachable", PlatformUnreachable)])
async def test_g_7_a_call_fails_as_the_script_says_and_is_not_done(how: str, error: type[PlatformError]) -> None:
    journal = Journal()
    script = Script.model_validate({"fail": {"agree_on_platform": how, "settle": how}})
    platform = ScriptedPlatform(script, journal)
    with pytest.raises(error):
        await platform.perform(call())
    with pytest.raises(error):
        await platform.resolve_expiry(question())
    await platform.perform(call("c/2", "other"))
    assert list(journal.rows) == ["c/2"]


async def test_g_7_what_was_done_before_is_done_even_if_the_platform_now_fails() -> None:
    journal = Journal()
    await ScriptedPlatform(journal=journal).perform(call())
    await ScriptedPlatform(Script(fail={"agree_on_platform": "business"}), journal).perform(call())


async def test_g_2_without_an_answer_in_the_script_a_clock_has_no_record() -> None:
    platform = ScriptedPlatform(Script(settle={"auto_agree": ExpiryOutcome(rule="withdraw")}))
    assert await platform.resolve_expiry(question()) == ExpiryOutcome(rule="withdraw")
    assert await platform.resolve_expiry(question("lapse")) == ExpiryOutcome()


def test_a_script_knows_only_the_two_ways_of_failing() -> None:
    with pytest.raises(ValidationError, match="business"):
        Script.model_validate({"fail": {"settle": "sometimes"}})
