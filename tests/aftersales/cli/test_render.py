from typing import get_args

import pytest

from aftersales.cli.cases.render import print_answer
from aftersales.runtime.client.case_words import EFFECT_STATUS
from workflows.engine.state import EffectStatus
from workflows.engine.view import CaseSummary


def test_every_status_of_a_step_has_a_name() -> None:
    assert set(get_args(EffectStatus)) - set(EFFECT_STATUS) == set()


def test_a_decision_that_no_platform_has_to_take_is_not_said_to_be_taken_by_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = CaseSummary(status="open", state=["working"], label="处理中", deadline=None, decision="taken")

    print_answer("anxinjian_split/1", answer)

    printed = capsys.readouterr().out
    assert "taken" in printed
    assert "平台" not in printed
