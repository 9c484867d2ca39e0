"""A search for facts that lead elsewhere when they are told late or out of order (G-11)."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.rules.telling import (
    OPENED,
    SETTLED,
    Fact,
    opened,
    provenance,
    restarted,
    tell,
    told_facts,
    told_in_time,
    until,
)
from workflows.engine import inputs
from workflows.engine.machine import CaseMachine
from workflows.registry import PROCESSES

SEARCH = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
)


def beyond_reach(of: CaseMachine, fact: Fact) -> bool:
    """Return whether a fact is older than the checkpoint of a case, or may contradict what was assumed before it."""
    checkpoint = of.state.checkpoint
    if checkpoint is None:
        return False
    assumed = any(entry.assumed for entry in checkpoint.course.timeline)
    return assumed or fact.happened <= (checkpoint.course.frontier or OPENED)


@pytest.mark.parametrize("process", PROCESSES)
@SEARCH
@given(data=st.data())
def test_g_11_facts_told_in_any_order_end_in_the_same_state_and_the_same_ledger(
    process: str, data: st.DataObject
) -> None:
    record, facts = data.draw(told_facts(process))
    case = opened(process, record)
    for fact in facts:
        until(case, fact.told)
        tell(case, fact)
        if data.draw(st.booleans()):
            case = restarted(case, record)
    until(case, OPENED + SETTLED)

    assert provenance(case) == provenance(told_in_time(process, record, facts))


@pytest.mark.parametrize("process", PROCESSES)
@SEARCH
@given(data=st.data())
def test_g_11_a_checkpoint_changes_nothing_for_facts_that_happened_after_it(process: str, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        record, facts = data.draw(told_facts(process))
        patch.setattr(inputs, "INPUTS_KEPT", data.draw(st.integers(min_value=1, max_value=4)))
        case, told = opened(process, record), list[Fact]()
        for fact in facts:
            until(case, fact.told)
            if beyond_reach(case, fact):
                continue
            tell(case, fact)
            told.append(fact)
            if data.draw(st.booleans()):
                case = restarted(case, record)
        until(case, OPENED + SETTLED)

    assert provenance(case) == provenance(told_in_time(process, record, told))
