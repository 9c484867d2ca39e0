"""Our errors as Temporal sees them (G-7): distinct by name, final or to be tried again."""

import traceback
from typing import Any

import pytest
import structlog
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.error_interceptor import ErrorInterceptor
from cases.errors import BadForm, CaseError, ClockWrong, NotResolvedYet, PlatformRefused, PlatformUnreachable
from cases.messages import ExpiryQuery
from tests.support.records.booking import ended, expected, recorded
from tests.support.rules.machines import after
from workflows.engine.activity_options import EFFECT, REMIND, RESOLVE_EXPIRY

QUESTION = ExpiryQuery(
    key="k",
    case_id="douyin_reship/A1",
    process="douyin_reship",
    shop_id="S1",
    state="awaiting_merchant",
    rule="auto_agree",
    due=after("48h"),
    facts={"description": "王小明"},
)


class Inner(ActivityInboundInterceptor):
    """The activity itself."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.bound = error, dict[str, Any]()

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        self.bound = structlog.contextvars.get_contextvars()
        if self.error:
            raise self.error
        return input.args


def call_with(*arguments: Any) -> ExecuteActivityInput:
    return ExecuteActivityInput(fn=lambda: None, args=arguments, executor=None, headers={})


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (PlatformRefused("x"), True),
        (BadForm("x"), True),
        (PlatformUnreachable("x"), False),
        (ClockWrong("x"), False),
        (NotResolvedYet("x"), False),
        (CaseError("x"), False),
    ],
)
async def test_g_7_each_error_keeps_its_name_and_only_business_refusals_are_final(
    error: CaseError,
    final: bool,  # noqa: FBT001
) -> None:
    with pytest.raises(ApplicationError) as raised:
        await ErrorInterceptor().intercept_activity(Inner(error)).execute_activity(call_with(QUESTION))
    assert (raised.value.type, raised.value.non_retryable) == (type(error).__name__, final)
    for budget in (EFFECT, RESOLVE_EXPIRY, REMIND):
        assert (raised.value.type in (budget["retry_policy"].non_retryable_error_types or ())) is final


async def test_a_fault_of_the_program_is_tried_again_and_its_message_which_may_quote_a_buyer_is_kept_back() -> None:
    with pytest.raises(ApplicationError) as raised:
        await (
            ErrorInterceptor().intercept_activity(Inner(KeyError("13800138000"))).execute_activity(call_with(QUESTION))
        )
    fault = raised.value
    assert (fault.type, fault.non_retryable, fault.__suppress_context__) == ("KeyError", False, True)
    assert "13800138000" not in str(fault)
    assert Inner.execute_activity.__name__ in "".join(traceback.format_tb(fault.__traceback__))


@pytest.mark.parametrize("error", [OSError("no space left"), ApplicationError("why", type="Whole")])
async def test_errors_of_the_machine_and_of_temporal_are_passed_on_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        await ErrorInterceptor().intercept_activity(Inner(error)).execute_activity(call_with(QUESTION))
    assert raised.value is error


async def test_our_errors_are_logged_in_one_line_with_their_case_and_without_a_traceback() -> None:
    boundary = ErrorInterceptor().intercept_activity(Inner(PlatformRefused("店铺被处罚")))
    with (
        structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines,
        pytest.raises(ApplicationError) as raised,
    ):
        await boundary.execute_activity(call_with(QUESTION))
    assert raised.value.category is ApplicationErrorCategory.BENIGN  # of these Temporal logs nothing itself
    (line,) = lines
    assert (line["case_id"], line["why"], line["error"]) == ("douyin_reship/A1", "店铺被处罚", "PlatformRefused")
    assert "exc_info" not in line
    assert raised.value.__cause__ is None  # a history would keep it with all its frames
    assert "王小明" not in str(line)


async def test_every_log_line_of_an_activity_says_which_case_it_is_about_and_nothing_of_its_facts() -> None:
    inner = Inner()
    await ErrorInterceptor().intercept_activity(inner).execute_activity(call_with(QUESTION))
    assert inner.bound == {
        "case_id": "douyin_reship/A1",
        "process": "douyin_reship",
        "shop": "S1",
        "rule": "auto_agree",
    }
    assert structlog.contextvars.get_contextvars() == {}


async def test_a_record_of_a_case_names_its_case() -> None:
    inner = Inner()
    await ErrorInterceptor().intercept_activity(inner).execute_activity(call_with(recorded(expected(), ended())))
    assert inner.bound == {"case_id": "claim_1688/C1", "process": "claim_1688", "shop": "S1"}


async def test_an_activity_without_arguments_is_about_no_case() -> None:
    inner = Inner()
    assert await ErrorInterceptor().intercept_activity(inner).execute_activity(call_with()) == ()
    assert inner.bound == {}
